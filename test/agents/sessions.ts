/** Tests for every agent: a session that completes, one that is refused, one that is interrupted. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import type { ExecutionJson } from '../../src/core/execution.js';
import type { Agent } from '../../src/core/agents.js';
import { waitFor } from '../helpers/wait.js';
import type { Bench, View } from './bench.js';
import { openBench, PATIENCE_MS, VIEWS } from './bench.js';
import type { Turn } from './stand-in.js';
import { TOKENS_OF_TURN } from './stand-in.js';

/** Differences between agents in what each view receives. */
export interface Differences {
  /** Tool calls of the conversation below, with their outcomes. */
  steps: Readonly<Record<View, readonly (readonly [name: string, status: string])[]>>;
  /** Whether texts between the calls are reported. */
  isTalkTold: Readonly<Record<View, boolean>>;
  /** Statuses of a permanent and a temporary refusal. */
  refusals: readonly { status: number; kind: string; said?: string }[];
  refused: Readonly<Record<View, string>>;
  interrupted: Readonly<Record<View, string>>;
}

const MESSAGE = 'refused by the stand-in';
const WORDS = ['I look around first.', 'Now I write it down.', 'A check.', 'Done: notes.md is written.'] as const;

const conversation = (work: string): Turn[] => [
  { text: WORDS[0], call: { tool: 'shell', command: 'echo hello; sleep 3' } },
  { text: WORDS[1], call: { tool: 'write', file: path.join(work, 'notes.md'), text: 'one\ntwo\n' } },
  { text: WORDS[2], call: { tool: 'shell', command: 'echo no >&2; exit 3' } },
  { text: WORDS[3] },
];

const isOver = ({ endedAt }: ExecutionJson) => endedAt !== undefined;

/** The steps in order, with name and status. */
const stepsOf = ({ steps }: ExecutionJson) => steps.map(({ name, status }) => [name, status]);

/** Of an execution that has ended in every view. */
async function ended(bench: Bench): Promise<Record<View, ExecutionJson>> {
  const [stream, hooks, transcript] = await Promise.all(VIEWS.map((view) => bench.see(view, 'its end', isOver)));
  return { stream: stream!, hooks: hooks!, transcript: transcript! };
}

export async function trySessions(t: Test, agent: Agent, program: string, expected: Differences): Promise<void> {
  const bench = await openBench(t, agent, program);

  t.test('a session that completes: output, hooks and file give the same result', async (t) => {
    const id = bench.start(conversation(bench.work));
    const seen = await ended(bench);
    t.equal(readFileSync(path.join(bench.work, 'notes.md'), 'utf8'), 'one\ntwo\n', 'it was done for real');
    t.equal(seen.stream.id, id);
    for (const view of VIEWS) {
      const execution = seen[view];
      t.match(
        execution,
        { status: 'completed', agent: { name: agent, session: seen.stream.agent!.session! } },
        `${view}: its end`,
      );
      t.strictSame(stepsOf(execution), expected.steps[view], `${view}: its calls`);
      // of hooked sessions they are read from the transcript, possibly after its end
      await bench.see(view, 'its tokens', ({ usage: { tokens } = {} }) => tokens === 4 * TOKENS_OF_TURN);
      if (view !== 'stream') t.equal(execution.name, `${agent} in work`);
      // each entry begins with its time
      const lines = bench
        .transcript(view, execution.id)
        .split('\n')
        .map((line) => line.replace(/^\d\d:\d\d:\d\d /, '').trim());
      const texts = expected.isTalkTold[view] ? WORDS : WORDS.slice(-1);
      t.strictSame(
        texts.filter((words) => lines.includes(words)),
        texts,
        `${view}: its words`,
      );
    }
    t.strictSame(
      bench.model.unknown.filter((path) => path.startsWith('POST')),
      [],
      'the stand-in knows what it is asked',
    );
  });

  for (const { status, kind, said = MESSAGE } of expected.refusals) {
    t.test(`a session that is refused with ${status}`, async (t) => {
      bench.start({ status, kind, message: MESSAGE });
      const seen = await ended(bench);
      for (const view of VIEWS) {
        const { status: outcome, outcome: { error } = {}, steps } = seen[view];
        t.equal(outcome, expected.refused[view], view);
        t.strictSame(steps, []);
        if (view === 'stream') t.match(error, said);
        t.notMatch(error ?? '', /[{}]/, `${view}: words, no JSON`);
      }
    });
  }

  t.test('a session that is interrupted while a tool runs', async (t) => {
    const mark = path.join(bench.work, 'started');
    const id = bench.start([{ text: WORDS[0], call: { tool: 'shell', command: `touch ${mark}; sleep 60` } }]);
    await waitFor('the tool', () => existsSync(mark), PATIENCE_MS);
    await bench.see(
      'transcript',
      'the session',
      ({ usage: { tokens } = {} }) => tokens !== undefined || agent === 'codex',
    );
    bench.homes.stream.progress(['stop', id, '--signal', 'INT']);
    const seen = await ended(bench);
    for (const view of VIEWS) {
      const { status, steps } = seen[view];
      t.equal(status, expected.interrupted[view], view);
      t.ok(
        steps.every((step) => step.status === (status === 'lost' ? 'lost' : 'cancelled')),
        `${view}: ${JSON.stringify(stepsOf(seen[view]))}`,
      );
      t.notMatch(bench.transcript(view, seen[view].id), /^[\d:]+ » \[/m, 'it is no prompt');
    }
  });

  t.test('all sources in one instance: recorded once, from the output', async (t) => {
    bench.homes.hooks.progress(['follow', agent, '--detach']);
    const id = bench.start(conversation(bench.work), 'hooks');
    const execution = await bench.see('hooks', 'its end', isOver);
    t.match(execution, { id, status: 'completed', usage: { tokens: 4 * TOKENS_OF_TURN } });
    t.strictSame(stepsOf(execution), expected.steps.stream);
    // the other sources have seen the end, too
    await bench.see('transcript', 'its end', isOver);
    const listed = await bench.list('hooks');
    t.strictSame(
      listed.map((one) => [one.id, one.agent?.via]),
      [[id, undefined]],
    );
  });
}
