import t from 'tap';
import { ProgressError } from '../../src/core/base/errors.js';
import type { ChannelOptions } from '../../src/protocol/channel.js';
import { createProtocolChannel } from '../../src/protocol/channel.js';

/** A channel that records its output. */
function open() {
  const heard: unknown[] = [];
  const options: Required<ChannelOptions> = {
    write: (line) => heard.push(['write', line]),
    onPush: (push) => heard.push(['push', push]),
    onCommand: (command) => heard.push(['command', command]),
    onAck: (ack) => heard.push(['ack', ack]),
    onError: ({ code }) => heard.push(['error', code]),
    onBroken: ({ code, message }) => heard.push(['broken', code, message]),
  };
  return { channel: createProtocolChannel(options), heard };
}

const LINES = [
  '{"re":1,"seq":7,"execution":"日本"}',
  '{"on":"s","events":[{"seq":1,"time":"","type":"log","data":{"message":"é\\u0000"}}]}',
  '{"on":"s","at":9}',
  '{"ack":{"source":"me","n":3,"seq":8}}',
  '{"error":{"code":"bad_json","message":"no","line":3}}',
  '{"something":"from a later version"}',
  '{"re":2,"error":{"code":"not_found","message":"nothing there","line":4}}',
];
const WIRE = Buffer.from(LINES.map((line) => `${line}\n`).join(''));

t.test('a request is one line, and its reply is distinguished from pushes', async (t) => {
  for (let cut = 0; cut <= WIRE.length; cut++) {
    const { channel, heard } = open();
    const first = channel.request('emit', { event: { type: 'log' } });
    const second = channel.request('get', { execution: 'x' });
    channel.receive(WIRE.subarray(0, cut));
    channel.receive(WIRE.subarray(cut));
    const outcome = await Promise.allSettled([first, second]);
    const expected = [
      { status: 'fulfilled', value: { seq: 7, execution: '日本' } },
      { status: 'rejected', reason: { code: 'not_found', message: 'nothing there', line: 4 } },
    ];
    const heardInOrder = [
      ['write', '{"op":"emit","id":1,"event":{"type":"log"}}\n'],
      ['write', '{"op":"get","id":2,"execution":"x"}\n'],
      ['push', { on: 's', events: [{ seq: 1, data: { message: 'é\u0000' } }] }],
      ['push', { on: 's', at: 9 }],
      ['ack', { source: 'me', n: 3, seq: 8 }],
      ['error', 'bad_json'],
    ];
    // one assertion per cut would be thousands
    if (cut === 0) {
      t.match(outcome, expected);
      t.match(heard, heardInOrder);
      t.equal(heard.length, heardInOrder.length);
    }
    const said = JSON.stringify([outcome, heard]);
    sayings.add(said);
  }
  t.equal(sayings.size, 1, 'wherever the bytes are cut');
});
const sayings = new Set<string>();

t.test('replies do not depend on the chunks', async (t) => {
  const { channel, heard } = open();
  const reply = channel.request('emit', { event: {} });
  for (const byte of WIRE) channel.receive(Buffer.of(byte));
  t.match(await reply, { seq: 7 });
  t.equal(heard.length, 5);
});

t.test('the caller may choose the ID, which pushes refer to', async (t) => {
  const { channel, heard } = open();
  const reply = channel.request('subscribe', { last: 1 }, 'mine');
  t.strictSame(heard, [['write', '{"op":"subscribe","id":"mine","last":1}\n']]);
  channel.receive(Buffer.from('{"re":"mine","after":3,"seq":4}\n'));
  t.strictSame(await reply, { after: 3, seq: 4 });
  t.end();
});

t.test('an unexpected reply is ignored', (t) => {
  const { channel, heard } = open();
  channel.receive(Buffer.from('{"re":99}\n{"re":99,"error":{"code":"internal","message":""}}\n'));
  t.strictSame(heard, []);
  t.end();
});

t.test('open and later requests fail with the reason of the end', async (t) => {
  const { channel } = open();
  const requests = [channel.request('status', {}), channel.request('status', {})];
  channel.close(new ProgressError('unavailable', 'gone'));
  channel.close(new ProgressError('internal', 'too late to matter'));
  for (const request of requests) await t.rejects(request, { code: 'unavailable', message: 'gone' });
  await t.rejects(channel.request('status', {}), { code: 'unavailable', message: 'gone' });
});

for (const [what, bytes] of [
  ['no JSON', 'HTTP/1.1 400 Bad Request\r\n'],
  ['no object', '17\n'],
  ['null', 'null\n'],
  ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d, 0x0a])],
] as const) {
  t.test(`a line that is ${what} is not from a daemon`, (t) => {
    const { channel, heard } = open();
    channel.receive(Buffer.from(bytes));
    t.match(heard, [['broken', /unavailable|bad_utf8/]]);
    t.end();
  });
}

t.test('an unknown error code of a later version is an internal error', async (t) => {
  const { channel } = open();
  const request = channel.request('status', {});
  channel.receive(Buffer.from('{"re":1,"error":{"code":"from_the_future","message":"?"}}\n'));
  await t.rejects(request, { code: 'internal', message: '?' });
});
