import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Execution } from '../../../src/core/execution.js';
import type { ExecutionRecord } from '../../../src/core/state/execution-record.js';
import { executionFromRecord, executionToRecord } from '../../../src/core/state/execution-record.js';
import { ROOT } from '../../helpers/daemon.js';
import { makeExecution, makeStep } from '../../helpers/models.js';

const WHOLE: Required<Omit<Execution, 'steps'>> & { steps: Execution['steps'] } = {
  ...(makeExecution({
    steps: [makeStep({ id: 's', status: 'failed', error: 'no' })],
    tail: ['one'],
  }) as Required<Execution>),
  attention: { state: 'waiting', reason: 'asks', step: 's' },
  implicit: true,
  orphaned: true,
  queuedAt: '2026-11-20T10:34:10.000Z',
  endedAt: '2026-11-20T10:35:20.000Z',
  durationMs: 60_000,
  outcome: {
    exitCode: 1,
    signal: 'SIGTERM',
    error: 'own error',
    errorType: 'timeout',
    summary: 'in short',
    endedBy: 'record',
    dismissed: true,
  },
  process: { argv: ['a', 'b'], cwd: '/w', pid: 7, host: 'h', tty: '/dev/pts/1', tmux: '%1' },
  producer: { source: 'run-1', sender: 'p', vocabulary: 'stories' },
  agent: { name: 'claude', model: 'm', session: 'x', turns: 2, via: 'hooks' },
  payload: { parameters: 'p', input: 'i', output: 'o' },
  labels: { a: 'b' },
  parent: 'p',
  queue: 'q',
  after: ['c'],
  successor: 'd',
  tasks: ['t'],
  taskOutcome: { status: 'failed', error: 'error of the task' },
  announced: { total: 3, estimatedMs: 9, percent: 50 },
  progress: { current: 1 },
  resources: { rss: 5 },
  usage: { tokens: 1, costUsd: 2 },
  droppedSteps: { completed: 1 },
  lines: 4,
  summarised: true,
  alerted: true,
  alerts: ['r'],
  carriedSeq: 8,
};

t.test('a record has the fields of the groups as its own, and gives the same execution', (t) => {
  const record = JSON.parse(JSON.stringify(executionToRecord(WHOLE))) as ExecutionRecord;
  t.match(record, {
    ...{ attention: 'waiting', attentionReason: 'asks', attentionStep: 's' },
    ...{ exitCode: 1, error: 'own error', argv: ['a', 'b'], pid: 7, agent: 'claude', session: 'x' },
    ...{ source: 'run-1', tokens: 1, percent: 50, input: 'i', outcome: { error: 'error of the task' } },
  });
  for (const group of ['process', 'producer', 'usage', 'payload', 'announced', 'taskOutcome'])
    t.notOk(group in record, group);
  t.strictSame(executionFromRecord(record), WHOLE);
  t.end();
});

t.test('groups without fields are absent', (t) => {
  const bare = makeExecution();
  t.strictSame(executionFromRecord(executionToRecord(bare)), bare);
  t.end();
});

t.test('a record of version 0.1 is written again as it was', (t) => {
  const file = path.join(ROOT, 'test/fixtures/state-0.1/checkpoint.json');
  const records = readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => (line === '' ? [] : (JSON.parse(line) as ExecutionRecord)))
    .filter((record) => 'lastActivity' in record);
  t.ok(records.length > 0);
  for (const record of records) t.strictSame(executionToRecord(executionFromRecord(record)), record);
  t.end();
});
