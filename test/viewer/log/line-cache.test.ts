import t from 'tap';
import type { LogLine } from '../../../src/core/events/log.js';
import { LineCache, PAGE_LINES } from '../../../viewer/log/line-cache.js';

function line(number: number): LogLine {
  return { line: number, seq: number, time: '2026-01-02T03:04:05.000Z', type: 'output', text: 'text' };
}

t.test('the cache evicts the pages that were used least recently', async (t) => {
  const cache = new LineCache();
  const firstOf = (page: number) => page * PAGE_LINES + 1;
  for (let page = 0; page < 100; page++) cache.put(line(firstOf(page)));
  cache.touch(0);
  cache.put(line(firstOf(100)));
  t.ok(cache.get(firstOf(0)), 'it was used');
  t.equal(cache.get(firstOf(1)), undefined);
  t.ok(cache.get(firstOf(100)));
  cache.clear();
  t.equal(cache.get(firstOf(0)), undefined);
});

t.test('a page is complete with all of its lines, or those that the log has', async (t) => {
  const cache = new LineCache();
  for (let number = 1; number <= PAGE_LINES + 2; number++) if (number !== 7) cache.put(line(number));
  t.notOk(cache.isComplete(0, PAGE_LINES + 2));
  cache.put(line(7));
  t.ok(cache.isComplete(0, PAGE_LINES + 2));
  t.ok(cache.isComplete(1, PAGE_LINES + 2));
  t.notOk(cache.isComplete(1, PAGE_LINES + 3));
});
