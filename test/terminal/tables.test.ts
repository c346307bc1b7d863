import t from 'tap';
import { groupExecutions } from '../../src/core/lists/groups.js';
import { groupedLines, LIST_COLUMNS, listLines } from '../../src/terminal/tables.js';
import { cellsOf } from '../../src/terminal/width.js';
import { makeExecution, makeShipLogin, START, timeAt } from '../helpers/models.js';
import { between, createRandom } from '../helpers/random.js';
import { randomExecution } from '../helpers/random-models.js';

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
    makeExecution({ id: '7hq2zzzzzz', name: '漢字のビルド', attention: { state: 'waiting', reason: 'may I?' } }),
    makeExecution({
      id: 'docs1234',
      name: 'docs',
      status: 'failed',
      outcome: { exitCode: 2, error: 'dead links' },
      durationMs: 100_000,
      resources: { peakRss: 1.5 * 1024 ** 3, cpuSeconds: 9 },
    }),
    queued,
  ];
}

t.test('columns, with shortened IDs', (t) => {
  t.same(listLines(makeList(), OPTIONS), [
    'ID     STATUS     NAME             PROGRESS         STEP             CPU   MEMORY  TIME   LEFT  EXIT',
    '7hq2m  ● running  ship-login-page  51% 18/35 tests  Run integratio…  71%  412 MiB  6:41  ~6:30',
    '7hq2z  ! waiting  漢字のビルド                      may I?                         6:41',
    'docs   ✗ failed   docs                              dead links            1.5 GiB  1:40            2',
    'q1     ◦ queued   cargo build                                                        6m',
  ]);
  t.end();
});

t.test('without --all only open executions are listed, and an empty list is explained', (t) => {
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

t.test('narrow terminals show the share alone, then omit columns by rank before names and reasons are cut', (t) => {
  const headings = (columns: number) => (listLines(makeList(), { ...OPTIONS, columns })[0] ?? '').split(/ +/).join(' ');
  t.equal(headings(Infinity), 'ID STATUS NAME PROGRESS STEP CPU MEMORY TIME LEFT EXIT');
  t.equal(headings(97), 'ID STATUS NAME PROGRESS STEP CPU MEMORY TIME LEFT EXIT', 'a step is cut a little');
  t.equal(headings(96), 'ID STATUS NAME DONE STEP CPU MEMORY TIME LEFT EXIT');
  t.equal(headings(85), 'ID STATUS NAME DONE STEP CPU TIME LEFT EXIT');
  t.equal(headings(76), 'ID STATUS NAME DONE STEP TIME LEFT EXIT');
  t.equal(headings(65), 'ID STATUS NAME DONE STEP TIME EXIT');
  t.equal(headings(60), 'ID STATUS NAME DONE STEP TIME');
  t.equal(headings(53), 'ID STATUS NAME STEP TIME');
  t.equal(headings(40), 'ID STATUS NAME STEP', 'reasons stay');
  const [first] = makeList();
  t.match(listLines([first!], { ...OPTIONS, columns: 40 })[0], /^ID +STATUS +NAME +TIME$/, 'a step does not');
  t.end();
});

t.test('no line is wider than the terminal', (t) => {
  for (const columns of [20, 40, 60, 80, 120]) {
    for (let seed = 1; seed <= 60; seed++) {
      const random = createRandom(seed);
      const list = Array.from({ length: between(random, 1, 8) }, (_, index) => randomExecution(random, index));
      for (const style of [STYLE, { color: true, ascii: true }]) {
        for (const shown of [undefined, LIST_COLUMNS]) {
          const lines = listLines(list, { ...OPTIONS, columns, style, ...(shown && { shown }) });
          const widest = Math.max(...lines.map(cellsOf));
          if (widest > columns) t.fail(`${widest} cells at ${columns}, seed ${seed}:\n${lines.join('\n')}`);
        }
      }
    }
    t.ok(
      Math.max(...listLines([], { ...OPTIONS, columns }).map(cellsOf)) <= columns,
      'nor is what says that there is none',
    );
  }
  t.end();
});

t.test('chosen columns are in the given order, and stay where they are empty or there is no room', (t) => {
  const shown = ['name', 'queue', 'agent', 'exit', 'labels', 'started'] as const;
  const lines = listLines(makeList(), { ...OPTIONS, shown });
  t.equal(lines[0], 'NAME             QUEUE  AGENT   EXIT  LABELS  STARTED');
  t.match(lines[1], /^ship-login-page +claude +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  const narrow = listLines(makeList(), { ...OPTIONS, shown: LIST_COLUMNS, columns: 120 });
  t.equal(narrow[0]?.trim().split(/ +/).length, LIST_COLUMNS.length);
  t.end();
});

t.test('groups, with counts, in one table', (t) => {
  const list = [
    makeExecution({ id: 'aaaa', name: 'lint', queue: 'build', resources: { cpu: 140.4, rss: 5 * 1024 } }),
    makeExecution({ id: 'bbbb', name: 'compile it all', status: 'queued', queue: 'build' }),
    makeExecution({ id: 'cccc', name: 'tests', status: 'queued', queue: 'build' }),
    makeExecution({ id: 'dddd', name: 'held', status: 'paused', queue: 'art' }),
    makeExecution({ id: 'eeee', name: 'free', status: 'completed', durationMs: 9_000 }),
  ];
  const positions = new Map([
    ['cccc', 1],
    ['bbbb', 2],
  ]);
  const lines = groupedLines(groupExecutions(list, { by: 'queue' }), { by: 'queue' }, { ...OPTIONS, positions });
  t.same(lines, [
    'ID    STATUS       NAME             CPU   MEMORY  TIME',
    'art · 1 running',
    'dddd  ‖ paused     held                           6:40',
    '',
    'build · 1 running · 2 queued',
    'aaaa  ● running    lint            140%  5.0 KiB  6:41',
    'bbbb  ◦ queued #2  compile it all                 6:41',
    'cccc  ◦ queued #1  tests                          6:41',
    '',
    'no queue · 1 ended',
    'eeee  ✓ completed  free                           9.0s',
  ]);
  t.same(groupedLines([], { by: 'queue' }, OPTIONS), ['Nothing has run yet.']);
  t.end();
});

t.test('ASCII and colour', (t) => {
  t.match(listLines(makeList(), { ...OPTIONS, style: { color: false, ascii: true } })[1], '[~] running');
  t.match(
    listLines(makeList(), { ...OPTIONS, style: { color: true, ascii: false } })[3],
    '\u001b[31m✗ failed\u001b[0m ',
  );
  t.end();
});
