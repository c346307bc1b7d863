import t from 'tap';
import { parseTimeExpression } from '../../../src/cli/shared/time-expressions.js';

// in summer, in spring when a night has 23 hours, and far from Greenwich
const NOW = new Date(2026, 10, 18, 15, 20, 30).getTime(); // a Wednesday

const at = (text: string, now = NOW) => parseTimeExpression('since', text, now);
const local = (...parts: [number, number, number, number?, number?, number?]) => new Date(...parts).toISOString();

t.test('parses times ago, with the units of durations and weeks', (t) => {
  const cases: [string, number][] = [
    ['500ms', 500],
    ['90s', 90_000],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['3d', 259_200_000],
    ['2w', 1_209_600_000],
    ['10m ago', 600_000],
    ['0s', 0],
  ];
  for (const [text, ms] of cases) t.equal(at(text), new Date(NOW - ms).toISOString(), text);
  t.equal(at('999999999999d'), '1970-01-01T00:00:00.000Z', 'what lies before all times is their beginning');
  t.end();
});

t.test('days start at local midnight', (t) => {
  const cases: [string, string][] = [
    ['now', local(2026, 10, 18, 15, 20, 30)],
    ['today', local(2026, 10, 18)],
    ['yesterday', local(2026, 10, 17)],
    ['Monday', local(2026, 10, 16)],
    ['tue', local(2026, 10, 17)],
    ['wednesday', local(2026, 10, 11)],
    ['thursday', local(2026, 10, 12)],
    ['sunday', local(2026, 10, 15)],
    ['9:05', local(2026, 10, 18, 9, 5)],
    ['14:30:10', local(2026, 10, 18, 14, 30, 10)],
    ['yesterday 14:30', local(2026, 10, 17, 14, 30)],
    ['mon 9:00', local(2026, 10, 16, 9)],
    ['2026-02-28', local(2026, 1, 28)],
    ['2026-02-28 23:59', local(2026, 1, 28, 23, 59)],
    ['2026-02-28T23:59:58', local(2026, 1, 28, 23, 59, 58)],
    ['2026-11-20T12:30:00+02:00', '2026-11-20T10:30:00.000Z'],
    ['2026-11-20T12:30:00Z', '2026-11-20T12:30:00.000Z'],
  ];
  for (const [text, expected] of cases) t.equal(at(text), expected, text);
  t.end();
});

t.test('yesterday is a calendar day, not 24 hours', (t) => {
  const now = new Date(2026, 2, 30, 0, 30).getTime();
  t.equal(at('yesterday', now), local(2026, 2, 29));
  t.equal(at('yesterday', new Date(2026, 0, 1, 12).getTime()), local(2025, 11, 31));
  t.end();
});

t.test('refuses anything else, with examples', (t) => {
  const wrong = ['', 'soon', '10', '10x', '2026-02-30', '2026-13-01', '25:00', '12:60', 'today 24:00', '1h30', 'mond'];
  for (const text of wrong) {
    t.throws(() => at(text), { message: `--since: "${text}" is not a time such as 10m` }, text);
  }
  t.end();
});
