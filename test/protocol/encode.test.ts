import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { parseEvent } from '../../src/journal/lines.js';
import type { EventData, ExecutionEvent, NewEvent } from '../../src/core/events/event.js';
import { ProgressError } from '../../src/core/base/errors.js';
import { encodeEvent, splitEvent } from '../../src/protocol/encode.js';
import { MAX_LINE_BYTES } from '../../src/api/messages.js';
import { parseLine, toNewEvent } from '../../src/protocol/validate.js';

const TIME = '2026-11-20T12:48:46.123Z';
const LONGEST_ID = '€'.repeat(256);

/** Encodes with all fields that the daemon may add. */
function stamp(event: NewEvent): ExecutionEvent {
  return { execution: LONGEST_ID, ...event, seq: Number.MAX_SAFE_INTEGER, time: TIME };
}

const bytesOf = (event: NewEvent) => Buffer.byteLength(encodeEvent(stamp(event)));

t.test('a line contains the envelope in a fixed order, without absent fields', (t) => {
  const data = { b: 1, a: '"\n' };
  const full = { data, n: 3, source: 'q"\\', step: 's', execution: 'x', type: 'log', time: TIME, seq: 7 } as const;
  t.equal(
    encodeEvent({ approximate: true, ...full }),
    `{"seq":7,"time":"${TIME}","approximate":true,"type":"log","execution":"x","step":"s","source":"q\\"\\\\","n":3,` +
      '"data":{"b":1,"a":"\\"\\n"}}',
  );
  t.equal(encodeEvent({ seq: 1, time: TIME, type: 'x', data: {} }), `{"seq":1,"time":"${TIME}","type":"x","data":{}}`);
  t.end();
});

t.test('encoding and parsing an event is a round trip', (t) => {
  const texts = ['', 'plain', 'ä€😀', '"\\\b\f\n\r\t\u0000\u001f\u007f\u0085\u2028', '\\ud800', '__proto__', '\ufeff'];
  const values: unknown[] = [
    ...texts,
    0,
    -1.5,
    1e21,
    2 ** 53,
    1e-7,
    true,
    false,
    null,
    [],
    {},
    [[1, ['x']], { a: {} }],
  ];
  const ids = ['plain', 'ä€😀', '"\\', '__proto__', '\ufeff'];
  const lines: string[] = [];
  for (const [index, value] of values.entries()) {
    const data = Object.fromEntries([...texts, 'toJSON', 'constructor', '0'].map((key) => [key, value]));
    const id = ids[index % ids.length];
    lines.push(JSON.stringify({ type: 't', execution: id, step: id, source: id, n: index, time: TIME, data }));
    lines.push(JSON.stringify({ type: 't', ...data }));
  }
  lines.push('{"type":"t","data":{"a":1e999,"b":"\\ud800","__proto__":{"c":1}}}');
  for (const [index, line] of lines.entries()) {
    const event = toNewEvent(parseLine(line, 1));
    const [only, ...others] = splitEvent(event);
    t.equal(others.length, 0);
    const stamped = stamp(only!);
    const encoded = encodeEvent(stamped);
    t.notMatch(encoded, /\n/);
    t.ok(isDeepStrictEqual(parseEvent(encoded), stamped), `line ${index}`);
    t.equal(JSON.stringify(parseEvent(encoded)?.data), JSON.stringify(event.data));
  }
  t.end();
});

t.test('an event that fits is not split', (t) => {
  const event = { type: 'output', data: { text: 'short' } };
  t.equal(splitEvent(event)[0], event);
  const long = { type: 'note', data: { text: 'x'.repeat(MAX_LINE_BYTES - 5_000) } };
  t.strictSame(splitEvent(long), [long]);
  t.ok(bytesOf(long) <= MAX_LINE_BYTES);
  t.end();
});

const LONG_TEXTS: Record<string, string> = {
  ascii: 'x'.repeat(700_000),
  lines: 'a line of text\n'.repeat(50_000),
  'three bytes each': '€'.repeat(250_000),
  'pairs, after one odd character': `x${'😀'.repeat(200_000)}`,
  'quotes and controls': '"\\\u0000\u001b\t'.repeat(60_000),
  'halves of pairs': '\ud800x'.repeat(100_000),
};

