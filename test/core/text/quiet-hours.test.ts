import t from 'tap';
import { isQuiet, parseQuietHours } from '../../../src/core/text/quiet-hours.js';

// daylight saving time changes on 2026-03-29 (02:00 to 03:00) and 2026-10-25 (03:00 to 02:00)
process.env['TZ'] = 'Europe/Berlin';

const at = (text: string) => Date.parse(text);
const quiet = (hours: string, time: string) => {
  const parsed = parseQuietHours(hours);
  if (!parsed) throw new Error(hours);
  return isQuiet([parsed], at(time));
};

t.test('valid hours and days are parsed, anything else is refused', (t) => {
  t.strictSame(parseQuietHours('22:00-07:00'), { from: 1_320, to: 420, days: [0, 1, 2, 3, 4, 5, 6] });
  t.strictSame(parseQuietHours('Mon-Fri 9:30 - 17:00'), { from: 570, to: 1_020, days: [1, 2, 3, 4, 5] });
  t.strictSame(parseQuietHours('sat,sun 00:00-24:00'), { from: 0, to: 1_440, days: [6, 0] });
  t.strictSame(parseQuietHours('fri-mon 22:00-23:00')?.days, [5, 6, 0, 1]);
  for (const text of ['', '22-7', '22:00', '24:00-07:00', '22:60-07:00', '22:00-25:00', '22:00-22:00', 'x 22:00-07:00'])
    t.equal(parseQuietHours(text), undefined, text);
  for (const text of ['mon- 22:00-07:00', 'mon-tue-wed 22:00-07:00', ', 22:00-07:00'])
    t.equal(parseQuietHours(text), undefined, text);
  t.end();
});

t.test('hours across midnight, in local time', (t) => {
  const cases = { '20:59': false, '21:00': true, '23:00': true, '02:00': true, '05:59': true, '06:00': false };
  // UTC is an hour behind in winter
  for (const [time, is] of Object.entries(cases))
    t.equal(quiet('22:00-07:00', `2026-01-15T${time}:00Z`), is, `${time} UTC`);
  t.equal(quiet('12:00-13:00', '2026-01-15T11:30:00Z'), true);
  t.equal(quiet('12:00-13:00', '2026-01-15T12:30:00Z'), false);
  t.end();
});

t.test('days are the days on which the hours begin', (t) => {
  // 2026-01-16 is a Friday
  const hours = 'fri 22:00-07:00';
  t.equal(quiet(hours, '2026-01-16T22:30:00+01:00'), true);
  t.equal(quiet(hours, '2026-01-17T06:30:00+01:00'), true, 'that of Friday goes on');
  t.equal(quiet(hours, '2026-01-16T06:30:00+01:00'), false, 'that of Thursday is none');
  t.equal(quiet(hours, '2026-01-17T22:30:00+01:00'), false);
  t.equal(quiet('sat,sun 00:00-24:00', '2026-01-18T23:59:59+01:00'), true);
  t.equal(quiet('sat,sun 00:00-24:00', '2026-01-19T00:00:00+01:00'), false);
  t.end();
});

t.test('changes of daylight saving time: the wall clock counts', (t) => {
  const hours = '22:00-07:00';
  t.equal(quiet(hours, '2026-03-29T06:59:00+02:00'), true, 'an hour shorter in spring');
  t.equal(quiet(hours, '2026-03-29T07:00:00+02:00'), false);
  t.equal(quiet(hours, '2026-10-25T06:59:00+01:00'), true, 'an hour longer in autumn');
  t.equal(quiet(hours, '2026-10-25T07:00:00+01:00'), false);
  t.equal(quiet('02:00-02:30', '2026-10-25T02:15:00+02:00'), true, 'the hour that comes twice');
  t.equal(quiet('02:00-02:30', '2026-10-25T02:15:00+01:00'), true);
  t.equal(quiet('01:30-02:30', '2026-03-29T03:15:00+02:00'), false, 'the hour that does not come');
  t.end();
});
