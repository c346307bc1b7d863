import t from 'tap';
import { contentPx, lastTop, ROW_PX, scrollTopOf, topAfter } from '../../../viewer/log/log-extent.js';

const height = 600;

t.test('rows of equal height have their natural positions', (t) => {
  const extent = { rows: 1_000, height, wrap: false };
  t.equal(contentPx(extent), 20_000);
  t.equal(lastTop(extent), 970);
  t.equal(scrollTopOf(extent, 12.5), 250);
  t.equal(topAfter(extent, { top: 0, scrollTop: 0 }, 250), 12.5);
  t.equal(scrollTopOf({ rows: 3, height, wrap: false }, 0), 0);
  t.equal(lastTop({ rows: 3, height, wrap: false }), 0);
  t.end();
});

t.test('a log that exceeds the maximum height of an element', (t) => {
  const extent = { rows: 2_000_000, height, wrap: false };
  t.equal(contentPx(extent), 8_000_000);
  t.equal(scrollTopOf(extent, lastTop(extent)), 8_000_000 - height, 'the end is the end');
  t.equal(scrollTopOf(extent, 0), 0);
  t.equal(
    topAfter(extent, { top: 500_000, scrollTop: 2_000_000 }, 2_000_000 + 3 * ROW_PX),
    500_003,
    'a wheel moves rows',
  );
  const half = (8_000_000 - height) / 2;
  t.equal(
    Math.round(topAfter(extent, { top: 0, scrollTop: 0 }, half)),
    Math.round(lastTop(extent) / 2),
    'a thumb parts',
  );
  t.end();
});

t.test('wrapped rows have any height, so the last one may fill the view', (t) => {
  const extent = { rows: 100, height, wrap: true };
  t.equal(lastTop(extent), 99);
  t.equal(contentPx(extent), 2_000 + height);
  t.equal(scrollTopOf(extent, 99), 2_000);
  t.end();
});
