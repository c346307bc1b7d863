import t from 'tap';
import { estimate } from '../../../src/core/estimates/estimate.js';
import { countedSteps, workOf } from '../../../src/core/estimates/work.js';
import { elapsedOf, parseInstant } from '../../../src/core/estimates/durations.js';
import { makeExecution, makeStep, START, timeAt } from '../../helpers/models.js';

t.test('the share is that of the producer', (t) => {
  const execution = makeExecution({ progress: { current: 18, total: 36, unit: 'tests' }, announced: { total: 7 } });
  t.match(estimate(execution, START + 60_000), {
    share: 0.5,
    elapsedMs: 60_000,
    remainingMs: 60_000,
    basis: 'counter',
  });
  t.same(workOf(execution), { done: 18, total: 36, unit: 'tests' });
  t.end();
});

t.test('else that of stories, else of top-level steps, announced or known', (t) => {
  const stories = [
    makeStep({ id: 'a', kind: 'story', status: 'completed' }),
    makeStep({ id: 'b', kind: 'story', status: 'running' }),
    makeStep({ id: 'c', kind: 'criterion', parent: 'b', status: 'completed' }),
    makeStep({ id: 'd', kind: 'step', status: 'completed' }),
  ];
  t.same(workOf(makeExecution({ steps: stories })), { done: 1, total: 2, unit: 'stories' });
  t.same(workOf(makeExecution({ steps: stories, announced: { total: 8 } })), { done: 1, total: 8, unit: 'stories' });
  const steps = [
    makeStep({ id: 'a', status: 'failed' }),
    makeStep({ id: 'b', parent: 'a', status: 'completed' }),
    makeStep({ id: 'c', parent: 'unknown' }),
    makeStep({ id: 'd', kind: 'tool', status: 'completed' }),
  ];
  t.same(
    countedSteps(makeExecution({ steps })).map(({ id }) => id),
    ['a', 'c'],
  );
  const outcomes = { passed: 0, failed: 1, cancelled: 0, lost: 0, skipped: 0 };
  t.same(workOf(makeExecution({ steps })), { done: 1, total: 2, unit: 'steps', outcomes });
  t.same(workOf(makeExecution({ steps, droppedSteps: { completed: 9, skipped: 1 } })), {
    ...{ done: 11, total: 12, unit: 'steps' },
    outcomes: { passed: 9, failed: 1, cancelled: 0, lost: 0, skipped: 1 },
  });
  t.end();
});

t.test('no estimate without information', (t) => {
  t.equal(workOf(makeExecution()), undefined);
  t.same(estimate(makeExecution(), START + 60_000), { elapsedMs: 60_000 });
  const counting = makeExecution({ progress: { current: 7 } });
  t.same(workOf(counting), { done: 7 });
  t.same(estimate(counting, START + 60_000), { elapsedMs: 60_000 });
  t.same(workOf(makeExecution({ progress: { current: 7, total: 0 } })), { done: 7 }, 'a total of nothing is none');
  const queued = makeExecution({ status: 'queued' });
  delete queued.startedAt;
  t.same(estimate(queued, START), {});
  t.end();
});

t.test('no remaining time before 5 % and five seconds', (t) => {
  const early = makeExecution({ progress: { current: 4, total: 100 } });
  t.equal(estimate(early, START + 60_000).remainingMs, undefined);
  const young = makeExecution({ progress: { current: 50, total: 100 } });
  t.equal(estimate(young, START + 4_999).remainingMs, undefined);
  t.equal(estimate(young, START + 5_000).remainingMs, 5_000);
  t.end();
});

t.test("the producer's own estimate holds from the start, until it is overdue", (t) => {
  const execution = makeExecution({ announced: { estimatedMs: 60_000 }, progress: { current: 50, total: 100 } });
  t.equal(estimate(execution, START + 1_000).remainingMs, 59_000);
  t.equal(estimate(execution, START + 80_000).remainingMs, 80_000, 'then by the rate');
  t.match(estimate(makeExecution({ announced: { estimatedMs: 60_000 } }), START + 80_000), {
    remainingMs: 0,
    overdueMs: 20_000,
    basis: 'given',
  });
  t.end();
});

t.test('values are bounded', (t) => {
  t.same(estimate(makeExecution({ progress: { current: -5, total: 10 } }), START - 60_000), { share: 0, elapsedMs: 0 });
  const beyond = estimate(makeExecution({ progress: { current: 50, total: 10 } }), START + 60_000);
  t.same(beyond, { share: 1, elapsedMs: 60_000 });
  t.end();
});

