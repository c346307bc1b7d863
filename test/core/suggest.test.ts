import t from 'tap';
import { findNearest } from '../../src/core/suggest.js';

t.test('the candidate with the fewest differences is found, in any case', (t) => {
  t.equal(findNearest('sgementsize', ['segmentAge', 'segmentSize', 'sync']), 'segmentSize');
  t.equal(findNearest('SYNC', ['async', 'sync']), 'sync');
  t.end();
});

t.test('a letter too many, one missing, one replaced and two swapped each count as one difference', (t) => {
  for (const word of ['ratte', 'rte', 'rite', 'rtae']) t.equal(findNearest(word, ['rate']), 'rate');
  t.end();
});

t.test('nothing is found when everything differs by more than a third', (t) => {
  t.equal(findNearest('queue', ['rate', 'sync']), undefined);
  t.equal(findNearest('anything', []), undefined);
  t.end();
});
