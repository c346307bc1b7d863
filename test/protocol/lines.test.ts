import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import type { ProgressError } from '../../src/core/base/errors.js';
import { createLineDecoder, encodeLine } from '../../src/protocol/lines.js';
import { waitFor } from '../helpers/wait.js';

const MIB = 1024 * 1024;

type Seen = [number, string];

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function collect(maxBytes = 1_000) {
  const lines: Seen[] = [];
  const bad: Seen[] = [];
  const onBad = (error: ProgressError) => bad.push([error.line ?? -1, error.code]);
  const decoder = createLineDecoder({ maxBytes, onLine: (text, line) => lines.push([line, text]), onBad });
  return {
    push: (chunk: Buffer) => decoder.push(chunk),
    end: (options?: { complete?: boolean }) => decoder.end(options),
    lines,
    bad,
  };
}

function decode(bytes: Buffer | string, { maxBytes = 1_000, complete = false, step = Infinity } = {}) {
  const buffer = Buffer.from(bytes);
  const seen = collect(maxBytes);
  for (let at = 0; at < buffer.length; at += step) seen.push(buffer.subarray(at, Math.min(at + step, buffer.length)));
  seen.end({ complete });
  return { lines: seen.lines, bad: seen.bad };
}

t.test('lines end only at a newline, and are numbered from 1', (t) => {
  const separators = 'a\rb\u2028c\u0085d\u000be';
  t.strictSame(decode(`one\n${separators}\nthree\n`).lines, [
    [1, 'one'],
    [2, separators],
    [3, 'three'],
  ]);
  t.end();
});

t.test('CRLF is a newline, and empty lines are counted but not passed on', (t) => {
  t.strictSame(decode('one\r\n\n\r\nfour\n'), {
    lines: [
      [1, 'one'],
      [4, 'four'],
    ],
    bad: [],
  });
  t.end();
});

t.test('a byte order mark is stripped at the start of the stream and nowhere else', (t) => {
  t.strictSame(decode('\ufeffone\n\ufefftwo\n').lines, [
    [1, 'one'],
    [2, '\ufefftwo'],
  ]);
  t.strictSame(decode('\ufeff\ntwo\n').lines, [[2, 'two']]);
  t.end();
});

t.test('the lines do not depend on the chunks', (t) => {
  const stream = Buffer.concat([
    Buffer.from('\ufeff{"a":"ä€😀"}\r\n\nplain\n'),
    Buffer.from([0x62, 0xff, 0x0a]),
    Buffer.from(`${'x'.repeat(50)}\n😀\r\n`),
  ]);
  const expected = {
    lines: [
      [1, '{"a":"ä€😀"}'],
      [3, 'plain'],
      [6, '😀'],
    ],
    bad: [
      [4, 'bad_utf8'],
      [5, 'too_long'],
    ],
  };
  t.strictSame(decode(stream, { maxBytes: 40 }), expected, 'whole');
  for (let cut = 1; cut < stream.length; cut++) {
    const seen = collect(40);
    seen.push(stream.subarray(0, cut));
    seen.push(stream.subarray(cut));
    seen.end();
    t.strictSame({ lines: seen.lines, bad: seen.bad }, expected, `cut at byte ${cut}`);
  }
  for (const step of [1, 2, 3, 7]) t.strictSame(decode(stream, { maxBytes: 40, step }), expected, `${step} at a time`);
  t.end();
});

t.test('invalid UTF-8 is reported with its line, and never becomes U+FFFD', (t) => {
  const cases: Record<string, number[]> = {
    'a lone continuation': [0x80],
    'an overlong slash': [0xc0, 0xaf],
    'half of a pair': [0xed, 0xa0, 0x80],
    'above U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
    'a character cut by the newline': [0xe2, 0x82],
    'UTF-16': [0xff, 0xfe, 0x61, 0x00],
  };
  for (const [name, bytes] of Object.entries(cases)) {
    for (const step of [1, Infinity]) {
      const stream = Buffer.concat([Buffer.from('one\n'), Buffer.from(bytes), Buffer.from('\nthree ä\n')]);
      const expected = {
        lines: [
          [1, 'one'],
          [3, 'three ä'],
        ],
        bad: [[2, 'bad_utf8']],
      };
      t.strictSame(decode(stream, { step }), expected, name);
    }
  }
  t.end();
});

t.test('the bound counts bytes, and a line of exactly that many passes', (t) => {
  for (const step of [1, Infinity]) {
    for (const [fits, exceeds] of [
      ['x'.repeat(12), 'x'.repeat(13)],
      ['€€€€', '€€€€x'],
      ['😀😀😀', '😀😀😀x'],
    ] as const) {
      t.strictSame(decode(`${fits}\n${exceeds}\n${fits}\n`, { maxBytes: 12, step }), {
        lines: [
          [1, fits],
          [3, fits],
        ],
        bad: [[2, 'too_long']],
      });
    }
  }
  t.end();
});

t.test('a line that is too long is reported once, at once', (t) => {
  const seen = collect(10);
  seen.push(Buffer.from('12345678901'));
  t.strictSame(seen.bad, [[1, 'too_long']]);
  for (let i = 0; i < 100; i++) seen.push(Buffer.from('and on and on'));
  seen.push(Buffer.from('\nnext\n'));
  t.strictSame(seen.bad, [[1, 'too_long']]);
  t.strictSame(seen.lines, [[2, 'next']]);
  t.end();
});

