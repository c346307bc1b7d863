import t from 'tap';
import { suggest } from '../../../src/core/text/suggest.js';

t.test('the closest candidate is found, ignoring case', (t) => {
  t.equal(suggest('sgementsize', ['segmentAge', 'segmentSize', 'sync']), 'segmentSize');
  t.equal(suggest('SYNC', ['async', 'sync']), 'sync');
  t.end();
});

t.test('insertion, deletion, replacement and swap each count as one difference', (t) => {
  for (const word of ['ratte', 'rte', 'rite', 'rtae']) t.equal(suggest(word, ['rate']), 'rate');
  t.end();
});

t.test('no candidate is found if all differ by more than a third', (t) => {
  t.equal(suggest('queue', ['rate', 'sync']), undefined);
  t.equal(suggest('anything', []), undefined);
  t.end();
});
