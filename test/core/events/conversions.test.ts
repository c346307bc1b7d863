import t from 'tap';
import { toTime } from '../../../src/core/events/conversions.js';

t.test('a time without a zone is local', (t) => {
  const { TZ } = process.env;
  process.env['TZ'] = 'Asia/Tokyo';
  t.teardown(() => (process.env['TZ'] = TZ));
  for (const text of ['2026-11-30T10:00:00', '2026-11-30 10:00:00', '2026-11-30T10:00:00.000000'])
    t.equal(toTime(text), '2026-11-30T01:00:00.000Z', text);
  t.equal(toTime('2026-11-30 10:00:00,250'), '2026-11-30T01:00:00.250Z');
  t.equal(toTime('2026-11-30T10:00:00Z'), '2026-11-30T10:00:00.000Z');
  for (const text of ['2026-11-30', '10:00:00', '2026-13-30T10:00:00', 'yesterday'])
    t.equal(toTime(text), undefined, text);
  t.end();
});
