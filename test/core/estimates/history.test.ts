import t from 'tap';
import { estimate } from '../../../src/core/estimates/estimate.js';
import { earlierRuns, expectationOf } from '../../../src/core/estimates/history.js';
import type { State } from '../../../src/core/state/state.js';
import { emptyState, findExecution, newestFirst } from '../../../src/core/state/state.js';
import type { Draft } from '../../helpers/events.js';
import { at, folded } from '../../helpers/events.js';

/** Builds of steps a and b, of these durations in seconds, one after the other; each begins at a full 100 seconds. */
function builds(runs: readonly (readonly [a: number, b: number])[], state: State = emptyState()): State {
  const drafts = runs.flatMap(([a, b], run): Draft[] => {
    const execution = `run-${run}`;
    const time = (seconds: number) => at(run * 100 + seconds);
    return [
      { type: 'execution_started', execution, time: time(0), data: { name: 'build', cwd: '/x' } },
      { type: 'step_started', execution, step: 'a', time: time(1) },
      { type: 'step_completed', execution, step: 'a', time: time(1 + a) },
      { type: 'step_started', execution, step: 'b', time: time(1 + a) },
      { type: 'step_completed', execution, step: 'b', time: time(1 + a + b) },
      { type: 'execution_completed', execution, time: time(3 + a + b) },
    ];
  });
  return folded(drafts, state);
}

t.test('earlier runs give durations, steps in their order, and the time around them', (t) => {
  const state = builds([
    [2, 6],
    [2, 6],
    [2, 8],
  ]);
  const expectation = expectationOf(newestFirst(state))!;
  t.match(expectation, { runs: 3, leadMs: 1_000, tailMs: 2_000, parallelism: 1, coverage: 1 });
  t.strictSame(expectation.durations, [11_000, 11_000, 13_000]);
  t.strictSame(expectation.steps, [
    { name: 'a', durations: [2_000, 2_000, 2_000] },
    { name: 'b', durations: [6_000, 6_000, 8_000] },
  ]);
  t.equal(expectationOf(newestFirst(state).slice(0, 2)), undefined, 'two are too few');
  t.end();
});

t.test('an execution without a plan is estimated by its earlier runs, and overdue after the longest', (t) => {
  const state = builds(Array.from({ length: 5 }, () => [2, 6] as const));
  folded(
    [
      { type: 'execution_started', execution: 'now', time: at(1_000), data: { name: 'build', cwd: '/x' } },
      { type: 'step_started', execution: 'now', step: 'a', time: at(1_001) },
      { type: 'step_completed', execution: 'now', step: 'a', time: at(1_003) },
      { type: 'step_started', execution: 'now', step: 'b', time: at(1_003) },
    ],
    state,
  );
  const now = findExecution(state, 'now')!;
  const expectation = expectationOf(earlierRuns(now, state.ended.values()))!;
  const found = (seconds: number) => estimate({ ...now, expectation }, Date.parse(at(1_000 + seconds)));
  t.match(found(7), { remainingMs: 4_000, basis: 'history' });
  t.match(found(51), { remainingMs: 0, overdueMs: 40_000, basis: 'history' });
  t.match(estimate({ ...now, expectation, status: 'paused' }, Date.parse(at(1_007))).remainingMs, undefined);
  const silent = { ...now, expectation, attention: { state: 'silent' as const } };
  t.equal(estimate(silent, Date.parse(at(1_007))).remainingMs, undefined);
  t.end();
});

t.test('steps that overlap for a short time do not run at the same time', (t) => {
  const parallelism = (overlap: number) => {
    const state = folded([
      { type: 'execution_started', execution: 'p', time: at(0), data: { name: 'build' } },
      { type: 'step_started', execution: 'p', step: 'a', time: at(0) },
      { type: 'step_started', execution: 'p', step: 'b', time: at(10 - overlap) },
      { type: 'step_completed', execution: 'p', step: 'a', time: at(10) },
      { type: 'step_completed', execution: 'p', step: 'b', time: at(20) },
      { type: 'execution_completed', execution: 'p', time: at(20) },
    ]);
    const execution = findExecution(state, 'p')!;
    return expectationOf([execution, execution, execution])?.parallelism;
  };
  t.strictSame([parallelism(0), parallelism(1), parallelism(8)], [1, 1, 2]);
  t.end();
});

t.test('pauses do not count', (t) => {
  const paused = folded([
    { type: 'execution_started', execution: 'p', time: at(0), data: { name: 'build', cwd: '/x' } },
    { type: 'execution_paused', execution: 'p', time: at(5) },
    { type: 'execution_resumed', execution: 'p', time: at(65) },
    { type: 'execution_completed', execution: 'p', time: at(70) },
  ]);
  const execution = findExecution(paused, 'p')!;
  t.strictSame(execution.pauses, [{ from: at(5), to: at(65) }]);
  t.strictSame(expectationOf([execution, execution, execution])?.durations, [10_000, 10_000, 10_000]);
  t.end();
});

