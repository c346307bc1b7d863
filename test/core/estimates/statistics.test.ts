import t from 'tap';
import { detailedStatistics, statisticsOf } from '../../../src/core/estimates/statistics.js';
import type { Execution } from '../../../src/core/execution.js';
import { makeExecution, makeStep, timeAt } from '../../helpers/models.js';

let seq = 0;
function ended(given: Parameters<typeof makeExecution>[0] = {}): Execution {
  seq += 1;
  return makeExecution({
    ...{ id: `e${seq}`, name: 'build', kind: 'run', status: 'completed', firstSeq: seq, lastSeq: seq },
    ...{ durationMs: 10_000, endedAt: timeAt(10_000) },
    ...given,
  });
}

t.test('counts by name and kind, the one that ended last first', (t) => {
  const found = statisticsOf([
    ended(),
    ended({ kind: 'command' }),
    ended({ name: 'docs' }),
    ended({ durationMs: 30_000 }),
    makeExecution({ name: 'open', status: 'running' }),
  ]);
  t.match(
    found.map(({ name, kind, runs, last }) => [name, kind, runs, last.durationMs]),
    [
      ['build', 'run', 2, 30_000],
      ['docs', 'run', 1, 10_000],
      ['build', 'command', 1, 10_000],
    ],
  );
  t.match(found[0], { duration: { median: 20_000, p90: 28_000 }, recentMs: [10_000, 30_000], successRate: 1 });
  t.equal(found[0]?.details, undefined);
  t.strictSame(statisticsOf([]), []);
  t.end();
});

t.test('cancelled executions do not count against the success rate, and only completed ones have durations', (t) => {
  const [one] = statisticsOf([
    ended(),
    ended({ status: 'failed', durationMs: 1 }),
    ended({ status: 'lost', durationMs: 1 }),
    ended({ status: 'timeout', durationMs: 1 }),
    ended({ status: 'cancelled', durationMs: 1 }),
  ]);
  t.match(one, {
    runs: 5,
    successRate: 0.25,
    outcomes: { completed: 1, failed: 1, lost: 1, timeout: 1, cancelled: 1 },
  });
  t.match(one, { duration: { median: 10_000, p90: 10_000 }, recentMs: [10_000], last: { status: 'cancelled' } });
  const [cancelled] = statisticsOf([ended({ status: 'cancelled' })]);
  t.equal(cancelled?.successRate, undefined);
  t.equal(cancelled?.duration, undefined);
  t.end();
});

t.test('durations are without pauses', (t) => {
  const [one] = statisticsOf([ended({ pauses: [{ from: timeAt(2_000), to: timeAt(8_000) }] })]);
  t.match(one, { duration: { median: 4_000 }, last: { durationMs: 4_000 } });
  t.end();
});

t.test('details: slowest steps, resources, reasons of failures', (t) => {
  const steps = (b: number) => [
    makeStep({ id: 'a', status: 'completed', startedAt: timeAt(0), durationMs: 1_000 }),
    makeStep({ id: 'b', status: 'completed', startedAt: timeAt(1_000), durationMs: b }),
    makeStep({ id: 'c', status: 'skipped' }),
    makeStep({ id: 't', kind: 'tool', status: 'completed', startedAt: timeAt(0), durationMs: 500 }),
  ];
  const broken = [
    makeStep({ id: 'b', status: 'failed', error: 'no such file\nat line 3' }),
    makeStep({ id: 'c', status: 'failed', continueOnFailure: true, error: 'allowed' }),
  ];
  const [one] = detailedStatistics([
    ended({ steps: steps(6_000), resources: { peakRss: 100, cpuSeconds: 1 } }),
    ended({ steps: steps(8_000), resources: { peakRss: 300, cpuSeconds: 3 } }),
    ended({ summarised: true }),
    ended({ status: 'failed', steps: broken, outcome: { exitCode: 1 }, resources: { peakRss: 9_999 } }),
    ended({ status: 'failed', steps: broken }),
    ended({ status: 'failed', outcome: { exitCode: 3 } }),
    ended({ status: 'timeout' }),
    ended({ status: 'failed' }),
    ended({ status: 'cancelled', outcome: { error: 'stopped' } }),
  ]);
  t.strictSame(one?.details?.steps, [
    { name: 'b', runs: 2, duration: { median: 7_000, p90: 7_800 }, share: 0.7 },
    { name: 'a', runs: 2, duration: { median: 1_000, p90: 1_000 }, share: 0.1 },
  ]);
  t.match(one?.details, { peakRss: { median: 200, p90: 280 }, cpuSeconds: { median: 2 } });
  t.match(
    one?.details?.failures.map(({ step, error, runs }) => [step, error, runs]),
    [
      ['b', 'no such file', 2],
      [undefined, undefined, 1],
      [undefined, 'timeout', 1],
      [undefined, 'exit 3', 1],
    ],
  );
  t.end();
});

t.test('ten thousand executions take a bounded time', (t) => {
  const many = Array.from({ length: 10_000 }, (_, index) =>
    ended({
      startedAt: timeAt(index * 20_000),
      endedAt: timeAt(index * 20_000 + 10_000),
      steps: Array.from({ length: index < 9_000 ? 0 : 20 }, (_step, at) =>
        makeStep({ id: `s${at}`, status: 'completed', startedAt: timeAt(index * 20_000 + at * 500), durationMs: 500 }),
      ),
    }),
  );
  const begun = performance.now();
  const [one] = detailedStatistics(many);
  const took = performance.now() - begun;
  t.match(one, { runs: 10_000, details: { estimates: [{ runs: 30 }, { runs: 30 }, { runs: 30 }] } });
  t.ok(took < 10_000, `${took} ms`);
  t.comment(`${took} ms`);
  t.end();
});
