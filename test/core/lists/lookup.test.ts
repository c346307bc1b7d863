import t from 'tap';
import { findByText, newest } from '../../../src/core/lists/lookup.js';
import { makeExecution } from '../../helpers/models.js';

const EXECUTIONS = [
  makeExecution({ id: 'abc1', name: 'build', firstSeq: 1 }),
  makeExecution({ id: 'abc2', name: 'build', firstSeq: 5 }),
  makeExecution({ id: 'abd', name: 'abc2', firstSeq: 9 }),
  makeExecution({ id: 'xyz', name: 'ab', firstSeq: 3 }),
];
const find = (text: string) => {
  const found = findByText(EXECUTIONS, text);
  return found && ('execution' in found ? found.execution.id : found.ambiguous);
};

t.test('lookup by full ID, then newest name, then unique prefix', (t) => {
  t.equal(find('abc2'), 'abc2', 'an id goes before a name');
  t.equal(find('build'), 'abc2');
  t.equal(find('ab'), 'xyz', 'a name goes before a prefix');
  t.equal(find('x'), 'xyz');
  t.strictSame(find('abc'), ['abc1', 'abc2']);
  t.strictSame(find('a'), ['abc1', 'abc2', 'abd']);
  t.equal(find('nothing'), undefined);
  t.equal(find('abcd'), undefined, 'longer than any');
  t.end();
});

t.test('the list of candidates is bounded', (t) => {
  const many = Array.from({ length: 100 }, (_, n) => makeExecution({ id: `many-${n}` }));
  t.match(findByText(many, 'many'), { ambiguous: Array.from({ length: 5 }, (_, n) => `many-${n}`) });
  t.equal((findByText(many, 'many') as { ambiguous: string[] }).ambiguous.length, 5);
  t.end();
});

t.test('the newest execution is the one that began last', (t) => {
  t.equal(newest(EXECUTIONS)?.id, 'abd');
  t.equal(newest([]), undefined);
  t.end();
});