t.test('counters by their recent rate', (t) => {
  const counts = Array.from({ length: 60 }, (_, second) => (second < 40 ? second : 40 + (second - 40) * 10));
  const state = folded([
    { type: 'execution_started', execution: 'c', time: at(0), data: { name: 'copy' } },
    ...counts.map((current, second): Draft => ({
      ...{ type: 'progress', execution: 'c', time: at(second) },
      data: { current, total: 1_000 },
    })),
  ]);
  const { remainingMs = 0, basis } = estimate(findExecution(state, 'c')!, Date.parse(at(59)));
  t.equal(basis, 'counter');
  // 230 of 1,000 in 59 s would be 197 s by the average, 77 s by the newest rate
  t.ok(remainingMs > 77_000 && remainingMs < 150_000, String(remainingMs));
  t.ok((findExecution(state, 'c')?.progress?.points?.length ?? 0) <= 16);
  t.end();
});

/** Starts another build, with events that follow its start by these seconds. */
function startBuild(state: State, cwd: string, drafts: readonly (readonly [seconds: number, draft: Draft])[]) {
  folded(
    [
      { type: 'execution_started', execution: 'now', time: at(1_000), data: { name: 'build', cwd } },
      ...drafts.map(([seconds, draft]): Draft => ({ ...draft, execution: 'now', time: at(1_000 + seconds) })),
    ],
    state,
  );
  const now = findExecution(state, 'now')!;
  const expectation = expectationOf(earlierRuns(now, state.ended.values()));
  return (seconds: number) =>
    estimate({ ...now, ...(expectation && { expectation }) }, Date.parse(at(1_000 + seconds)));
}

t.test('no history: one earlier run, runs in another directory, runs that failed or were cancelled', (t) => {
  const steady = Array.from({ length: 5 }, () => [2, 6] as const);
  t.equal(startBuild(builds(steady.slice(0, 1)), '/x', [])(1).remainingMs, undefined);
  t.equal(startBuild(builds(steady), '/y', [])(1).remainingMs, undefined);
  t.equal(startBuild(builds(steady), '/x', [])(1).remainingMs, 10_000);
  const state = builds(steady);
  for (const [index, one] of [...state.ended.values()].entries()) {
    if (index < 3) one.status = index === 0 ? 'cancelled' : 'failed';
  }
  t.equal(startBuild(state, '/x', [])(1).remainingMs, undefined, 'two completed ones are too few');
  t.end();
});

t.test('between two steps without a plan, those of earlier executions are to come; after the last one none is', (t) => {
  const state = builds(Array.from({ length: 3 }, () => [2, 6] as const));
  const a: [number, Draft][] = [
    [1, { type: 'step_started', step: 'a' }],
    [3, { type: 'step_completed', step: 'a' }],
  ];
  t.match(startBuild(state, '/x', a)(3), { remainingMs: 8_000, basis: 'history' });
  const b: [number, Draft][] = [
    [3, { type: 'step_started', step: 'b' }],
    [9, { type: 'step_completed', step: 'b' }],
  ];
  t.equal(
    startBuild(builds(Array.from({ length: 3 }, () => [2, 6] as const)), '/x', [...a, ...b])(9).remainingMs,
    undefined,
  );
  t.end();
});

t.test('a step that was skipped takes nothing, and one whose result was cached does not speed up the rest', (t) => {
  const steady = () => builds(Array.from({ length: 4 }, () => [10, 6] as const));
  const cached = startBuild(steady(), '/x', [
    [1, { type: 'step_started', step: 'a' }],
    [1.05, { type: 'step_completed', step: 'a' }],
    [1.05, { type: 'step_started', step: 'b' }],
  ]);
  t.equal(cached(1.05).remainingMs, 8_000);
  const skipped = startBuild(steady(), '/x', [
    [1, { type: 'step_skipped', step: 'a' }],
    [1, { type: 'step_started', step: 'b' }],
  ]);
  t.equal(skipped(1).remainingMs, 8_000);
  t.end();
});

t.test('a counter replaces earlier executions by the share that is counted, and when they have been exceeded', (t) => {
  const state = folded(
    Array.from({ length: 3 }, (_, run): Draft[] => [
      { type: 'execution_started', execution: `e${run}`, time: at(run * 100), data: { name: 'build', cwd: '/x' } },
      { type: 'execution_completed', execution: `e${run}`, time: at(run * 100 + 43) },
    ]).flat(),
  );
  const found = startBuild(state, '/x', [[20, { type: 'progress', data: { current: 50, total: 100 } }]]);
  const { remainingMs = 0, basis } = found(20);
  t.equal(basis, 'history');
  t.ok(remainingMs > 20_000 && remainingMs < 23_000, `${remainingMs}: 20 s by the counter, 23 s by history`);
  t.match(found(100), { remainingMs: 100_000, overdueMs: undefined, basis: 'counter' });
  t.end();
});
