import t from 'tap';
import type { Test } from 'tap';
import type { Client } from '../../../src/client/client.js';
import type { LogLine } from '../../../src/core/events/log.js';
import { LINE_CHARS } from '../../../src/core/events/log.js';
import { Logs } from '../../../src/daemon/read/logs.js';
import { createHome } from '../../helpers/daemon.js';
import { makeBatch, openJournal } from '../../helpers/journal.js';

/** A daemon with an execution of this many lines, several of them in an event. */
async function open(t: Test, lines: number, perEvent = 7): Promise<Client> {
  const home = createHome(t);
  await home.startDaemon();
  const client = await home.connect();
  t.teardown(() => client.destroy());
  await client.call('emit', { event: { type: 'execution_started', execution: 'x' } });
  for (let from = 2; from <= lines; from += perEvent) {
    const count = Math.min(perEvent, lines - from + 1);
    const text = Array.from({ length: count }, (_, index) => `text ${from + index}`).join('\n');
    const event = { type: 'output', execution: 'x', stream: from % 2 ? 'stderr' : 'stdout', text };
    const other = { type: 'output', execution: 'other', text: 'text of another' };
    await Promise.all([client.call('emit', { event }), client.call('emit', { event: other })]);
  }
  return client;
}

const numbers = (lines: LogLine[]) => lines.map(({ line }) => line);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

t.test('any range of lines, the newest lines, and lines added meanwhile', async (t) => {
  const client = await open(t, 3_000);
  const page = (fields: object) => client.call('log', { execution: 'x', ...fields });
  for (const from of [1, 2, 511, 512, 513, 1_500, 2_990]) {
    const { lines, total } = await page({ from, limit: 20 });
    t.strictSame(numbers(lines), range(from, Math.min(3_000, from + 19)), `from ${from}`);
    t.equal(total, 3_000);
    for (const { line, text } of lines) if (line > 1) t.equal(text, `text ${line}`);
  }
  t.strictSame(numbers((await page({ last: 10 })).lines), range(2_991, 3_000));
  t.equal((await page({ last: 5_000 })).lines.length, 1_000);
  t.equal((await page({})).lines.length, 500);
  t.strictSame((await page({ from: 3_001 })).lines, []);
  await client.call('emit', { event: { type: 'output', execution: 'x', text: 'text 3001\ntext 3002' } });
  t.match(await page({ from: 3_000, limit: 5 }), { total: 3_002, lines: [{ line: 3_000 }, {}, { text: 'text 3002' }] });
  t.match(await page({ last: 1 }), { lines: [{ line: 3_002 }] });
  await t.rejects(page({ execution: 'nobody' }), { code: 'not_found' });
});

t.test('a page is bounded in bytes, the next one continues, and the whole log can be read', async (t) => {
  const client = await open(t, 2);
  const long = 'x'.repeat(100_000);
  for (let count = 0; count < 200; count++)
    await client.call('emit', { event: { type: 'output', execution: 'x', text: `${'y'.repeat(8_000)}\n${long}` } });
  const seen: number[] = [];
  for (let from = 1; ;) {
    const { lines, total } = await client.call('log', { execution: 'x', from, limit: 1_000 });
    if (lines.length === 0) break;
    t.ok(JSON.stringify(lines).length < 1.2 * 1024 * 1024);
    seen.push(...numbers(lines));
    from = seen.at(-1)! + 1;
    t.equal(total, 402);
  }
  t.strictSame(seen, range(1, 402));
  const { lines: tail } = await client.call('log', { execution: 'x', last: 1_000 });
  t.equal(tail.at(-1)?.line, 402);
  t.match(await client.call('log', { execution: 'x', from: 4, limit: 1 }), { lines: [{ cut: 100_000 - 8_192 }] });
  const { lines } = await client.call('log', { execution: 'x', from: 4, limit: 1, untruncated: true });
  t.equal(lines[0]?.text.length, 100_000);
});

