import t from 'tap';
import { childrenByParent } from '../../../src/core/lists/children.js';

t.test('children are grouped by their parent, in order; those of unknown parents are roots', (t) => {
  const items = [{ id: 'a' }, { id: 'b', parent: 'a' }, { id: 'c', parent: 'missing' }, { id: 'd', parent: 'a' }];
  const ids = [...childrenByParent(items)].map(([parent, children]) => [parent, children.map(({ id }) => id)]);
  t.same(ids, [
    [undefined, ['a', 'c']],
    ['a', ['b', 'd']],
  ]);
  t.same([...childrenByParent([])], []);
  t.end();
});
