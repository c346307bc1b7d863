import t from 'tap';
import type { Test } from 'tap';
import type { ExecutionEvent } from '../../../src/core/events/event.js';
import { waitFor } from '../../helpers/wait.js';
import { Hub } from '../../../viewer/live/hub.js';
import type { ToHub, ToPage } from '../../../viewer/live/hub-messages.js';

/** A stream that the hub has requested, and that the test writes to. */
interface Stream {
  query: URLSearchParams;
  signal: AbortSignal;
  write(event: string, data: unknown, id?: number): void;
  end(): void;
}

/** Replaces `fetch`. @returns The streams, in the order of their requests. */
function serve(t: Test, status = () => 200): Stream[] {
  const streams: Stream[] = [];
  const before = globalThis.fetch;
  t.teardown(() => (globalThis.fetch = before));
  globalThis.fetch = async (url, init) => {
    const encoder = new TextEncoder();
    const signal = init?.signal ?? new AbortController().signal;
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({ start: (given) => (controller = given) });
    signal.addEventListener('abort', () => controller?.error(new Error('aborted')));
    streams.push({
      query: new URL(url as string, 'http://localhost').searchParams,
      signal,
      write: (event, data, id) => {
        const position = id === undefined ? '' : `id: ${id}\n`;
        controller?.enqueue(encoder.encode(`${position}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
      },
      end: () => controller?.close(),
    });
    return new Response(body, { status: status() });
  };
  return streams;
}

/** Joins a page. */
function join(t: Test, hub: Hub, token?: string) {
  const received: ToPage[] = [];
  const member = { send: (message: ToPage) => void received.push(message) };
  const send: (message: ToHub) => void = hub.join(member);
  send({ kind: 'join', lock: 'lock', ...(token !== undefined && { token }) });
  t.teardown(() => hub.leave(member));
  const of = <Kind extends ToPage['kind']>(kind: Kind) =>
    received.filter((message): message is Extract<ToPage, { kind: Kind }> => message.kind === kind);
  return {
    send,
    of,
    state: () => of('connection').at(-1)?.connection.state,
    events: () => of('events').flatMap(({ events }) => events.map(({ seq }) => seq)),
  };
}

function greeting(after: number, journal = 'j') {
  return { journal, after, time: Date.now(), heartbeat: 10_000 };
}

function event(seq: number, type: string, execution: string): ExecutionEvent {
  return { seq, time: '2026-01-02T03:04:05.000Z', type, execution, data: {} };
}

t.test('pages share one stream, which delivers details only to pages that follow their execution', async (t) => {
  const streams = serve(t);
  const hub = new Hub();
  const a = join(t, hub, 'secret');
  const b = join(t, hub);
  t.equal(b.of('token')[0]?.token, 'secret', 'a page gets the token of the others');
  a.send({ kind: 'follow', request: 1, execution: 'x' });
  b.send({ kind: 'follow', request: 1 });
  const stream = streams.at(-1)!;
  t.equal(stream.query.get('details'), 'x');
  t.ok(
    streams.slice(0, -1).every(({ signal }) => signal.aborted),
    'earlier streams are aborted',
  );
  stream.write('stream_open', greeting(5));
  await waitFor('the answers to both pages', () => a.of('ready').length === 1 && b.of('ready').length === 1);
  t.equal(a.of('ready')[0]?.position, 5);
  t.equal(a.state(), 'live');
  stream.write('events', [event(6, 'execution_started', 'x'), event(7, 'output', 'x')], 7);
  await waitFor('the events', () => b.events().length > 0);
  t.strictSame(a.events(), [6, 7]);
  t.strictSame(b.events(), [6]);
  b.send({ kind: 'follow', request: 2, execution: 'y' });
  t.equal(streams.at(-1)?.query.get('details'), 'x,y');
  t.equal(streams.at(-1)?.query.get('after'), '7', 'it continues at the position of the stream before');
});

t.test('a gap, a reset and another journal make pages load a snapshot again', async (t) => {
  const streams = serve(t);
  const page = join(t, new Hub(), 'secret');
  streams.at(-1)?.write('stream_open', greeting(5));
  streams.at(-1)?.write('stream_gap', {}, 9);
  await waitFor('the reset', () => page.of('reset').length === 1);
  streams.at(-1)?.end();
  await waitFor('the loss of the connection', () => page.state() === 'lost');
  page.send({ kind: 'retry' });
  t.equal(streams.at(-1)?.query.get('after'), '9');
  t.equal(streams.at(-1)?.query.get('journal'), 'j');
  streams.at(-1)?.write('stream_open', greeting(2, 'another'));
  await waitFor('the connection', () => page.state() === 'live');
  t.equal(page.of('reset').length, 2);
});

t.test('a refused token is forgotten, and another one is used at once', async (t) => {
  let status = 401;
  const streams = serve(t, () => status);
  const hub = new Hub();
  const page = join(t, hub, 'old');
  await waitFor('the refusal', () => page.state() === 'refused');
  const count = streams.length;
  page.send({ kind: 'retry' });
  t.equal(streams.length, count, 'nothing is requested without a token');
  status = 200;
  page.send({ kind: 'token', token: 'new' });
  streams.at(-1)?.write('stream_open', greeting(1));
  await waitFor('the connection', () => page.state() === 'live');
});