t.test('the clock of paused and ended executions stops', (t) => {
  const paused = makeExecution({ status: 'paused', lastActivity: timeAt(30_000) });
  t.equal(estimate(paused, START + 90_000).elapsedMs, 30_000);
  const ended = makeExecution({ status: 'failed', endedAt: timeAt(20_000), progress: { current: 1, total: 2 } });
  t.same(estimate(ended, START + 90_000), { share: 0.5, elapsedMs: 20_000 });
  t.equal(estimate({ ...ended, durationMs: 19_000 }, START).elapsedMs, 19_000, "the producer's figure wins");
  t.equal(estimate({ ...ended, status: 'completed' }, START).share, 1);
  t.end();
});

t.test('steps have clocks, and invalid times count as absent', (t) => {
  t.equal(elapsedOf(makeStep({ id: 's', status: 'running', startedAt: timeAt(1_000) }), START + 3_000), 2_000);
  t.equal(elapsedOf(makeStep({ id: 's' }), START), undefined);
  t.equal(elapsedOf(makeStep({ id: 's', status: 'running', startedAt: 'yesterday' }), START), undefined);
  t.equal(
    elapsedOf(makeStep({ id: 's', status: 'lost', startedAt: timeAt(0) }), START + 9),
    0,
    'an end that was not observed',
  );
  t.equal(parseInstant(undefined), undefined);
  t.end();
});

const rounded = (ms: number | undefined) => (ms === undefined ? undefined : Math.round(ms));

t.test('while a planned step runs, the remaining time falls, and ends when it has passed', (t) => {
  const plan = makeExecution({
    steps: [
      makeStep({ id: 'a', status: 'completed', startedAt: timeAt(0), endedAt: timeAt(10_000) }),
      makeStep({ id: 'b', status: 'running', startedAt: timeAt(10_000) }),
      makeStep({ id: 'c' }),
    ],
  });
  const left = (seconds: number, of = plan) => rounded(estimate(of, START + seconds * 1_000).remainingMs);
  t.strictSame([left(10), left(15), left(29), left(31), left(60)], [20_000, 15_000, 1_000, undefined, undefined]);
  const counting = [...plan.steps.values()].map((step) =>
    step.id === 'b' ? { ...step, progress: { current: 1, total: 2 } } : step,
  );
  t.equal(left(30, makeExecution({ steps: counting })), 30_000, 'a step that counts');
  t.equal(left(25, { ...plan, pauses: [{ from: timeAt(12_000), to: timeAt(20_000) }] }), 13_000);
  t.end();
});

t.test('steps that appear as they start are no plan', (t) => {
  const steps = [
    makeStep({ id: 'a', status: 'completed', startedAt: timeAt(0), endedAt: timeAt(10_000) }),
    makeStep({ id: 'b', status: 'running', startedAt: timeAt(10_000) }),
  ];
  t.equal(estimate(makeExecution({ steps }), START + 12_000).remainingMs, undefined);
  t.match(estimate(makeExecution({ steps, announced: { total: 4 } }), START + 12_000), { remainingMs: 28_000 });
  t.end();
});

t.test('a plan that grows moves the end, never below zero', (t) => {
  const done = makeStep({ id: 'a', status: 'completed', startedAt: timeAt(0), endedAt: timeAt(10_000) });
  const left = (planned: number) => {
    const steps = [done, ...Array.from({ length: planned }, (_, at) => makeStep({ id: `p${at}` }))];
    return rounded(estimate(makeExecution({ steps }), START + 10_000).remainingMs);
  };
  t.strictSame([left(1), left(2), left(8)], [10_000, 20_000, 80_000]);
  t.end();
});

t.test('nothing is estimated of what waits for a person, has failed, or is complete', (t) => {
  const running = { announced: { estimatedMs: 60_000 } };
  t.equal(estimate(makeExecution(running), START + 10_000).remainingMs, 50_000);
  for (const given of [
    { status: 'paused' as const },
    { status: 'failed' as const, endedAt: timeAt(1_000) },
    { status: 'queued' as const },
    { attention: { state: 'waiting' as const } },
    { attention: { state: 'silent' as const } },
    { progress: { current: 10, total: 10 } },
    { announced: { estimatedMs: 60_000, percent: 100 } },
    { steps: [makeStep({ id: 's', kind: 'story', status: 'failed' }), makeStep({ id: 'o', kind: 'story' })] },
  ]) {
    const { remainingMs, overdueMs } = estimate(makeExecution({ ...running, ...given }), START + 10_000);
    t.strictSame([remainingMs, overdueMs], [undefined, undefined], JSON.stringify(given));
  }
  t.end();
});
