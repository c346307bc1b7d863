import t from 'tap';
import { normalizeTime } from '../../../src/core/text/time.js';

t.test('an RFC 3339 time becomes UTC with milliseconds', (t) => {
  const cases: Record<string, string> = {
    '2026-11-20T12:48:46.123Z': '2026-11-20T12:48:46.123Z',
    '2026-11-20T12:48:46Z': '2026-11-20T12:48:46.000Z',
    '2026-11-20t12:48:46.1z': '2026-11-20T12:48:46.100Z',
    '2026-11-20 12:48:46.123999999Z': '2026-11-20T12:48:46.123Z',
    '2026-11-20T12:48:46.5+01:30': '2026-11-20T11:18:46.500Z',
    '2026-12-31T23:30:00-01:00': '2027-01-01T00:30:00.000Z',
    '2024-02-29T00:00:00.000Z': '2024-02-29T00:00:00.000Z',
    '2026-01-31T00:00:00.000Z': '2026-01-31T00:00:00.000Z',
    '2016-12-31T23:59:60Z': '2016-12-31T23:59:59.999Z',
    '0001-01-01T00:00:00Z': '0001-01-01T00:00:00.000Z',
  };
  for (const [given, wanted] of Object.entries(cases)) t.equal(normalizeTime(given), wanted, given);
  t.end();
});

t.test('invalid and nonexistent times are refused', (t) => {
  const cases = [
    '',
    'yesterday',
    '1790000000',
    '2026-11-20',
    '2026-11-20T12:48Z',
    '2026-11-20T12:48:46.123',
    '2026-11-20T12:48:46.Z',
    '2026-11-20T12:48:46.123Z\n',
    '2026-02-29T00:00:00.000Z',
    '2026-02-30T00:00:00Z',
    '2026-04-31T00:00:00.000Z',
    '2026-13-01T00:00:00.000Z',
    '2026-00-01T00:00:00.000Z',
    '2026-11-00T00:00:00.000Z',
    '2026-11-20T24:00:00.000Z',
    '2026-11-20T12:60:00.000Z',
    '2026-11-20T12:48:61.000Z',
    '2026-11-20T12:48:46+24:00',
    '2026-11-20T12:48:46+01',
    '9999-12-31T23:59:59-01:00',
    '0000-01-01T00:00:00+01:00',
    '+002026-11-20T12:48:46.123Z',
  ];
  for (const given of cases) t.equal(normalizeTime(given), undefined, given);
  t.end();
});

t.test('all days of a leap year and of another year are valid', (t) => {
  for (let day = Date.UTC(2024, 0, 1); day < Date.UTC(2026, 0, 1); day += 86_400_000) {
    const text = new Date(day).toISOString();
    if (normalizeTime(text) !== text) t.fail(text);
  }
  t.end();
});
