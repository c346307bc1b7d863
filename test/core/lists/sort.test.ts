import t from 'tap';
import { parseSorting, SORT_KEYS, sortExecutionsBy } from '../../../src/core/lists/sort.js';
import type { Execution } from '../../../src/core/execution.js';
import { makeExecution, START, timeAt } from '../../helpers/models.js';
import { createRandom } from '../../helpers/random.js';
import { randomExecution } from '../../helpers/random-models.js';

const NOW = START + 100_000;

function sorted(text: string, executions: readonly Execution[]): string[] {
  return sortExecutionsBy(executions, parseSorting(text)!, NOW).map(({ id }) => id);
}

t.test('a key sorts upwards, after a minus downwards; executions without the value are last', (t) => {
  const list = [
    makeExecution({ id: 'a', name: 'b', resources: { cpu: 5, rss: 1 }, startedAt: timeAt(10_000) }),
    makeExecution({ id: 'b', name: 'c' }),
    makeExecution({ id: 'c', name: 'a', resources: { cpu: 90 }, startedAt: timeAt(5_000) }),
  ];
  t.same(sorted('name', list), ['c', 'a', 'b']);
  t.same(sorted('-name', list), ['b', 'a', 'c']);
  t.same(sorted('cpu', list), ['a', 'c', 'b']);
  t.same(sorted('-cpu', list), ['c', 'a', 'b']);
  t.same(sorted('memory', list), ['a', 'b', 'c'], 'equal ones stay as they were');
  t.same(sorted('started', list), ['b', 'c', 'a']);
  t.same(sorted('-elapsed', list), ['b', 'c', 'a']);
  t.end();
});

t.test(
  'by status: what needs a person, what runs, what waits, failures, the rest; by remaining time: overdue first',
  (t) => {
    const list = [
      makeExecution({ id: 'done', status: 'completed', endedAt: timeAt(50_000) }),
      makeExecution({ id: 'failed', status: 'failed', endedAt: timeAt(40_000) }),
      makeExecution({ id: 'queued', status: 'queued' }),
      makeExecution({ id: 'run', announced: { estimatedMs: 200_000 } }),
      makeExecution({ id: 'late', announced: { estimatedMs: 20_000 } }),
      makeExecution({ id: 'quiet', attention: { state: 'silent' } }),
      makeExecution({ id: 'asks', attention: { state: 'waiting' } }),
    ];
    t.same(sorted('status', list), ['asks', 'quiet', 'run', 'late', 'queued', 'failed', 'done']);
    t.same(sorted('remaining', list).slice(0, 2), ['late', 'run']);
    t.same(sorted('-ended', list).slice(0, 2), ['done', 'failed']);
    t.end();
  },
);

t.test('what is no key is not parsed', (t) => {
  t.same(parseSorting('-cpu'), { key: 'cpu', isDescending: true });
  for (const text of ['', '-', 'age', 'CPU', '--cpu', 'toString']) t.equal(parseSorting(text), undefined, text);
  t.end();
});

t.test('every key keeps all executions, and both orders agree', (t) => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = createRandom(seed);
    const list = Array.from({ length: 12 }, (_, index) => randomExecution(random, index));
    for (const key of SORT_KEYS) {
      for (const text of [key, `-${key}`]) t.same(sorted(text, list).sort(), list.map(({ id }) => id).sort());
    }
  }
  t.end();
});
