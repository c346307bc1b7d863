import t from 'tap';
import { renderTable, untilTableTick } from '../../src/terminal/table-view.js';
import type { View } from '../../src/terminal/view.js';
import { makeExecution, START } from '../helpers/models.js';

const STYLE = { color: false, ascii: false };
const VIEW: View = { executions: [], connection: { state: 'live' }, now: START, detail: false };

t.test('as many lines as there is room for; the last one counts the others', (t) => {
  const render = renderTable((now, columns) => ['head', `${now - START} ${columns}`, 'c', 'd']);
  t.same(render(VIEW, { columns: 80, rows: 5 }, STYLE), ['head', '0 79', 'c', 'd']);
  t.same(render(VIEW, { columns: 80, rows: 4 }, STYLE), ['head', '0 79', 'and 2 more']);
  t.same(render(VIEW, { columns: 6, rows: 2 }, STYLE), ['and 4']);
  t.same(render(VIEW, { columns: 80, rows: 1 }, STYLE), []);
  t.end();
});

t.test('without a connection the clock stops, the table is dimmed, and the first line says so', (t) => {
  const render = renderTable((now) => [`now ${now - START}`, 'b', 'c']);
  const view: View = { ...VIEW, now: START + 9_000, connection: { state: 'lost', since: START + 2_000 } };
  const lines = render(view, { columns: 60, rows: 4 }, { color: true, ascii: false });
  t.match(lines, [
    /! no connection to the daemon; see `progress doctor`/,
    '\u001b[2mnow 2000\u001b[0m',
    '\u001b[2mand 2 more\u001b[0m',
  ]);
  t.equal(untilTableTick({ ...view, executions: [makeExecution()] }), undefined);
  t.end();
});

t.test('clocks of running, waiting, silent, paused and queued executions move', (t) => {
  for (const status of ['running', 'paused', 'queued', 'pending'] as const)
    t.equal(untilTableTick({ ...VIEW, executions: [makeExecution({ status })] }), 1_000, status);
  for (const state of ['waiting', 'silent'] as const)
    t.equal(untilTableTick({ ...VIEW, executions: [makeExecution({ attention: { state } })] }), 1_000, state);
  t.equal(untilTableTick({ ...VIEW, executions: [makeExecution({ status: 'failed' })] }), undefined);
  t.end();
});
