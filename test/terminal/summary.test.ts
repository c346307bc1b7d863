import t from 'tap';
import type { Execution } from '../../src/core/execution.js';
import type { TailLine } from '../../src/terminal/log-tail.js';
import { leavingLine, summaryLines } from '../../src/terminal/summary.js';
import { cellsOf } from '../../src/terminal/width.js';
import { randomExecution } from '../helpers/random-models.js';
import { createRandom } from '../helpers/random.js';
import { makeExecution, makeShipLogin, makeStep, timeAt } from '../helpers/models.js';

const PLAIN = { color: false, ascii: false };

function makeFailed(): Execution {
  return {
    ...makeShipLogin(),
    status: 'failed',
    durationMs: 432_000,
    outcome: { exitCode: 1, error: 'integration tests failed' },
  };
}

t.test('a success: outcome, duration, counts, what took longest, where the log is', (t) => {
  const steps = ['Plan', 'Build', 'Test'].map((name, index) =>
    makeStep({ id: name, name, status: 'completed', startedAt: timeAt(0), durationMs: 60_000 * (index + 1) }),
  );
  const criteria = [makeStep({ id: 'c', kind: 'criterion', status: 'completed' })];
  const execution = makeExecution({
    status: 'completed',
    outcome: { exitCode: 0, summary: 'All is well.' },
    durationMs: 712_000,
    steps: [...steps, ...criteria],
  });
  t.same(summaryLines(execution, PLAIN, 80), [
    '✅ ship-login-page completed in 11:52   7hq2m4kd9x',
    '   3 steps completed · 1/1 criterion',
    '   All is well.',
    '   slowest: Test 3:00, Build 2:00',
    '   log  progress logs 7hq2m4kd9x',
  ]);
  t.end();
});

t.test('a failure: the step that failed, its error, the exit status, the last output', (t) => {
  t.same(summaryLines(makeFailed(), PLAIN, 60), [
    '❌ ship-login-page failed after 7:12, exit 1   7hq2m4kd9x',
    '   1 step running · 3 stories: 2 completed, 1 running · 2/…',
    '   criterion 3/5  Used token is rejected failed   (2 crite…',
    '   expected 401, got 200',
    '   integration tests failed',
    '   ── last 3 lines of output ──────────────────────────────',
    '     tests/reset.spec.ts  ✓ sends mail (412 ms)',
    '     tests/reset.spec.ts  ✓ expires (1.1 s)',
    '     tests/reset.spec.ts  … rejects used token',
    '   ────────────────────────────────────────────────────────',
    '   full log  progress logs 7hq2m4kd9x',
  ]);
  t.end();
});

t.test('a failure with its log: the last 50 lines, named after the step if they are all of it', (t) => {
  const log: TailLine[] = Array.from({ length: 60 }, (_, n) => ({ time: timeAt(n), step: 'ac-2', text: `line ${n}` }));
  const lines = summaryLines(makeFailed(), PLAIN, 60, log);
  t.match(lines[5], /^ {3}── last 50 lines of Used token is rejected ─+$/);
  t.same([lines[6], lines[55]], ['   line 10', '   line 59']);
  t.equal(lines.at(-1), '   full log  progress logs 7hq2m4kd9x');
  const mixed = summaryLines(makeFailed(), PLAIN, 60, [...log, { text: 'of no step' }]);
  t.match(mixed[5], /last 50 lines of output/);
  t.notMatch(summaryLines(makeFailed(), PLAIN, 60, []).join(), 'last');
  t.end();
});

t.test('an agent: its calls, its usage, its last text', (t) => {
  const steps = ['tool', 'tool', 'subagent'].map((kind, index) =>
    makeStep({ id: String(index), kind, status: 'completed' }),
  );
  const execution = makeExecution({
    kind: 'agent',
    status: 'completed',
    usage: { tokens: 12_208, costUsd: 0.05 },
    steps,
  });
  t.same(summaryLines({ ...execution, outcome: { summary: 'Done.' } }, PLAIN, 80).slice(1), [
    '   2 tools completed · 1 subagent completed · 12,208 tokens · $0.05',
    '   Done.',
    '   log  progress logs 7hq2m4kd9x',
  ]);
  t.end();
});

