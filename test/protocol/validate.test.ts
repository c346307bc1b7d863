import t from 'tap';
import { parseEvent } from '../../src/journal/lines.js';
import { ProgressError } from '../../src/core/base/errors.js';
import { createLineDecoder } from '../../src/protocol/lines.js';
import { MAX_LINE_DEPTH } from '../../src/api/messages.js';
import { isRequest, parseLine, toNewEvent } from '../../src/protocol/validate.js';
import { createRandom } from '../helpers/random.js';

const toEvent = (line: string) => toNewEvent(parseLine(line, 1));
const event = (fields: Record<string, unknown>) => toEvent(JSON.stringify({ type: 'x', ...fields }));

function errorOf(action: () => unknown): ProgressError {
  try {
    action();
  } catch (error) {
    if (error instanceof ProgressError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const nested = (depth: number) => `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`;

t.test('the error for invalid JSON has a position and a printable excerpt', (t) => {
  const cases: Record<string, string> = {
    '{"a":}': 'at column 6, near "{\\"a\\":}"',
    '{"a":1': 'it ends too early',
    '   ': 'it ends too early',
    '{"a":1}}': 'at column 8, near "{\\"a\\":1}}"',
    'hello\u001b[2J': 'at column 1, near "hello\\u001b[2J"',
    '{"a":1}\u009b\u202e': 'at column 8, near "{\\"a\\":1}\\u{9b}\\u{202e}"',
    [`{"long":"${'x'.repeat(100)}",}`]: `at column 112, near …"${'x'.repeat(18)}\\",}"`,
  };
  for (const [line, place] of Object.entries(cases)) {
    const error = errorOf(() => parseLine(line, 7));
    t.strictSame([error.code, error.line, error.message], ['bad_json', 7, `the line is not JSON: ${place}`]);
  }
  t.ok(errorOf(() => parseLine(`{"a":x${'y'.repeat(200_000)}`, 1)).message.length < 200);
  t.end();
});

t.test('the error for JSON other than an object describes it', (t) => {
  for (const [line, what] of [
    ['null', 'null'],
    ['[]', 'a list'],
    ['17', '17'],
    ['"text"', '"text"'],
    ['true', 'true'],
  ] as const) {
    const error = errorOf(() => parseLine(line, 3));
    t.strictSame(
      [error.code, error.line, error.message],
      ['bad_event', 3, `a line must hold one JSON object, not ${what}`],
    );
  }
  t.end();
});

t.test('nesting is bounded, and no depth overflows the stack', (t) => {
  t.ok(parseLine(nested(MAX_LINE_DEPTH), 1));
  t.ok(parseLine(`{"a":${'['.repeat(MAX_LINE_DEPTH - 1)}${']'.repeat(MAX_LINE_DEPTH - 1)}}`, 1));
  for (const depth of [MAX_LINE_DEPTH + 1, 10_000, 1_000_000]) {
    for (const line of [nested(depth), `{"a":${'['.repeat(depth - 1)}1${']'.repeat(depth - 1)}}`]) {
      const error = errorOf(() => parseLine(line, 5));
      t.strictSame([error.code, error.line], ['too_deep', 5], `depth ${depth}`);
      t.match(error.message, `deeper than ${MAX_LINE_DEPTH} levels`);
    }
  }
  t.equal(errorOf(() => parseLine('{"a":'.repeat(1_000_000), 1)).code, 'bad_json');
  t.end();
});

t.test('the envelope is kept, and all other fields move into data', (t) => {
  const time = '2026-11-20T12:48:46.123Z';
  const envelope = { type: 'output', time, execution: 'x', step: 's', source: 'me', n: 0, approximate: true };
  t.strictSame(event({ ...envelope, data: { text: 'a' } }), { ...envelope, data: { text: 'a' } });
  t.strictSame(event({ ...envelope, text: 'a', op2: [1] }), { ...envelope, data: { text: 'a', op2: [1] } });
  t.strictSame(toEvent('{"type":"x"}'), { type: 'x', data: {} });
  t.strictSame(event({ text: 'flat', more: 1, data: { text: 'inside' } }).data, { text: 'inside', more: 1 });
  t.end();
});

t.test('a given seq is dropped', (t) => {
  for (const seq of [1, 'x', null, { a: 1 }]) t.strictSame(event({ seq }), { type: 'x', data: {} });
  t.end();
});

t.test('null in the envelope counts as absent', (t) => {
  const nothing = { time: null, execution: null, step: null, source: null, n: null, data: null, approximate: null };
  t.strictSame(event(nothing), { type: 'x', data: {} });
  t.match(event({ execution: 'x', lookup: true }), { execution: 'x', lookup: true, data: {} });
  t.match(event({ execution: 'x', inherited: true }), { execution: 'x', inherited: true, data: {} });
  t.strictSame(event({ lookup: 'x' }), { type: 'x', data: { lookup: 'x' } }, 'with another value it is data');
  t.strictSame(event({ approximate: false }), { type: 'x', data: {} });
  t.end();
});

t.test('times become UTC with milliseconds', (t) => {
  t.equal(event({ time: '2026-11-20T13:48:46+01:00' }).time, '2026-11-20T12:48:46.000Z');
  t.equal(event({ time: 1_790_000_000.25 }).time, '2026-09-21T14:13:20.250Z');
  t.end();
});

t.test('an error names the invalid envelope field, its value and the accepted ones', (t) => {
  const id = 'a text of 1 to 256 characters without control characters';
  const count = 'a whole number from 0 to 9007199254740991';
  const time = 'an RFC 3339 time such as "2026-11-20T12:48:46.123Z", or seconds since 1970';
  const cases: [Record<string, unknown>, string][] = [
    [{ type: 7 }, 'type must be a text of 1 to 128 characters without control characters, not 7'],
    [{ type: '' }, 'type must be a text of 1 to 128 characters without control characters, not ""'],
    [{ type: null }, 'type must be a text of 1 to 128 characters without control characters, not null'],
    [
      { type: 'x'.repeat(129) },
      `type must be a text of 1 to 128 characters without control characters, not "${'x'.repeat(40)}…"`,
    ],
    [{ execution: 12 }, `execution must be ${id}, not 12`],
    [{ execution: '' }, `execution must be ${id}, not ""`],
    [{ execution: 'a\nb' }, `execution must be ${id}, not "a\\nb"`],
    [{ step: ['a'] }, `step must be ${id}, not a list`],
    [{ step: 'x'.repeat(257) }, `step must be ${id}, not "${'x'.repeat(40)}…"`],
    [{ source: { a: 1 } }, `source must be ${id}, not an object`],
    [{ source: '\u009b' }, `source must be ${id}, not "\\u{9b}"`],
    [{ n: -1 }, `n must be ${count}, not -1`],
    [{ n: 1.5 }, `n must be ${count}, not 1.5`],
    [{ n: '1' }, `n must be ${count}, not "1"`],
    [{ n: 2 ** 53 }, `n must be ${count}, not 9007199254740992`],
    [{ time: 'yesterday' }, `time must be ${time}, not "yesterday"`],
    [{ time: -1 }, `time must be ${time}, not -1`],
    [{ time: 1e300 }, `time must be ${time}, not 1e+300`],
    [{ time: '2026-02-30T00:00:00Z' }, `time must be ${time}, not "2026-02-30T00:00:00Z"`],
    [{ data: 'text' }, 'data must be an object, not "text"'],
    [{ data: [1] }, 'data must be an object, not a list'],
    [{ approximate: 'yes' }, 'approximate must be true or absent, not "yes"'],
  ];
  for (const [fields, message] of cases) {
    const error = errorOf(() => event(fields));
    t.strictSame([error.code, error.message], ['bad_event', message]);
  }
  t.end();
});

t.test('the error for a line that is neither event nor request has an example', (t) => {
  t.equal(isRequest(parseLine('{"op":"list","id":1}', 1)), true);
  t.equal(isRequest(parseLine('{"type":"x"}', 1)), false);
  const error = errorOf(() => toEvent('{"level":"info"}'));
  t.equal(error.code, 'bad_event');
  t.match(error.message, 'an event needs "type", as in {"type":"log","data":{"message":"hello"}}');
  t.strictSame(toEvent('{"type":"log","data":{"message":"hello"}}').data, { message: 'hello' }, 'the example is one');
  for (const value of [undefined, null, 1, 'x', []]) t.equal(errorOf(() => toNewEvent(value)).code, 'bad_event');
  t.end();
});

t.test('a lone surrogate becomes U+FFFD, in texts, keys and IDs; pairs are kept', (t) => {
  const line = '{"type":"x","execution":"e\\ud800","data":{"k\\uDFFF":["\\udc00a",{"b":"\\ud83d\\ude00"}],"n":1}}';
  t.strictSame(toEvent(line), {
    type: 'x',
    execution: 'e\ufffd',
    data: { 'k\ufffd': ['\ufffda', { b: '😀' }], n: 1 },
  });
  t.strictSame(
    toEvent('{"type":"x","text":"\\\\ud800"}').data,
    { text: '\\ud800' },
    'a text that only looks like an escape',
  );
  t.end();
});

t.test('numbers are kept as parsed, and infinite ones become null', (t) => {
  const line = '{"type":"x","data":{"big":9007199254740993,"inf":1e999,"list":[-1e999,1],"deep":{"a":1e400}}}';
  t.strictSame(toEvent(line).data, { big: 9007199254740992, inf: null, list: [null, 1], deep: { a: null } });
  t.strictSame(toEvent('{"type":"x","a":1e999}').data, { a: null });
  t.end();
});

t.test('__proto__ and constructor are ordinary keys', (t) => {
  const evil = '{"polluted":true,"__proto__":{"polluted":true}}';
  const lines = [
    `{"type":"x","data":{"__proto__":${evil},"constructor":{"prototype":${evil}}}}`,
    `{"type":"x","__proto__":${evil},"constructor":{"prototype":${evil}}}`,
    `{"type":"x","__proto__":${evil},"constructor":{"prototype":${evil}},"data":{}}`,
    `{"type":"x","text":"\\ud800","__proto__":${evil},"constructor":{"prototype":${evil}}}`,
    `{"type":"task_started","__proto__":${evil},"constructor":{"prototype":${evil}}}`,
  ];
  for (const line of lines) {
    const { data } = toEvent(line);
    t.equal(Object.getPrototypeOf(data), Object.prototype);
    t.equal(data['polluted'], undefined);
    t.equal(Object.hasOwn(data, '__proto__'), true);
    t.match(JSON.stringify(data), `"__proto__":${evil}`);
  }
  t.equal(({} as Record<string, unknown>)['polluted'], undefined);
  t.end();
});

t.test('other event formats are translated', (t) => {
  t.strictSame(toEvent('{"type":"story_started","story_id":"us-1","title":"Login"}'), {
    type: 'step_started',
    step: 'us-1',
    data: { name: 'Login', kind: 'story', as: 'story_started' },
  });
  t.end();
});

t.test('a journal line is read back, and a damaged one is undefined', (t) => {
  const good = { seq: 1, time: '2026-11-20T12:48:46.123Z', type: 'x', execution: 'e', source: 's', n: 1, data: {} };
  t.strictSame(parseEvent(JSON.stringify(good)), good);
  const damaged = [
    '',
    'null',
    '[]',
    '{"seq":1',
    ...[{ seq: '1' }, { seq: 2 ** 53 }, { time: 1 }, { type: null }, { data: [] }, { data: null }, { data: 'x' }].map(
      (change) => JSON.stringify({ ...good, ...change }),
    ),
    ...[{ execution: 1 }, { step: {} }, { source: [] }, { n: 'x' }].map((change) =>
      JSON.stringify({ ...good, ...change }),
    ),
  ];
  for (const line of damaged) t.equal(parseEvent(line), undefined, line);
  t.end();
});

t.test('random bytes and mutated events: each line is an event or a ProgressError, in bounded memory', (t) => {
  const random = createRandom(20_261_120);
  const samples = [
    '{"type":"output","execution":"x","step":"s","source":"a","n":1,"data":{"text":"ä€😀","list":[1,2,{"a":null}]}}',
    '{"type":"error_occurred","story_id":3,"retryable":false,"error_message":"no","timestamp":1790000000}',
    '{"type":"invocation.activity","invocationId":"i","data":{"type":"progress","percent":"12","__proto__":{"a":1}}}',
    '{"op":"subscribe","id":1,"types":["a"],"rate":1e999,"text":"\\ud800\\n\\u0000"}',
  ].map((text) => Buffer.from(text));
  const randomLine = () => {
    if (random(4) === 0) return Buffer.from(Array.from({ length: random(60) }, () => random(256)));
    const bytes = Buffer.from(samples[random(samples.length)]!);
    for (let i = random(4); i > 0; i--) bytes[random(bytes.length)] = random(256);
    return random(5) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
  };

  let lines = 1;
  let outcomes = 0;
  let unexpected = 0;
  const expectOnce = new Set<number>();
  const settle = (line: number) => {
    outcomes++;
    if (expectOnce.has(line)) unexpected++;
    expectOnce.add(line);
  };
  const decoder = createLineDecoder({
    maxBytes: 100,
    onBad: (error) => settle(error.line ?? -1),
    onLine: (text, line) => {
      settle(line);
      try {
        JSON.stringify(toNewEvent(parseLine(text, line)));
      } catch (error) {
        if (!(error instanceof ProgressError) || error.message.length > 500) unexpected++;
      }
    },
  });
  let before = 0;
  let empty = 0;
  for (let round = 0; round < 40_000; round++) {
    if (round === 20_000) before = process.memoryUsage().heapUsed;
    const line = Buffer.concat([randomLine(), Buffer.from('\n')]);
    for (let start = 0, end; (end = line.indexOf(10, start)) !== -1; start = end + 1, lines++) {
      const content = line.subarray(start, end);
      if (content.length === 0 || content.equals(Buffer.from('\r'))) empty++;
    }
    const cut = random(line.length);
    decoder.push(line.subarray(0, cut));
    decoder.push(line.subarray(cut));
  }
  t.equal(unexpected, 0);
  t.equal(outcomes, lines - 1 - empty, 'one outcome for each line');
  t.ok(process.memoryUsage().heapUsed - before < 64 * 1024 * 1024, 'memory does not grow with the lines');
  t.end();
});
