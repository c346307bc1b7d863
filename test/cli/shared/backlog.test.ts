import t from 'tap';
import { Backlog } from '../../../src/cli/shared/backlog.js';
import { waitFor } from '../../helpers/wait.js';

const lines = (from: number, count: number) => Array.from({ length: count }, (_, index) => `line ${from + index}`);

t.test('only the last lines are printed, once, with the number of those before them', async (t) => {
  const printed: [readonly string[], number][] = [];
  const backlog = new Backlog(async (...args) => void printed.push(args));
  backlog.add(lines(0, 70));
  backlog.add(lines(70, 300));
  backlog.add(lines(370, 1));
  await backlog.flush();
  await backlog.flush();
  t.strictSame(printed, [[lines(271, 100), 271]]);
  backlog.add(['late']);
  await waitFor('the rest, which nothing follows', () => printed.length === 2);
  t.strictSame(printed[1], [['late'], 0]);
});