t.test('search returns ranges of the whole log', async (t) => {
  const client = await open(t, 1_000);
  const search = (filter: object) => client.call('search', { execution: 'x', ...filter });
  t.match(await search({ text: 'TEXT 77' }), {
    matched: 11,
    ranges: [
      [77, 77],
      [770, 779],
    ],
    total: 1_000,
  });
  t.match(await search({ text: 'TEXT 77', caseSensitive: true }), { matched: 0, ranges: [] });
  t.match(await search({ text: 'of another' }), { matched: 0 });
  const { matched, ranges } = await search({});
  t.strictSame([matched, ranges], [1_000, [[1, 1_000]]]);
  const stderr = await search({ stream: 'stderr', text: 'text' });
  t.ok(stderr.matched > 300 && stderr.matched < 700);
  await t.rejects(search({ level: 'loud' }), { code: 'bad_request' });
});

t.test('search takes a pattern and a range, and returns positions in lines', async (t) => {
  const client = await open(t, 1_000);
  const search = (filter: object) => client.call('search', { execution: 'x', regex: true, ...filter });
  t.match(await search({ text: '^TEXT 77\\d?$' }), {
    matched: 11,
    ranges: [
      [77, 77],
      [770, 779],
    ],
    total: 1_000,
  });
  t.match(await search({ text: '^TEXT 77', caseSensitive: true }), { matched: 0 });
  t.match(await search({ text: '^TEXT 77', regex: false }), { matched: 0 }, 'a text is no pattern unless it is said');
  t.strictSame((await search({ text: '' })).matched, 1_000);
  const part = await search({ text: '[17]', from: 600, to: 700, marks: true });
  t.strictSame(part.ranges.at(-1), [700, 700]);
  t.ok(part.ranges.every(([from, to]) => from >= 600 && to <= 700));
  t.strictSame(part.marks?.slice(0, 2), [
    [601, 7, 8],
    [607, 7, 8],
  ]);
  t.equal(part.total, 1_000);
  t.match(await search({ text: 'text', regex: false, from: 990 }), { matched: 11, ranges: [[990, 1_000]] });
  t.notOk('marks' in (await search({ text: 'x' })));
  await client.call('emit', { event: { type: 'output', execution: 'x', text: '\u001b[31mred\u001b[0m and green' } });
  t.strictSame((await search({ text: 'd and', marks: true })).marks, [[1_001, 2, 7]], 'as it is read, without colours');
  for (const text of ['(', 'a{1001}', '(?=x)', 'x'.repeat(1_001)])
    await t.rejects(search({ text }), { code: 'bad_request', message: /regular expression|longer/ }, text);
});

t.test('no pattern blocks the daemon', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const [client, another] = [await home.connect(), await home.connect()];
  for (const one of [client, another]) t.teardown(() => one.destroy());
  const random = Array.from({ length: 8_000 }, (_, index) =>
    (index * 2_654_435_761) % 4_294_967_296 > 2e9 ? 'a' : 'b',
  );
  const line = `${random.join('')}${'a'.repeat(200)}`;
  for (let count = 0; count < 60; count++)
    await client.call('emit', { event: { type: 'output', execution: 'x', text: `${line}\n${line}` } });
  const search = (text: string) => client.call('search', { execution: 'x', regex: true, text });
  for (const text of ['(a+)+$x', '(a|a)*c', '([ab]+)*c', '(.*)(.*)(.*)(.*)[YZ]']) {
    const begun = performance.now();
    t.equal((await search(text)).matched, 0);
    t.ok(performance.now() - begun < 20_000, `${text} takes ${performance.now() - begun} ms`);
  }
  // many states for each character: slow, though linear
  const refused = t.rejects(search('(?:a|b)*a(?:a|b){900}[YZ]'), { code: 'bad_request', message: /too long/ });
  const state = { isOver: false };
  void refused.finally(() => (state.isOver = true));
  let longest = 0;
  while (!state.isOver) {
    const begun = performance.now();
    await another.call('queues', {});
    longest = Math.max(longest, performance.now() - begun);
  }
  await refused;
  t.ok(longest < 10_000, `others wait ${Math.round(longest)} ms at most`);
});

t.test('a pattern matches as much of a line as a page shows', async (t) => {
  const client = await open(t, 2);
  await client.call('emit', { event: { type: 'output', execution: 'x', text: `${'y'.repeat(LINE_CHARS)}end` } });
  const search = (text: string) => client.call('search', { execution: 'x', regex: true, text, marks: true });
  t.match(await search('y$'), { matched: 1, marks: [[3, LINE_CHARS - 1, LINE_CHARS]] });
  t.match(await search('end'), { matched: 0 });
  t.equal((await search('y')).marks?.length, 100, 'with a bounded number of positions in it');
});

