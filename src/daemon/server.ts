/** The daemon's socket: who is on it, and how many at most. */
import { createServer } from 'node:net';
import { once } from 'node:events';
import { ProgressError } from '../errors.js';
import { encodeLine } from '../protocol/lines.js';
import type { Connection, ConnectionContext } from './connection.js';
import { createConnection } from './connection.js';
import { bindUnix } from './unix-socket.js';

export interface Server {
  readonly connections: ReadonlySet<Connection>;
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
  context: ConnectionContext;
}

/** Turned away at once, with a reason, above the bound; above this many more, without one. */
const ROOM_FOR_REFUSALS = 32;
/** A client that is turned away or left by the daemon gets no longer than this to take what was written to it. */
const LAST_WORDS_MS = 500;

/** The caller holds the lock: whatever is at the path is left over from a daemon that is gone. */
export async function listen({ socket, context, ...bounds }: ServerOptions): Promise<Server> {
  let { maxConnections } = bounds;
  const connections = new Set<Connection>();
  let refused = 0;

  const server = createServer((client) => {
    if (connections.size >= maxConnections) {
      refused++;
      const error = new ProgressError('too_many', `${maxConnections} connections are open: close some`);
      client.on('error', () => undefined);
      // what it has to say is taken and dropped, or it would find a closed door instead of the reason
      client.resume().end(encodeLine({ error }));
      const late = setTimeout(() => client.destroy(), LAST_WORDS_MS);
      client.once('close', () => clearTimeout(late));
      return;
    }
    const connection = createConnection(client, context);
    connections.add(connection);
    client.once('close', () => connections.delete(connection));
  });
  const configure: Server['configure'] = (given) => {
    maxConnections = given.maxConnections;
    server.maxConnections = maxConnections + ROOM_FOR_REFUSALS;
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
      for (const connection of connections) connection.resume();
    },
    async close() {
      bound.release();
      const closed = once(server, 'close');
      server.close();
      for (const { socket: client } of connections) client.destroySoon();
      const late = setTimeout(() => {
        for (const { socket: client } of connections) client.destroy();
      }, LAST_WORDS_MS);
      await closed;
      clearTimeout(late);
    },
  };
}
