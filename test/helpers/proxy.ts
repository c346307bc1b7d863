/** A proxy between a client and the daemon, whose filter can be changed while they communicate. */
import { createConnection, createServer } from 'node:net';
import type { Socket } from 'node:net';
import type { Test } from 'tap';
import { createLineDecoder, encodeLine } from '../../src/protocol/lines.js';

export interface Proxy {
  socket: string;
  /** Ends every connection with a subscription, and refuses further ones: all other requests are answered. */
  cutStream(): void;
  restore(): void;
}

export async function openProxy(t: Test, daemon: string, socket: string): Promise<Proxy> {
  const following = new Set<Socket>();
  const all = new Set<Socket>();
  let isCut = false;
  const server = createServer((client) => {
    const upstream = createConnection({ path: daemon });
    const ends = [client, upstream];
    const end = () => {
      for (const one of ends) one.destroy();
      following.delete(client);
      all.delete(client);
    };
    for (const one of ends) one.on('error', end).on('close', end);
    all.add(client);
    upstream.pipe(client);
    const decoder = createLineDecoder({
      maxBytes: 1024 * 1024,
      onBad: end,
      onLine(text) {
        const { op, id } = JSON.parse(text) as { op?: string; id?: number };
        if (op === 'subscribe') following.add(client);
        if (op !== 'subscribe' || !isCut) upstream.write(`${text}\n`);
        else client.write(encodeLine({ re: id, error: { code: 'internal', message: 'no streams now' } }));
      },
    });
    client.on('data', (chunk) => decoder.push(chunk));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.teardown(() => {
    server.close();
    for (const one of all) one.destroy();
  });
  return {
    socket,
    cutStream() {
      isCut = true;
      for (const one of following) one.destroy();
    },
    restore: () => (isCut = false),
  };
}
