import t from 'tap';
import { listLines } from '../../src/terminal/tables.js';
import { cellsOf } from '../../src/terminal/width.js';
import { makeExecution, makeShipLogin, START, timeAt } from '../helpers/models.js';

const STYLE = { color: false, ascii: false };
const OPTIONS = { now: START + 401_000, columns: 100, style: STYLE, all: true };

function makeList() {
  const { startedAt: _never, ...queued } = makeExecution({
    id: 'q1',
    name: 'cargo build',
    status: 'queued',
    queuedAt: timeAt(0),
  });
  return [
    makeShipLogin(),
    makeExecution({ id: '7hq2zzzzzz', name: '漢字のビルド', attention: 'waiting', attentionReason: 'may I?' }),
    makeExecution({
      id: 'docs1234',
      name: 'docs',
      status: 'failed',
      exitCode: 2,
      error: 'dead links',
      durationMs: 100_000,
    }),
    queued,
  ];
}

t.test('columns, with ids as short as they are unique', (t) => {
  t.same(listLines(makeList(), OPTIONS), [
    'ID     STATUS     NAME             PROGRESS         STEP                   TIME  EXIT',
    '7hq2m  ● running  ship-login-page  51% 18/35 tests  Run integration tests  6:41',
    '7hq2z  ! waiting  漢字のビルド                      may I?                 6:41',
    'docs   ✗ failed   docs                              dead links             1:40     2',
    'q1     ◦ queued   cargo build                                                6m',
  ]);
  t.end();
});

t.test('without --all only what is not over is listed, and an empty list says so', (t) => {
  const lines = listLines(makeList(), { ...OPTIONS, all: false });
  t.equal(lines.length, 4);
  t.notMatch(lines.join('\n'), 'docs');
  t.same(listLines([], { ...OPTIONS, all: false }), ['Nothing is running. progress ps --all shows what has ended.']);
  t.same(listLines([], OPTIONS), ['Nothing has run yet.']);
  t.end();
});

t.test('narrow terminals cut names and steps, never a status', (t) => {
  const lines = listLines(makeList(), { ...OPTIONS, columns: 60 });
  t.ok(
    lines.every((line) => cellsOf(line) <= 60),
    lines.join('\n'),
  );
  t.match(lines[1], /^7hq2m {2}● running {2}ship-logi?/);
  t.match(lines[1], ' 51% ');
  t.end();
});

t.test('ASCII and colour', (t) => {
  t.match(listLines(makeList(), { ...OPTIONS, style: { color: false, ascii: true } })[1], '[~] running');
  t.match(listLines(makeList(), { ...OPTIONS, style: { color: true, ascii: false } })[3], '\u001b[31m✗ failed ');
  t.end();
});
