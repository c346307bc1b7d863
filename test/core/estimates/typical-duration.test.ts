import t from 'tap';
import type { Execution } from '../../../src/core/execution.js';
import { fold } from '../../../src/core/fold.js';
import { emptyState, newestFirst } from '../../../src/core/state/state.js';
import { typicalDurationOf } from '../../../src/core/estimates/typical-duration.js';

/** Executions of these durations, each with a step of half the duration, and a running one. */
function history(durations: readonly number[], end = 'execution_completed', cwd = '/a'): [Execution, Execution[]] {
  const state = emptyState();
  let seq = 0;
  const emit = (execution: string, type: string, data = {}, step?: string) =>
    fold(state, {
      ...{ seq: ++seq, time: '2026-01-01T00:00:00Z', type, execution, source: 's', n: seq, data },
      ...(step !== undefined && { step }),
    });
  for (const [index, durationMs] of durations.entries()) {
    const id = `e${index}`;
    emit(id, 'execution_started', { name: 'nightly', cwd });
    emit(id, 'step_started', { name: 'load' }, 'one');
    emit(id, 'step_completed', { durationMs: durationMs / 2 }, 'one');
    emit(id, 'step_started', { name: 'broken' }, 'two');
    emit(id, 'step_failed', { durationMs: 1 }, 'two');
    emit(id, end, { durationMs });
  }
  emit('now', 'execution_started', { name: 'nightly', cwd: '/a' });
  const [now, ...others] = newestFirst(state);
  return [now!, others];
}

t.test('the median of earlier executions, in total and by step', (t) => {
  t.strictSame(typicalDurationOf(...history([10, 1_000, 30])), { ms: 30, runs: 3, steps: [['load', 15]] });
  t.equal(typicalDurationOf(...history([10, 20, 30, 1_000]))?.ms, 25);
  t.equal(typicalDurationOf(...history([10, 20])), undefined, 'too few');
  const many = [...Array<number>(30).fill(1), ...Array<number>(20).fill(7)];
  t.match(typicalDurationOf(...history(many)), { ms: 7, runs: 20 }, 'only the newest');
  t.end();
});

t.test('only completed, earlier, equal executions count', (t) => {
  for (const end of ['execution_failed', 'execution_cancelled', 'execution_timeout', 'execution_lost'])
    t.equal(typicalDurationOf(...history([1, 2, 3], end)), undefined, end);
  t.equal(typicalDurationOf(...history([1, 2, 3], 'execution_completed', '/b')), undefined, 'in another directory');
  const [now, others] = history([1, 2, 3]);
  t.equal(typicalDurationOf({ ...now, name: 'other' }, others), undefined);
  t.equal(typicalDurationOf({ ...now, firstSeq: 0 }, others), undefined, 'later ones are no former ones');
  t.end();
});
