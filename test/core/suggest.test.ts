import t from 'tap';
import { suggest } from '../../src/core/suggest.js';

t.test('the candidate with the fewest differences is found, in any case', (t) => {
  t.equal(suggest('sgementsize', ['segmentAge', 'segmentSize', 'sync']), 'segmentSize');
  t.equal(suggest('SYNC', ['async', 'sync']), 'sync');
  t.end();
});

t.test('a letter too many, one missing, one replaced and two swapped each count as one difference', (t) => {
  for (const word of ['ratte', 'rte', 'rite', 'rtae']) t.equal(suggest(word, ['rate']), 'rate');
  t.end();
});

t.test('nothing is found when everything differs by more than a third', (t) => {
  t.equal(suggest('queue', ['rate', 'sync']), undefined);
  t.equal(suggest('anything', []), undefined);
  t.end();
});
