/** The daemon's socket: who is on it, and how many at most. */
import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { ProgressError } from '../../core/errors.js';
import { encodeLine } from '../../protocol/lines.js';
import type { ClientConnection } from '../requests/request-context.js';
import type { ConnectionContext } from './connection.js';
import { createConnection } from './connection.js';
import { bindUnix } from '../../platform/unix-socket.js';

export interface Server {
  readonly connections: ReadonlySet<ClientConnection>;
  readonly refused: number;
  /** Does the path still lead here? */
  isBound(): boolean;
  /** Who is on it stays, above the bound too. */
  configure(bounds: Pick<ServerOptions, 'maxConnections'>): void;
  /** Reads on where reading stopped because too much was pending. */
  resume(): void;
  close(): Promise<void>;
}

export interface ServerOptions {
  socket: string;
  maxConnections: number;
  /** What the descriptors of the process allow, guests included. */
  places: number;
  context: ConnectionContext;
}

/**
 * Above the bound a connection is a guest: its requests are answered, so that commands work whoever holds the others
 * open, and it is closed with a reason when it is idle. Above this many guests, without a reason.
 */
const MAX_GUESTS = 32;
const GUEST_IDLE_MS = 1_000;
/** A client that is turned away or left by the daemon gets no longer than this to take what was written to it. */
const LAST_WORDS_MS = 500;

/** The caller holds the lock: whatever is at the path is left over from a daemon that is gone. */
export async function listen({ socket, places, context, ...bounds }: ServerOptions): Promise<Server> {
  let { maxConnections } = bounds;
  const maxGuests = Math.min(MAX_GUESTS, Math.ceil(places / 4));
  const connections = new Set<ClientConnection>();
  const guests = new Set<ClientConnection>();
  let refused = 0;

  const server = createServer((client) => {
    const connection = createConnection(client, context);
    if (connections.size < maxConnections) connections.add(connection);
    else {
      guests.add(connection);
      client.setTimeout(GUEST_IDLE_MS, () => connection.isIdle && refuse(client));
    }
    client.once('close', () => {
      guests.delete(connection);
      if (connections.delete(connection)) promote();
    });
  });

  const promote = () => {
    for (const guest of guests) {
      if (connections.size >= maxConnections) return;
      guests.delete(guest);
      guest.socket.setTimeout(0);
      connections.add(guest);
    }
  };

  const refuse = (client: Socket) => {
    refused++;
    const error = new ProgressError('too_many', `${maxConnections} connections are open: close some`);
    client.end(encodeLine({ error }));
    const late = setTimeout(() => client.destroy(), LAST_WORDS_MS);
    client.once('close', () => clearTimeout(late));
  };

  const configure: Server['configure'] = (given) => {
    maxConnections = Math.min(given.maxConnections, places - maxGuests);
    server.maxConnections = maxConnections + maxGuests;
    promote();
  };
  configure(bounds);
  server.on('drop', () => refused++);

  const bound = await bindUnix(server, socket);

  return {
    connections,
    get refused() {
      return refused;
    },
    isBound: () => bound.isBound(),
    configure,
    resume() {
      for (const connection of [...connections, ...guests]) connection.resume();
    },
    async close() {
      bound.release();
      const closed = once(server, 'close');
      server.close();
      const open = [...connections, ...guests];
      for (const { socket: client } of open) client.destroySoon();
      const late = setTimeout(() => {
        for (const { socket: client } of open) client.destroy();
      }, LAST_WORDS_MS);
      await closed;
      clearTimeout(late);
    },
  };
}
