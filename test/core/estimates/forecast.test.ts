import t from 'tap';
import type { Expectation, PlannedStep } from '../../../src/core/estimates/forecast.js';
import { forecastPlan, quantile, residual } from '../../../src/core/estimates/forecast.js';

function expected(steps: Record<string, number[]>, more: Partial<Expectation> = {}): Expectation {
  const list = Object.entries(steps).map(([name, durations]) => ({ name, durations }));
  const totals = [0, 1, 2].map((run) => list.reduce((sum, { durations }) => sum + (durations[run] ?? 0), 0));
  return { runs: 3, durations: totals, steps: list, parallelism: 1, leadMs: 0, tailMs: 0, coverage: 1, ...more };
}

const step = (
  name: string,
  state: PlannedStep['state'],
  elapsedMs = 0,
  more: Partial<PlannedStep> = {},
): PlannedStep => ({
  ...{ name, state, elapsedMs },
  ...more,
});

t.test('quantiles are interpolated', (t) => {
  t.equal(quantile([1, 2, 3], 0.5), 2);
  t.equal(quantile([1, 2], 0.5), 1.5);
  t.equal(quantile([], 0.5), 0);
  t.end();
});

t.test('what remains of one duration: the median of those that were longer', (t) => {
  t.match(residual([10, 20, 30], 15), { remainingMs: 10 });
  t.equal(residual([10, 20, 30], 30), undefined, 'all were shorter');
  t.end();
});

t.test('steps to come count as they took before, also those that nobody has announced', (t) => {
  const before = expected({ a: [2_000, 2_000, 2_000], b: [6_000, 6_000, 6_000], c: [2_000, 2_000, 2_000] });
  t.match(forecastPlan([step('a', 'running', 500)], before, 500), { remainingMs: 9_500 });
  const inB = [step('a', 'done', 2_000), step('b', 'running', 4_000)];
  t.match(forecastPlan(inB, before, 6_000), { remainingMs: 4_000 }, 'four seconds are left, not fifteen');
  t.end();
});

t.test('a step that was passed over is not expected any more', (t) => {
  const before = expected({ a: [100, 100, 100], b: [900, 900, 900], c: [100, 100, 100] });
  t.match(forecastPlan([step('a', 'done', 100), step('c', 'running', 0)], before, 100), { remainingMs: 100 });
  t.end();
});

t.test('the critical path over needs counts, with as many steps at a time as before', (t) => {
  const times = { a: [100, 100, 100], b: [500, 500, 500], c: [200, 200, 200], d: [100, 100, 100] };
  const plan = [
    step('a', 'done', 100),
    step('b', 'running', 0, { needs: ['a'] }),
    step('c', 'running', 0, { needs: ['a'] }),
    step('d', 'pending', 0, { needs: ['b', 'c'] }),
  ];
  t.match(forecastPlan(plan, expected(times, { parallelism: 2 }), 100), { remainingMs: 600 });
  const alone = plan.map((one) => ({ ...one, state: one.name === 'a' ? ('done' as const) : ('pending' as const) }));
  t.match(forecastPlan(alone, expected(times), 100), { remainingMs: 800 }, 'one after the other');
  const cycle = [step('b', 'pending', 0, { needs: ['c'] }), step('c', 'pending', 0, { needs: ['b'] })];
  t.match(
    forecastPlan(cycle, expected({ b: [5, 5, 5], c: [5, 5, 5] }), 0),
    { remainingMs: 10 },
    'a cycle does not hang',
  );
  t.end();
});

t.test('is rescaled by what is known already, within bounds; a different execution is not forecast', (t) => {
  const before = expected({ a: [10_000, 10_000, 10_000], b: [10_000, 10_000, 10_000] });
  const slow = forecastPlan([step('a', 'done', 20_000), step('b', 'pending')], before, 20_000);
  t.ok(slow && slow.remainingMs > 12_000 && slow.remainingMs < 20_000, String(slow?.remainingMs));
  t.equal(forecastPlan([step('a', 'done', 150_000), step('b', 'pending')], before, 150_000), undefined);
  t.end();
});

t.test('the range holds the median, and is wider where durations vary', (t) => {
  const steady = forecastPlan([], expected({ a: [100, 100, 100] }), 0)!;
  t.strictSame([steady.lowMs, steady.highMs], [100, 100]);
  const varied = forecastPlan([], expected({ a: [50, 100, 200] }), 0)!;
  t.ok(varied.lowMs < varied.remainingMs && varied.remainingMs < varied.highMs);
  t.end();
});

t.test('too few executions predict nothing', (t) => {
  t.equal(forecastPlan([], { ...expected({ a: [1, 1, 1] }), runs: 2 }, 0), undefined);
  t.end();
});
