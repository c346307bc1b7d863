/** Floods of connections that send little or nothing: commands still work. */
import { once } from 'node:events';
import { createConnection, type NetConnectOpts, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import t from 'tap';
import { configure } from './helpers/config.js';
import { createHome, type Home } from '../helpers/daemon.js';
import { freePort } from '../helpers/http.js';
import { shortOrLong } from '../helpers/long.js';
import { waitFor } from '../helpers/wait.js';

const SLOW = 300;
const IDLE = shortOrLong(800, 2_000);

/** Opens this many connections; returns what each received. */
async function flood(t: Test, count: number, to: NetConnectOpts, text = ''): Promise<{ heard: string[] }> {
  const heard: string[] = [];
  let settled = 0;
  const sockets: Socket[] = [];
  for (let at = 0; at < count; at++) {
    const socket = createConnection(to);
    sockets.push(socket);
    socket.on('data', (data) => heard.push(String(data)));
    const settle = () => settled++;
    socket.on('error', () => undefined);
    socket.once('connect', () => socket.write(text, settle));
    // a full backlog
    socket.once('close', settle);
    if (at % 100 === 99) await delay(1);
  }
  t.teardown(() => sockets.forEach((socket) => socket.destroy()));
  await waitFor('all to be connected or refused', () => settled >= count);
  return { heard };
}

function checkCommands(t: Test, home: Home, when: string): void {
  t.match(home.progress(['emit', 'log', `message=${when}`, '--wait']), { status: 0, stderr: '' }, when);
  t.match(home.progress(['ps']), { status: 0, stderr: '' }, when);
}

/** Limit of open files of the daemon; with 256 the configuration needs more than that. */
for (const files of [1_024, 256]) {
  t.test(`with ${files} descriptors`, async (t) => {
    const home = createHome(t);
    const port = await freePort();
    configure(home, { web: { enabled: true, port, maxStreams: 1_000 }, socket: { maxConnections: 1_000 } });
    const { pid } = await home.startDaemon({ wrapper: ['sh', '-c', `ulimit -n ${files}; exec "$@"`, 'sh'] });
    const tcp = { host: '127.0.0.1', port };
    const slow = await flood(t, SLOW, tcp, 'GET / HTTP/1.1\r\nHost: 127');
    checkCommands(t, home, 'slow over TCP');
    if (files === 256) {
      await waitFor('a refusal', () => slow.heard.some((text) => text.startsWith('HTTP/1.1 503 ')));
      t.pass('one too many is refused');
    }
    await flood(t, IDLE, tcp);
    checkCommands(t, home, 'idle over TCP');
    await flood(t, IDLE, { path: home.paths.httpSocket });
    checkCommands(t, home, 'idle over HTTP on a Unix socket');
    const idle = await flood(t, IDLE, { path: home.paths.socket });
    await waitFor('a refusal', () => idle.heard.some((text) => text.includes('too_many')), 20_000);
    checkCommands(t, home, 'idle on the socket');
    const client = await home.connect();
    t.equal((await client.call('status', {})).pid, pid);
    await client.close();
    // those over TCP have not sent a request in time
    const socket = createConnection(tcp);
    await waitFor(
      'room for browsers',
      async () => {
        const asking = createConnection(tcp).on('error', () => undefined);
        asking.end(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
        const answered = once(asking, 'data').then(([data]) => String(data));
        return (await Promise.race([answered, once(asking, 'close').then(() => '')])).startsWith('HTTP/1.1 200');
      },
      30_000,
    );
    socket.destroy();
  });
}
