import t from 'tap';
import { sparkline, statsDetails, statsTable } from '../../src/terminal/stats.js';
import { detailedStatistics, statisticsOf } from '../../src/core/estimates/statistics.js';
import { cellsOf } from '../../src/terminal/width.js';
import { recordedBuilds, toExecutions } from '../helpers/builds.js';
import { makeExecution, makeStep, START, timeAt } from '../helpers/models.js';

const STYLE = { color: false, ascii: false };
const OPTIONS = { now: START + 50 * 3_600_000, columns: 100, style: STYLE };
const HOSTILE = 'make \u001b[2J\u0007漢字'.repeat(12);

function makeAll() {
  const builds = [...recordedBuilds()].flatMap(([name, builds]) => toExecutions(name, builds));
  const failed = makeExecution({
    ...{ id: 'failed', name: HOSTILE, status: 'failed', endedAt: timeAt(5_000), outcome: { error: HOSTILE } },
    steps: [makeStep({ id: HOSTILE, status: 'failed', error: HOSTILE })],
  });
  return [...builds, failed];
}

t.test('no line is wider than the terminal, and no text of an event reaches it unchanged', (t) => {
  const table = statisticsOf(makeAll());
  const details = detailedStatistics(makeAll());
  for (let columns = 40; columns <= 130; columns += 3) {
    const options = { ...OPTIONS, columns };
    const lines = [...statsTable(table, 3, options), ...details.flatMap((one) => statsDetails(one, options))];
    const wide = lines.filter((line) => cellsOf(line) > columns);
    t.strictSame(wide, [], `${columns} columns`);
    t.notMatch(lines.join('\n'), /[\u0000-\u0009\u000b-\u001f]/);
  }
  t.end();
});

t.test('a narrow table keeps names, counts and durations', (t) => {
  const headings = (columns: number) => statsTable(statisticsOf(makeAll()), 0, { ...OPTIONS, columns })[0]?.split(/ +/);
  t.strictSame(headings(100), ['NAME', 'KIND', 'RUNS', 'OK', 'MEDIAN', 'P90', 'LAST', 'AGO', 'TREND']);
  t.strictSame(headings(60), ['NAME', 'RUNS', 'OK', 'MEDIAN', 'P90', 'LAST', 'TREND']);
  t.strictSame(headings(40), ['NAME', 'RUNS', 'OK', 'MEDIAN', 'LAST']);
  t.end();
});

t.test('without Unicode only ASCII is printed', (t) => {
  const options = { ...OPTIONS, style: { color: false, ascii: true } };
  const failed = makeExecution({ id: 'f', status: 'failed', endedAt: timeAt(0), outcome: { error: 'no' } });
  const all = [...[...recordedBuilds()].flatMap(([name, builds]) => toExecutions(name, builds)), failed];
  const lines = [...statsTable(statisticsOf(all), 3, options)];
  lines.push(...detailedStatistics(all).flatMap((one) => statsDetails(one, options)));
  t.ok(lines.length > 30);
  t.match(lines.join('\n'), /^[\n -~]*$/);
  t.end();
});

t.test('names that are left out are counted', (t) => {
  t.match(statsTable(statisticsOf(makeAll()), 7, OPTIONS).at(-1), '7 older names not shown; use --since, --kind');
  t.strictSame(statsTable([], 0, OPTIONS), ['Nothing has finished yet.']);
  t.end();
});

t.test('a sparkline is in proportion to the highest value', (t) => {
  t.equal(sparkline([1, 2, 4, 8], STYLE), '▁▂▄█');
  t.equal(sparkline([100, 101], STYLE), '██');
  t.equal(sparkline([0, 0], STYLE), '▁▁');
  t.equal(sparkline([], STYLE), '');
  t.equal(sparkline([1, 8], { ...STYLE, ascii: true }), '_@');
  t.end();
});
