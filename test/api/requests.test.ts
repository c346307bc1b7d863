import t from 'tap';
import { ProgressError } from '../../src/core/base/errors.js';
import { requestId, toRequest } from '../../src/api/requests.js';
import type { Fields } from '../../src/core/events/fields.js';

function errorOf(fields: Fields): ProgressError {
  try {
    toRequest(fields);
  } catch (error) {
    if (error instanceof ProgressError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

t.test('every op is accepted with all its fields, and with the required ones', (t) => {
  const whole: Fields[] = [
    { op: 'hello', id: 1, protocol: 1, client: 'test', ack: true },
    { op: 'emit', id: 'a', event: { type: 'x' }, synced: true },
    { op: 'notify', id: 1, title: 't', body: 'b', channels: ['ops'], urgency: 'low', execution: 'x', test: true },
    { op: 'rules', id: 1 },
    {
      op: 'subscribe',
      id: 0,
      execution: 'x',
      step: 's',
      types: ['output', 'log'],
      level: 'warning',
      stream: 'stderr',
      details: ['x'],
      after: 0,
      journal: 'j',
      since: '2026-11-20T12:48:46.123Z',
      last: 5,
      rate: 0.5,
    },
    { op: 'unsubscribe', id: 2, subscription: 'a' },
    {
      ...{ op: 'list', id: 3, all: true, limit: 10, before: 99 },
      ...{ text: 'x', statuses: ['failed'], since: '2026-11-20T12:48:46.123Z' },
    },
    { op: 'log', id: 3, execution: 'x', from: 1, last: 2, limit: 3, untruncated: true },
    { op: 'search', id: 3, execution: 'x', text: 't', caseSensitive: true, step: 's', stream: 'stdout', level: 'info' },
    { op: 'stats', id: 3, name: 'x', kind: 'run', since: '2026-11-20T12:00:00.000Z', limit: 3 },
    { op: 'timeline', id: 3, execution: 'x' },
    { op: 'rerun', id: 3, execution: 'x' },
    { op: 'web', id: 3, on: true, port: 9_000, execution: 'x' },
    { op: 'get', id: 4, execution: 'x' },
    { op: 'queues', id: 5 },
    { op: 'attach', id: 6, run: 'x' },
    {
      op: 'control',
      id: 7,
      execution: 'x',
      action: 'stop',
      by: 'me',
      signal: 'SIGHUP',
      graceMs: 0,
      ifQueued: true,
    },
    { op: 'status', id: 8 },
    { op: 'shutdown', id: -1.5 },
  ];
  const least = ['hello', 'subscribe', 'list', 'queues', 'status', 'shutdown'].map((op) => ({ op, id: '' }));
  for (const request of [...whole, ...least]) t.strictSame(toRequest(request), request, request['op'] as string);
  t.end();
});

t.test('unknown fields are dropped, null counts as absent, times become UTC', (t) => {
  t.strictSame(toRequest({ op: 'status', id: 1, future: { a: 1 }, __proto__: { b: 1 } }), { op: 'status', id: 1 });
  t.strictSame(toRequest({ op: 'list', id: 1, all: null, limit: undefined }), { op: 'list', id: 1 });
  t.strictSame(toRequest({ op: 'subscribe', id: 1, since: '2026-11-20T13:48:46+01:00' }), {
    op: 'subscribe',
    id: 1,
    since: '2026-11-20T12:48:46.000Z',
  });
  t.end();
});

t.test('an error names the invalid or missing field, its value and the accepted ones', (t) => {
  const count = 'a whole number from 0 to 9007199254740991';
  const cases: [Fields, string][] = [
    [{ op: 'status' }, 'status: id must be a text or a number, not nothing'],
    [{ op: 'status', id: null }, 'status: id must be a text or a number, not null'],
    [{ op: 'status', id: {} }, 'status: id must be a text or a number, not an object'],
    [{ op: 'hello', id: 1, protocol: '1' }, `hello: protocol must be ${count}, not "1"`],
    [{ op: 'hello', id: 1, client: 1 }, 'hello: client must be a text, not 1'],
    [{ op: 'hello', id: 1, ack: 'yes' }, 'hello: ack must be true or false, not "yes"'],
    [{ op: 'emit', id: 1 }, 'emit: event must be an object, not nothing'],
    [{ op: 'emit', id: 1, event: null }, 'emit: event must be an object, not nothing'],
    [{ op: 'emit', id: 1, event: [] }, 'emit: event must be an object, not a list'],
    [{ op: 'emit', id: 1, event: {}, synced: 1 }, 'emit: synced must be true or false, not 1'],
    [{ op: 'subscribe', id: 1, execution: '' }, 'subscribe: execution must be a text that is not empty, not ""'],
    [{ op: 'subscribe', id: 1, step: 1 }, 'subscribe: step must be a text that is not empty, not 1'],
    [{ op: 'subscribe', id: 1, types: 'log' }, 'subscribe: types must be a list of texts, not "log"'],
    [{ op: 'subscribe', id: 1, types: ['log', 1] }, 'subscribe: types must be a list of texts, not a list'],
    [
      { op: 'subscribe', id: 1, level: 'warn' },
      'subscribe: level must be one of debug, info, warning, error, not "warn"',
    ],
    [{ op: 'subscribe', id: 1, stream: 2 }, 'subscribe: stream must be a text that is not empty, not 2'],
    [{ op: 'subscribe', id: 1, after: -1 }, `subscribe: after must be ${count}, not -1`],
    [{ op: 'subscribe', id: 1, journal: 1 }, 'subscribe: journal must be a text that is not empty, not 1'],
    [
      { op: 'subscribe', id: 1, since: 'now' },
      'subscribe: since must be an RFC 3339 time such as "2026-11-20T12:48:46Z", not "now"',
    ],
    [{ op: 'subscribe', id: 1, last: 1.5 }, `subscribe: last must be ${count}, not 1.5`],
    [{ op: 'subscribe', id: 1, last: 2 ** 53 }, `subscribe: last must be ${count}, not 9007199254740992`],
    [{ op: 'subscribe', id: 1, rate: 0 }, 'subscribe: rate must be a number above 0, at most 1000, not 0'],
    [{ op: 'subscribe', id: 1, rate: 1_001 }, 'subscribe: rate must be a number above 0, at most 1000, not 1001'],
    [{ op: 'unsubscribe', id: 1 }, 'unsubscribe: subscription must be a text or a number, not nothing'],
    [{ op: 'list', id: 1, all: 1 }, 'list: all must be true or false, not 1'],
    [{ op: 'list', id: 1, limit: 'x' }, `list: limit must be ${count}, not "x"`],
    [{ op: 'list', id: 1, before: {} }, `list: before must be ${count}, not an object`],
    [{ op: 'get', id: 1 }, 'get: execution must be a text that is not empty, not nothing'],
    [{ op: 'attach', id: 1 }, 'attach: run must be a text that is not empty, not nothing'],
    [{ op: 'control', id: 1, action: 'stop' }, 'control: execution must be a text that is not empty, not nothing'],
    [
      { op: 'control', id: 1, execution: 'x', action: 'start' },
      'control: action must be one of stop, kill, signal, pause, resume, not "start"',
    ],
    [
      { op: 'control', id: 1, execution: 'x', action: 'stop', graceMs: -1 },
      `control: graceMs must be ${count}, not -1`,
    ],
    [
      { op: 'control', id: 1, execution: 'x', action: 'stop', ifQueued: 1 },
      'control: ifQueued must be true or false, not 1',
    ],
  ];
  for (const [fields, message] of cases) {
    const error = errorOf(fields);
    t.strictSame([error.code, error.message], ['bad_request', message]);
  }
  t.end();
});

t.test('the error for an unknown op lists the known ones', (t) => {
  const known =
    'hello, emit, subscribe, unsubscribe, list, get, log, search, stats, timeline, rerun, web, move, queues, attach, control, prune, follow, notify, rules, status, shutdown';
  for (const [op, shown] of [
    ['jump', '"jump"'],
    ['toString', '"toString"'],
    ['__proto__', '"__proto__"'],
    [7, '7'],
    [null, 'null'],
  ] as const) {
    const error = errorOf({ op, id: 1 });
    t.strictSame([error.code, error.message], ['unknown_op', `unknown op ${shown}: known are ${known}`]);
  }
  t.match(errorOf({ type: 'log', op: 'read' }).message, /; put a field "op" of an event into its "data"$/);
  t.end();
});

t.test('the ID of an invalid request is found', (t) => {
  t.equal(requestId({ op: 'jump', id: 7 }), 7);
  t.equal(requestId({ id: 'a' }), 'a');
  for (const id of [undefined, null, {}, [], true]) t.equal(requestId({ op: 'status', id }), undefined);
  t.end();
});
