import t from 'tap';
import { DURATION_UNITS, parseQuantity, SIZE_UNITS } from '../../../src/core/text/quantity.js';

t.test('sizes are parsed to bytes and durations to milliseconds', (t) => {
  t.equal(parseQuantity('16MiB', SIZE_UNITS), 16_777_216);
  t.equal(parseQuantity('1 TiB', SIZE_UNITS), 1_099_511_627_776);
  t.equal(parseQuantity('7d', DURATION_UNITS), 604_800_000);
  t.equal(parseQuantity('250ms', DURATION_UNITS), 250);
  t.end();
});

t.test('anything but a whole number with a known unit is refused', (t) => {
  for (const text of [
    '',
    '16',
    'MiB',
    '16MB',
    '16mib',
    '1.5GiB',
    '-1B',
    '1e3B',
    ' 1B',
    '1B ',
    '1  B',
    '1constructor',
  ]) {
    t.equal(parseQuantity(text, SIZE_UNITS), undefined, text);
  }
  t.end();
});
