import t from 'tap';
import { accuracyOf, executionAt, replayEstimates } from '../../../src/core/estimates/replay.js';
import { compareMethods } from '../../helpers/estimate-methods.js';
import { PARALLEL_PLAN, recordedBuilds, SERIAL_PLAN, syntheticBuilds, toExecutions } from '../../helpers/builds.js';
import { makeExecution, makeStep, START, timeAt } from '../../helpers/models.js';
import { createRandom } from '../../helpers/random.js';

const SERIAL = [
  { name: 'a', startMs: 0, durationMs: 2_000 },
  { name: 'b', startMs: 2_000, durationMs: 6_000 },
  { name: 'c', startMs: 8_000, durationMs: 2_000 },
];
const STEADY = Array.from({ length: 5 }, () => ({ durationMs: 10_000, steps: SERIAL }));

t.test('an execution as it was: steps that had begun, without their later end', (t) => {
  const run = makeExecution({
    ...{ status: 'completed', endedAt: timeAt(10_000), durationMs: 10_000, outcome: { exitCode: 0 } },
    pauses: [
      { from: timeAt(3_000), to: timeAt(5_000) },
      { from: timeAt(8_000), to: timeAt(9_000) },
    ],
    announced: { total: 3, percent: 100 },
    steps: [
      makeStep({ id: 'a', status: 'completed', startedAt: timeAt(0), endedAt: timeAt(2_000), durationMs: 2_000 }),
      makeStep({ id: 'b', status: 'failed', startedAt: timeAt(2_000), endedAt: timeAt(6_000), error: 'no' }),
      makeStep({ id: 'c', status: 'completed', startedAt: timeAt(6_000), endedAt: timeAt(10_000) }),
    ],
  });
  const then = executionAt(run, START + 4_000);
  t.match(then, { status: 'running', announced: { total: 3 }, pauses: [{ from: timeAt(3_000), to: timeAt(4_000) }] });
  t.equal(then.endedAt, undefined);
  t.equal(then.outcome, undefined);
  t.equal(then.announced?.percent, undefined);
  t.strictSame(
    [...then.steps.values()].map(({ id, status, endedAt, error }) => [id, status, endedAt, error]),
    [
      ['a', 'completed', timeAt(2_000), undefined],
      ['b', 'running', undefined, undefined],
    ],
  );
  t.equal(run.steps.get('b')?.status, 'failed', 'the original is unchanged');
  t.end();
});

t.test('only executions that had ended before it are known', (t) => {
  const executions = toExecutions('build', STEADY);
  const replay = (index: number) => replayEstimates(executions[index]!, executions);
  t.ok(
    replay(2).every(({ estimate }) => estimate === undefined),
    'two earlier ones are too few',
  );
  t.match(
    replay(3).map(({ at, actualMs, estimate }) => [at, actualMs, estimate?.remainingMs]),
    [
      [0.25, 7_500, 7_500],
      [0.5, 5_000, 5_000],
      [0.75, 2_500, 2_500],
    ],
  );
  const late = executions.map((one, index) => (index === 0 ? { ...one, endedAt: timeAt(1e9) } : one));
  t.ok(
    replayEstimates(late[3]!, late).every(({ estimate }) => estimate === undefined),
    'one was still running',
  );
  t.end();
});

t.test('the points are shares of the time without pauses', (t) => {
  const executions = toExecutions('build', STEADY.slice(0, 3));
  const from = 1e8;
  const paused = makeExecution({
    ...{ id: 'paused', name: 'build', kind: 'run', status: 'completed', firstSeq: 9, lastSeq: 9 },
    ...{ startedAt: timeAt(from), endedAt: timeAt(from + 70_000), durationMs: 70_000 },
    pauses: [{ from: timeAt(from + 4_000), to: timeAt(from + 64_000) }],
    steps: [
      makeStep({ id: 'a', status: 'completed', startedAt: timeAt(from), endedAt: timeAt(from + 2_000) }),
      makeStep({ id: 'b', status: 'completed', startedAt: timeAt(from + 2_000), endedAt: timeAt(from + 68_000) }),
      makeStep({ id: 'c', status: 'completed', startedAt: timeAt(from + 68_000), endedAt: timeAt(from + 70_000) }),
    ],
  });
  t.match(
    replayEstimates(paused, executions).map(({ durationMs, estimate }) => [durationMs, estimate?.remainingMs]),
    [
      [10_000, 7_500],
      [10_000, 5_000],
      [10_000, 2_500],
    ],
  );
  t.end();
});

t.test('the accuracy is that of completed executions with an estimate', (t) => {
  t.strictSame(accuracyOf(toExecutions('build', STEADY.slice(0, 3))), []);
  const slow = { durationMs: 20_000, steps: [{ name: 'a', startMs: 0, durationMs: 20_000 }] };
  const executions = toExecutions('build', [...STEADY.slice(0, 4), slow]);
  t.match(accuracyOf(executions)[1], { at: 0.5, runs: 2, inRange: 1, medianErrorMs: 1_000, medianError: 0.05 });
  const cancelled = executions.map((one, index) => ({ ...one, ...(index === 4 && { status: 'cancelled' as const }) }));
  t.match(accuracyOf(cancelled)[1], { at: 0.5, runs: 1, inRange: 1, medianErrorMs: 0 });
  t.strictSame(accuracyOf(executions.map((one) => ({ ...one, summarised: true as const }))), []);
  t.end();
});

t.test('estimates of recorded and synthetic builds are close halfway, and closer than linear ones', (t) => {
  const synthetic = (plan: typeof SERIAL_PLAN, slots: number) =>
    syntheticBuilds(plan, slots, 40, 0.1, createRandom(17));
  const sets = [
    ...recordedBuilds(),
    ['serial', synthetic(SERIAL_PLAN, 1)] as const,
    ['parallel', synthetic(PARALLEL_PLAN, 3)] as const,
  ];
  for (const [name, builds] of sets) {
    const errors = compareMethods(name, builds);
    t.ok(errors[1]!.errors.progress < 0.1, `${name}: ${errors[1]?.errors.progress}`);
    const total = (method: 'progress' | 'tqdm') => errors.reduce((sum, one) => sum + (one.errors[method] || 0), 0);
    t.ok(total('progress') < total('tqdm'), name);
    for (const { at, inRange } of name === 'verify' || name === 'check' ? [] : errors) {
      t.ok(inRange > 0.4 && inRange < 0.8, `${name} at ${at}: ${inRange} in range`);
    }
    for (const { at, estimates, builds: judged } of errors) t.equal(estimates.progress, judged, `${name} at ${at}`);
  }
  t.end();
});