for (const [type, field] of [
  ['output', 'text'],
  ['log', 'message'],
  ['activity', 'text'],
] as const) {
  t.test(`the long ${field} of ${type} is split between code points into lines that fit`, (t) => {
    for (const [name, text] of Object.entries(LONG_TEXTS)) {
      const event: NewEvent = { type, source: 's', n: 9, step: LONGEST_ID, data: { stream: 'stdout', [field]: text } };
      const parts = splitEvent(event);
      const pieces = parts.map(({ data }) => String(data[field]));
      t.ok(parts.length > 1, name);
      t.ok(parts.length <= Math.ceil(bytesOf(event) / (MAX_LINE_BYTES - 20_000)) + 1, `${name}: no more than needed`);
      t.equal(pieces.join(''), text, `${name}: nothing is lost`);
      t.ok(
        parts.every((part) => bytesOf(part) <= MAX_LINE_BYTES),
        `${name}: each fits`,
      );
      t.equal(
        pieces.some((piece) => /^[\udc00-\udfff]/.test(piece)),
        false,
        `${name}: no pair is cut`,
      );
      t.strictSame(
        parts.map(({ n }) => n),
        [...parts.slice(1).map(() => undefined), 9],
        `${name}: only the last part has n`,
      );
      const continued = parts.map(({ data }) => data['continued']);
      t.strictSame(continued, [...parts.slice(1).map(() => true), undefined], `${name}: all but the last go on`);
      t.ok(
        parts.every(({ source, step, data }) => source === 's' && step === LONGEST_ID && data['stream'] === 'stdout'),
      );
    }
    t.end();
  });
}

t.test('each part of base64 can be decoded alone', (t) => {
  const bytes = Buffer.alloc(500_000, 'binary\u0000\u0001\u0002');
  const parts = splitEvent({ type: 'output', data: { base64: bytes.toString('base64') } });
  t.ok(parts.length > 1);
  t.ok(Buffer.concat(parts.map(({ data }) => Buffer.from(String(data['base64']), 'base64'))).equals(bytes));
  t.ok(parts.every(({ data }) => String(data['base64']).length % 4 === 0));
  const odd = `x${'😀'.repeat(100_000)}`;
  const oddParts = splitEvent({ type: 'output', data: { base64: odd } });
  t.equal(oddParts.map(({ data }) => String(data['base64'])).join(''), odd, 'what is no base64 is cut as text');
  t.equal(
    oddParts.map(({ data }) => String(data['base64'])).some((piece) => /^[\udc00-\udfff]/.test(piece)),
    false,
  );
  t.ok(oddParts.every((part) => bytesOf(part) <= MAX_LINE_BYTES));
  t.end();
});

t.test('the line number of a part counts the lines before it', (t) => {
  const text = 'a line of text\n'.repeat(50_000);
  const parts = splitEvent({ type: 'output', data: { text, line: 100 } });
  let before = 100;
  for (const { data } of parts) {
    t.equal(data['line'], before);
    before += String(data['text']).split('\n').length - 1;
  }
  t.equal(before, 50_100);
  t.end();
});

t.test('an event that cannot be split is refused', (t) => {
  const big = 'x'.repeat(MAX_LINE_BYTES);
  const cases: [string, EventData][] = [
    ['execution_started', { name: big }],
    ['output', { text: 'short', other: big }],
    ['output', { other: big }],
    ['log', { message: { not: big } }],
    ['unknown', { text: big }],
  ];
  for (const [type, data] of cases) {
    try {
      splitEvent({ type, data });
      t.fail(type);
    } catch (error) {
      t.ok(error instanceof ProgressError && error.code === 'too_long');
      t.match(error, { message: /the event takes \d+ of 262144 bytes as a line: send less in one event/ });
    }
  }
  t.end();
});

t.test('the length of the received line saves measuring only if the encoding cannot exceed the bound', (t) => {
  const line = `{"type":"x","data":[${'1e20,'.repeat(6_500)}1]}`.replace('"data":', '"list":');
  t.ok(line.length <= MAX_LINE_BYTES / 8);
  const [only] = splitEvent(toNewEvent(parseLine(line, 1)), line.length);
  t.ok(bytesOf(only!) <= MAX_LINE_BYTES);
  const longer = `{"type":"x","list":[${'1e20,'.repeat(50_000)}1]}`;
  t.ok(longer.length <= MAX_LINE_BYTES);
  t.throws(() => splitEvent(toNewEvent(parseLine(longer, 1)), longer.length), { code: 'too_long' });
  t.end();
});
