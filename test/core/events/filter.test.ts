import t from 'tap';
import type { Filter } from '../../../src/core/events/filter.js';
import { isOpen, levelRank, matches } from '../../../src/core/events/filter.js';
import { numbered } from '../../helpers/events.js';

const EVENTS = numbered([
  { type: 'log', execution: 'a', step: 's', data: { level: 'debug' } },
  { type: 'log', execution: 'a', data: { level: 'error' } },
  { type: 'log', execution: 'b', data: {} },
  { type: 'log', execution: 'b', data: { level: 'fancy' } },
  { type: 'output', execution: 'a', step: 's', data: { stream: 'stdout' } },
  { type: 'output', execution: 'b', data: { stream: 'stderr' } },
  { type: 'output', execution: 'b', data: {} },
  { type: 'progress', execution: 'a', data: {} },
  { type: 'queue_changed' },
]);
const pass = (filter: Filter) => EVENTS.filter((event) => matches(filter, event)).map(({ seq }) => seq);

t.test('each condition, and all of them together', (t) => {
  const cases: [Filter, number[]][] = [
    [{}, [1, 2, 3, 4, 5, 6, 7, 8, 9]],
    [{ execution: 'a' }, [1, 2, 5, 8]],
    [{ step: 's' }, [1, 5]],
    [{ types: ['progress', 'queue_changed'] }, [8, 9]],
    [{ types: [] }, []],
    [{ level: 'debug' }, [1, 2, 3, 4, 5, 6, 7, 8, 9]],
    [{ level: 'info' }, [2, 3, 4, 5, 6, 7, 8, 9]],
    [{ level: 'warning' }, [2, 5, 6, 7, 8, 9]],
    [{ stream: 'stdout' }, [1, 2, 3, 4, 5, 8, 9]],
    [{ stream: 'stderr', types: ['output'] }, [6]],
    [{ execution: 'a', level: 'error', stream: 'stderr' }, [2, 8]],
    [{ execution: 'c' }, []],
  ];
  for (const [filter, seqs] of cases) t.strictSame(pass(filter), seqs, JSON.stringify(filter));
  t.end();
});

t.test('an unknown level ranks as info', (t) => {
  t.strictSame(['debug', 'info', 'warning', 'error', 'fancy', 7, undefined].map(levelRank), [0, 1, 2, 3, 1, 1, 1]);
  t.end();
});

t.test('a filter without conditions is open', (t) => {
  t.ok(isOpen({}));
  t.ok(isOpen({ execution: undefined, types: undefined }));
  t.notOk(isOpen({ types: [] }));
  t.notOk(isOpen({ level: 'debug' }));
  t.end();
});