t.test('errors contain the line, the reason and advice', (t) => {
  const errors: ProgressError[] = [];
  const decoder = createLineDecoder({ maxBytes: 5, onLine: () => undefined, onBad: (error) => errors.push(error) });
  decoder.push(Buffer.from([0xff, 0x0a]));
  decoder.push(Buffer.from('123456\ncut'));
  decoder.end();
  t.strictSame(
    errors.map(({ message }) => message),
    [
      'line 1 is not valid UTF-8: send text as UTF-8, other bytes as base64',
      'line 2 is longer than 5 bytes: split it',
      'line 3 was cut: the input ended before its newline',
    ],
  );
  t.equal(errors[2]?.code, 'bad_json');
  t.end();
});

t.test('a last line without newline is accepted only from complete input', (t) => {
  t.strictSame(decode('one\ntwo').lines, [[1, 'one']]);
  t.strictSame(decode('one\ntwo').bad, [[2, 'bad_json']]);
  t.strictSame(decode('one\ntwo', { complete: true }), {
    lines: [
      [1, 'one'],
      [2, 'two'],
    ],
    bad: [],
  });
  t.strictSame(decode(Buffer.from([0x61, 0xc3]), { complete: true }).bad, [[1, 'bad_utf8']]);
  t.strictSame(
    decode('x'.repeat(20), { maxBytes: 10 }).bad,
    [[1, 'too_long']],
    'what was reported is not reported again',
  );
  t.strictSame(decode('one\n').bad, []);
  t.end();
});

t.test('100 MB without a newline take bounded memory and time', (t) => {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const seen = collect(256 * 1024);
  const before = process.memoryUsage();
  const started = process.cpuUsage();
  for (let at = 0; at < 100 * MIB; at += chunk.length) seen.push(chunk);
  seen.push(Buffer.from('\nnext\n'));
  const after = process.memoryUsage();
  const { user } = process.cpuUsage(started);
  t.strictSame(seen.bad, [[1, 'too_long']]);
  t.strictSame(seen.lines, [[2, 'next']]);
  t.ok(after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed < 8 * MIB, 'memory stays bounded');
  t.ok(user < 1_000_000, `took ${user} µs`);
  t.end();
});

t.test('a very large chunk is decoded in bounded pieces', (t) => {
  const seen = collect(256 * 1024);
  const chunk = Buffer.alloc(32 * MIB, '\n');
  const before = process.memoryUsage().rss;
  seen.push(chunk);
  chunk.fill('x');
  seen.push(chunk);
  const { rss } = process.memoryUsage();
  seen.push(Buffer.from('\nnext\n'));
  t.strictSame(seen.lines, [[32 * MIB + 2, 'next']]);
  t.strictSame(seen.bad, [[32 * MIB + 1, 'too_long']]);
  t.ok(rss - before < 24 * MIB, `grew by ${Math.round((rss - before) / MIB)} MiB`);
  t.end();
});

t.test('a long line fed byte by byte takes linear time', (t) => {
  const byte = Buffer.from('x');
  const feed = (bytes: number) => {
    const seen = collect(4 * MIB);
    const started = process.cpuUsage();
    for (let i = 0; i < bytes; i++) seen.push(byte);
    seen.push(Buffer.from('\n'));
    t.equal(seen.lines[0]?.[1].length, bytes);
    return process.cpuUsage(started).user;
  };
  feed(200_000);
  const short = feed(200_000);
  const long = feed(1_600_000);
  t.ok(long < short * 8 * 4, `8 times the bytes took ${(long / short).toFixed(1)} times as long`);
  t.end();
});

t.test('the start of a line retains neither its chunk nor the buffer of a long line', async (t) => {
  const decoders = Array.from({ length: 50 }, () => collect(MIB));
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  for (const decoder of decoders) {
    decoder.push(Buffer.alloc(512 * 1024, 'x'));
    decoder.push(Buffer.concat([Buffer.alloc(256 * 1024, '\n'), Buffer.from('start')]));
    decoder.lines.length = 0;
  }
  // collected memory is returned with a delay
  await waitFor('the memory to be free again', () => {
    collectGarbage();
    return process.memoryUsage().arrayBuffers - before < 2 * MIB;
  });
  for (const decoder of decoders) decoder.push(Buffer.from(' end\n'));
  t.ok(decoders.every(({ lines }) => lines[0]?.[1] === 'start end'));
});

t.test('encodeLine writes one line that decodes to the same value', (t) => {
  const value = { text: 'a\nb\r\u2028ä\ud800', list: [1, null] };
  const line = encodeLine(value);
  t.equal(line.indexOf('\n'), line.length - 1);
  const { lines } = decode(line);
  t.strictSame(JSON.parse(lines[0]?.[1] ?? ''), value);
  t.end();
});

t.test('a lossy decoder replaces invalid UTF-8, line by line', (t) => {
  const lines: string[] = [];
  const bad: string[] = [];
  const onBad = (error: ProgressError) => bad.push(error.code);
  const decoder = createLineDecoder({ maxBytes: 100, lossy: true, onLine: (text) => lines.push(text), onBad });
  decoder.push(Buffer.from('caf\xe9\nü\n', 'latin1'));
  decoder.push(Buffer.from('漢\n'));
  t.strictSame(lines, ['caf\ufffd', '\ufffd', '漢']);
  t.strictSame(bad, []);
  t.end();
});