t.test('a signal, a timeout and a loss are named', (t) => {
  const title = (rest: Partial<Execution>) =>
    summaryLines({ ...makeExecution({ status: 'failed', durationMs: 1_000 }), ...rest }, PLAIN, 80)[0];
  t.match(title({ outcome: { signal: 'SIGKILL' } }), 'failed after 1.0s, SIGKILL');
  t.match(title({ status: 'timeout' }), '⌛ ship-login-page timed out after 1.0s');
  t.match(title({ status: 'lost' }), '?  ship-login-page lost after 1.0s');
  t.match(title({ status: 'cancelled', outcome: { exitCode: 0 } }), 'cancelled after 1.0s   7hq2m4kd9x');
  t.end();
});

t.test('dropped steps count', (t) => {
  const execution = makeExecution({ status: 'completed', droppedSteps: { completed: 12_000 } });
  t.match(summaryLines(execution, PLAIN, 80)[1], '12,000 steps completed');
  t.end();
});

t.test('the ID is never truncated, everything else fits', (t) => {
  const long = makeExecution({ id: 'x'.repeat(60), name: 'y'.repeat(60), status: 'failed', durationMs: 5 });
  const lines = summaryLines(long, PLAIN, 40);
  t.equal(lines.at(-1), `   full log  progress logs ${'x'.repeat(60)}`);
  t.ok(
    lines.slice(0, -1).every((line) => cellsOf(line) < 40),
    lines.join('\n'),
  );
  t.end();
});

t.test('the summary of any ended execution fits and is safe to print', (t) => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = createRandom(seed);
    const execution: Execution = { ...randomExecution(random, seed), id: '7hq2m4kd9x' };
    for (const color of [false, true]) {
      const lines = summaryLines(execution, { color, ascii: seed % 2 === 0 }, 20 + (seed % 100));
      const tooWide = lines.slice(0, -1).find((line) => cellsOf(line) > 20 + (seed % 100) - 1);
      if (tooWide !== undefined) t.fail(`seed ${seed}: ${JSON.stringify(tooWide)}`);
      if (/[\u0000-\u001a\u001c-\u001f\u009b\u202e]/.test(lines.join(''))) t.fail(`seed ${seed}: control character`);
    }
  }
  t.pass('300 summaries');
  t.end();
});

t.test('the last line is a hyperlink to the viewer, if it is on', (t) => {
  const id = 'a/\u001b\\b';
  const execution = makeExecution({ id, status: 'completed' });
  const [plain] = summaryLines(execution, PLAIN, 80).slice(-1);
  const [linked] = summaryLines(execution, { ...PLAIN, viewer: 'http://127.0.0.1:7878' }, 80).slice(-1);
  const start = `\u001b]8;;http://127.0.0.1:7878/executions/${encodeURIComponent(id)}\u001b\\`;
  t.notMatch(plain, '\u001b');
  t.equal(linked, `${plain?.replace('progress', `${start}progress`)}\u001b]8;;\u001b\\`);
  t.equal(cellsOf(linked ?? ''), plain?.length, 'and takes no more cells');
  t.end();
});

t.test('leaving prints what still runs', (t) => {
  t.equal(leavingLine([]), undefined);
  t.equal(leavingLine([makeExecution({ status: 'failed' })]), undefined);
  t.equal(leavingLine([makeExecution()]), 'ship-login-page goes on. Come back: progress watch --stream 7hq2m4kd9x');
  t.equal(leavingLine([makeExecution(), makeExecution()]), '2 executions go on. Come back: progress watch --stream');
  t.end();
});