t.test('the timeline has the lines where steps begin, pauses, and thinned samples', async (t) => {
  const client = await open(t, 10);
  const emit = (event: object) => client.call('emit', { event: { execution: 'x', ...event } });
  await emit({ type: 'step_started', step: 'a' });
  await emit({ type: 'output', text: 'one\ntwo' });
  await emit({ type: 'step_started', step: 'b' });
  await emit({ type: 'execution_paused', time: '2026-01-01T00:00:00Z' });
  await emit({ type: 'execution_resumed', time: '2026-01-01T00:01:00Z' });
  await emit({ type: 'execution_paused', time: '2026-01-01T00:02:00Z' });
  await Promise.all(range(1, 1_500).map((cpu) => emit({ type: 'resource_update', cpu, rss: cpu * 10 })));
  const { steps, pauses, samples } = await client.call('timeline', { execution: 'x' });
  t.strictSame(steps, [
    { step: 'a', line: 11 },
    { step: 'b', line: 14 },
  ]);
  t.strictSame(
    pauses.map(([from, to]) => to && to - from),
    [60_000, null],
  );
  t.ok(samples.length > 300 && samples.length <= 600, `${samples.length} samples`);
  const mean = samples.reduce((sum, [, cpu]) => sum + cpu, 0) / samples.length;
  t.ok(Math.abs(mean - 750) < 20, `mean ${mean}`);
});

t.test('line numbers stay when the beginning has left the journal', async (t) => {
  const home = createHome(t);
  (await import('node:fs')).writeFileSync(
    home.paths.config,
    'journal: { segmentSize: 64KiB, retainSize: 1MiB }\nalerts: { desktop: false }\n',
  );
  await home.startDaemon();
  const client = await home.connect();
  t.teardown(() => client.destroy());
  await client.call('emit', { event: { type: 'execution_started', execution: 'x' } });
  const text = Array.from({ length: 100 }, () => 'z'.repeat(300)).join('\n');
  let removed = false;
  for (let count = 0; count < 400 && !removed; count++) {
    await client.call('emit', { event: { type: 'output', execution: 'x', text } });
    if (count % 20 === 19) {
      const first = await client.call('log', { execution: 'x', from: 1, limit: 1 });
      removed = first.lines[0]?.line !== 1;
    }
  }
  const { lines, total } = await client.call('log', { execution: 'x', last: 3 });
  t.equal(lines.at(-1)?.line, total);
  t.equal(total, (await client.call('get', { execution: 'x' })).execution.lines);
  const back = await client.call('log', { execution: 'x', from: total - 500, limit: 3 });
  t.strictSame(numbers(back.lines), range(total - 500, total - 498));
});

t.test('pages without an index are those with one, wherever they are', async (t) => {
  const { journal } = await openJournal(t);
  const write = async (count: number, shape: object) => {
    for (let left = count; left > 0; left -= 1_000) {
      await journal.write(makeBatch(journal.nextSeq, Math.min(left, 1_000), () => ({ execution: 'x', ...shape })));
    }
  };
  const firstSeq = journal.nextSeq;
  await write(12_000, { type: 'output', data: { text: 'a\nb' } });
  // many events without lines
  await write(40_000, { type: 'progress', data: { current: 1 } });
  await write(100, { type: 'output', data: { text: 'c' } });
  const whole = { id: 'x', firstSeq, lines: 24_100, seq: journal.seq };
  // as if the first ten lines had left the journal
  const cut = { ...whole, firstSeq: firstSeq - 5, lines: 24_110 };
  for (const subject of [whole, cut]) {
    const indexed = new Logs(journal.source);
    await indexed.timeline(subject);
    for (const from of [1, 9, 11, 5_000, 9_999, 10_001, 20_000, 23_990, 24_001, 24_100, 24_111]) {
      const { lines } = await new Logs(journal.source).page(subject, { from, limit: 40 });
      const expected = await indexed.page(subject, { from, limit: 40 });
      t.strictSame(numbers(lines), numbers(expected.lines), `from ${from} of ${subject.lines}`);
      t.strictSame(lines, expected.lines);
    }
  }
});
