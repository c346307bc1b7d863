import t from 'tap';
import { groupExecutions, parseGrouping } from '../../../src/core/lists/groups.js';
import { makeExecution } from '../../helpers/models.js';

const LIST = [
  makeExecution({ id: 'a', agent: { name: 'claude' }, labels: { team: 'web', env: 'prod' } }),
  makeExecution({ id: 'b', agent: { name: 'codex' }, labels: { team: 'api' }, status: 'queued' }),
  makeExecution({ id: 'c', agent: { name: 'claude' }, status: 'paused' }),
  makeExecution({ id: 'd', agent: { name: '__proto__' }, status: 'failed' }),
  makeExecution({ id: 'e', status: 'queued' }),
];

/** Formats groups: names, counts, members. */
function groups(text: string): unknown[] {
  const grouping = parseGrouping(text);
  if (!grouping) throw new Error(`${text} is no grouping`);
  return groupExecutions(LIST, grouping).map(({ name, running, queued, executions }) => [
    name,
    `${running}+${queued}`,
    executions.map(({ id }) => id).join(''),
  ]);
}

t.test('groups are sorted by name, those without one last', (t) => {
  t.strictSame(groups('agent'), [
    ['__proto__', '0+0', 'd'],
    ['claude', '2+0', 'ac'],
    ['codex', '0+1', 'b'],
    [undefined, '0+1', 'e'],
  ]);
  t.strictSame(groups('queue'), [[undefined, '2+2', 'abcde']]);
  t.strictSame(groupExecutions([], { by: 'agent' }), []);
  t.end();
});

t.test('grouping by all labels, or by one', (t) => {
  t.strictSame(groups('label'), [
    ['env=prod', '1+0', 'a'],
    ['team=api', '0+1', 'b'],
    ['team=web', '1+0', 'a'],
    [undefined, '1+1', 'cde'],
  ]);
  t.strictSame(groups('label:env'), [
    ['env=prod', '1+0', 'a'],
    [undefined, '1+2', 'bcde'],
  ]);
  t.strictSame(parseGrouping('label:a:b=c'), { by: 'label', key: 'a:b=c' });
  for (const text of ['', 'name', 'label:', 'agent:x', 'Agent']) t.equal(parseGrouping(text), undefined, text);
  t.end();
});
