import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection as dial, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { parseConfig } from '../../../src/config/load.js';
import { Intake } from '../../../src/daemon/intake/intake.js';
import type { ClientConnection } from '../../../src/daemon/requests/request-context.js';
import { Connection } from '../../../src/daemon/socket/connection.js';
import type { Handlers } from '../../../src/daemon/requests/request-context.js';
import type { Ingest } from '../../../src/daemon/intake/ingest.js';
import { waitFor } from '../../helpers/wait.js';

const CONFIG = parseConfig('', 'config.yaml');

/** A connection with handlers of the test's choice; `client` is its other end. */
async function open(t: Test, answer: Handlers['answer'], ingest: Partial<Ingest> = {}) {
  const rejected: string[] = [];
  let connection: ClientConnection | undefined;
  const server = createServer((socket) => {
    const context = {
      intake: new Intake({ ingest: { full: false, ...ingest } as Ingest, config: () => CONFIG }),
      handlers: { answer },
      now: Date.now,
    };
    connection = new Connection(socket, { ...context, reject: (code) => rejected.push(code) });
  });
  const directory = mkdtempSync(path.join(tmpdir(), 'progress-test-'));
  const file = path.join(directory, 's');
  await new Promise<void>((resolve) => server.listen(file, resolve));
  const client: Socket = dial({ path: file });
  let heard = '';
  client.setEncoding('utf8').on('data', (text: string) => (heard += text));
  t.teardown(() => {
    client.destroy();
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });
  await once(client, 'connect');
  await waitFor('the connection', () => connection !== undefined);
  return {
    client,
    rejected,
    connection: () => connection!,
    lines: () =>
      heard
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as object),
  };
}

t.test('a client that has closed while its subscription was opened is not subscribed', async (t) => {
  let opened = 0;
  let asked = false;
  let over = false;
  const { client } = await open(t, async (request, connection) => {
    asked = true;
    await waitFor('the end of the connection', () => connection.socket.destroyed);
    connection.subscribe(request.id, () => {
      opened++;
      return { cursor: 0, level: async () => {}, resume: () => undefined, close: () => undefined };
    });
    over = true;
    return undefined;
  });
  client.write('{"op":"subscribe","id":1}\n');
  await waitFor('the request', () => asked);
  client.destroy();
  await waitFor('the answer', () => over);
  t.equal(opened, 0);
});

t.test('a bounded number of requests waits, then no more lines are read', async (t) => {
  let asked = 0;
  let answer = () => {};
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const { client, lines, connection } = await open(t, async () => {
    asked++;
    await answered;
    return {};
  });
  const sent = 6_000;
  for (let id = 0; id < sent; id++) client.write(`{"op":"get","id":${id},"execution":"${'x'.repeat(1_000)}"}\n`);
  await waitFor('the bound', () => connection().socket.isPaused());
  t.equal(asked, 1, 'one is answered at a time');
  answer();
  await waitFor('all answers', () => lines().length === sent);
  t.match(
    lines(),
    Array.from({ length: sent }, (_, id) => ({ re: id })),
    'each once, in their order',
  );
});

t.test('each request has one reply; errors have their line', async (t) => {
  const { client, lines, rejected } = await open(t, async ({ op }) => {
    if (op === 'list') throw new Error('a defect');
    return { op };
  });
  const requests = [{ op: 'status', id: 2 }, { op: 'list', id: 3 }, { op: 'hello' }, { op: 'fly', id: 5 }];
  client.write(requests.map((request) => JSON.stringify(request) + '\n').join(''));
  await waitFor('four answers', () => lines().length === 4);
  t.match(lines(), [
    { re: 2, op: 'status' },
    { re: 3, error: { code: 'internal', message: 'a defect', line: 2 } },
    { error: { code: 'bad_request', line: 3 } },
    { re: 5, error: { code: 'unknown_op', line: 4 } },
  ]);
  t.strictSame(rejected, ['internal', 'bad_request', 'unknown_op']);
});

t.test('at most a hundred bad lines a second are answered, and all are counted', async (t) => {
  const { client, lines, rejected } = await open(t, async () => ({ last: true }));
  client.write('nonsense\n'.repeat(5_000));
  client.write('{"op":"status","id":1}\n');
  await waitFor('the end', () => lines().some((line) => 're' in line));
  t.equal(rejected.length, 5_000);
  t.ok(lines().length <= 301, `${lines().length} lines`);
  t.match(lines()[0], { error: { code: 'bad_json', line: 1 } });
});

t.test('subscriptions of a connection are bounded, and one with the same ID replaces the other', async (t) => {
  const { connection } = await open(t, async () => undefined);
  let closed = 0;
  const subscribe = (id: number) => {
    connection().subscribe(id, () => ({ close: () => (closed += 1) }) as never);
  };
  for (let id = 0; id < 64; id++) subscribe(id);
  t.throws(
    () => {
      subscribe(64);
    },
    { code: 'too_many' },
  );
  subscribe(0);
  t.equal(closed, 1);
});

/** Waits until everything submitted before is written. */
const TAKEN: Partial<Ingest> = {
  submit: (event, _bytes, origin) => origin?.duplicate(event),
  submitParts: ([event], _bytes, origin) => origin?.duplicate(event!),
};

t.test('a duplicate is reported once per source, unless the client asked for acks', async (t) => {
  const { client, lines, connection } = await open(t, async () => ({}), TAKEN);
  const again = (source: string, n: number) => `${JSON.stringify({ type: 'log', source, n })}\n`;
  client.write(again('a', 1) + again('a', 2) + again('b', 7) + '{"type":"log"}\n{"op":"status","id":1}\n');
  await waitFor('the reply', () => lines().some((line) => 're' in line));
  t.strictSame(lines().slice(0, 2), [{ duplicate: { source: 'a', n: 1 } }, { duplicate: { source: 'b', n: 7 } }]);
  t.equal(lines().length, 3);
  connection().acks = true;
  client.write(again('c', 3));
  await waitFor('the acknowledgement', () => lines().length === 4);
  t.strictSame(lines()[3], { ack: { source: 'c', n: 3, seq: 0 } });
});

t.test('duplicates are reported for a bounded number of sources', async (t) => {
  const { client, lines } = await open(t, async () => ({}), TAKEN);
  const events = Array.from({ length: 100 }, (_, index) => JSON.stringify({ type: 'log', source: `s${index}`, n: 1 }));
  client.write(`${events.join('\n')}\n{"op":"status","id":1}\n`);
  await waitFor('the reply', () => lines().some((line) => 're' in line));
  t.equal(lines().length, 64 + 1);
});
