import t from 'tap';
import { canBeSilent, createGaps, usualGap } from '../../../src/core/estimates/silence.js';
import { folded } from '../../helpers/events.js';
import { makeExecution } from '../../helpers/models.js';

const SETTINGS = { after: 120_000, factor: 3 };

t.test('the usual gap is a high percentile', async (t) => {
  t.equal(usualGap([]), 0);
  t.equal(usualGap([10, 20, 30]), 30);
  const mostly = [...Array.from({ length: 95 }, () => 20_000), ...Array.from({ length: 5 }, () => 900_000)];
  t.equal(usualGap(mostly), 20_000, 'the rare long ones are not the usual');
  t.equal(usualGap(mostly.slice(5)), 900_000, 'unless there are too many of them');
});

t.test('paused and waiting executions cannot be silent, nor commands typed at a prompt', async (t) => {
  t.equal(canBeSilent(makeExecution()), true);
  t.equal(canBeSilent(makeExecution({ kind: 'command' })), false);
  t.equal(canBeSilent(makeExecution({ attention: { state: 'waiting' } })), false);
  t.equal(canBeSilent(makeExecution({ attention: { state: 'silent' } })), false, 'it is reported once');
  for (const status of ['paused', 'queued', 'completed'] as const)
    t.equal(canBeSilent(makeExecution({ status })), false);
});

t.test('gaps are kept by name, bounded in number', async (t) => {
  const gaps = createGaps();
  gaps.add('slow', 100_000);
  t.equal(gaps.limit('slow', SETTINGS), 300_000);
  t.equal(gaps.limit('other', SETTINGS), 120_000);
  t.equal(gaps.limit('slow', { after: 120_000, factor: 10 }), 1_000_000, 'times the factor');
  t.equal(gaps.limit('slow', { after: 400_000, factor: 3 }), 400_000, 'and never sooner than that');
  for (let n = 0; n < 200; n++) gaps.add('slow', 1);
  t.equal(gaps.limit('slow', SETTINGS), 120_000, 'the old ones are forgotten');
  gaps.add('first', 100_000);
  for (let n = 0; n < 1_000; n++) gaps.add(`name ${n}`, 1);
  t.equal(gaps.limit('first', SETTINGS), 120_000, 'and the names that were not seen longest');
});

t.test('only activity ends silence', async (t) => {
  const silent = [
    { type: 'execution_started', execution: 'e' },
    { type: 'attention', execution: 'e', data: { state: 'silent', reason: 'nothing heard for 41s' } },
  ];
  const after = (type: string) => folded([...silent, { type, execution: 'e', data: {} }]).alive.get('e');
  t.match(after('resource_update'), { attention: { state: 'silent', reason: 'nothing heard for 41s' } });
  const heard = after('output');
  t.equal(heard?.attention?.state, undefined);
  t.equal(heard?.attention?.reason, undefined);
  const waiting = [...silent, { type: 'attention', execution: 'e', data: { state: 'waiting' } }];
  t.equal(folded([...waiting, { type: 'output', execution: 'e' }]).alive.get('e')?.attention?.state, 'waiting');
});
