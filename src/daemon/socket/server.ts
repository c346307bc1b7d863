/** The daemon's socket: accepts connections up to a bound, and serves guests above it. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Config } from '../../config/load.js';
import { ProgressError } from '../../core/base/errors.js';
import type { BoundSocket } from '../../platform/unix-socket.js';
import { bindUnix } from '../../platform/unix-socket.js';
import { encodeLine } from '../../protocol/lines.js';
import type { Component } from '../component.js';
import type { ClientConnection } from '../requests/request-context.js';

export interface SocketServerOptions {
  socket: string;
  /** Bound of connections that are no guests. */
  maxConnections: number;
  /** Connections that the descriptors of the process allow, guests included. */
  places: number;
}

type ConnectionListener = (client: Socket) => ClientConnection;

/**
 * Above the bound a connection is a guest: its requests are answered, so that commands work whatever holds the other
 * connections open, and it is closed with a reason when it is idle. Above this many guests, without a reason.
 */
const MAX_GUESTS = 32;
const GUEST_IDLE_MS = 1_000;
/** Time for a client that is refused or left to read what was written to it. */
const LAST_WORDS_MS = 500;

/** The caller holds the lock: a socket at the path is left over from a daemon that has ended. */
export class SocketServer implements Component {
  readonly #socket: string;
  readonly #places: number;
  readonly #maxGuests: number;
  readonly #connections = new Set<ClientConnection>();
  readonly #guests = new Set<ClientConnection>();
  readonly #server = createServer((client) => this.#accept(client));
  #maxConnections: number;
  #refused = 0;
  #connect: ConnectionListener | undefined;
  #bound: BoundSocket | undefined;

  constructor({ socket, maxConnections, places }: SocketServerOptions) {
    this.#socket = socket;
    this.#places = places;
    this.#maxGuests = Math.min(MAX_GUESTS, Math.ceil(places / 4));
    this.#maxConnections = maxConnections;
    this.#bind({ maxConnections });
    this.#server.on('drop', () => this.#refused++);
  }

  /** Registers what serves a connection. Required before `start`. */
  onConnection(listener: ConnectionListener): void {
    this.#connect = listener;
  }

  async start(): Promise<void> {
    this.#bound = await bindUnix(this.#server, this.#socket);
  }

  /** Connections that are no guests. */
  get connections(): number {
    return this.#connections.size;
  }

  get refused(): number {
    return this.#refused;
  }

  /** Whether the path still leads to this server. */
  isBound(): boolean {
    return this.#bound?.isBound() ?? false;
  }

  /** Changes the bound. Open connections stay, above the bound as well. */
  configure({ socket }: Pick<Config, 'socket'>): void {
    this.#bind(socket);
    this.#promote();
  }

  onDrain(): void {
    for (const connection of this.#all()) connection.resume();
  }

  async close(): Promise<void> {
    if (!this.#bound) return;
    this.#bound.release();
    const closed = once(this.#server, 'close');
    this.#server.close();
    const open = this.#all();
    for (const { socket } of open) socket.destroySoon();
    const late = setTimeout(() => {
      for (const { socket } of open) socket.destroy();
    }, LAST_WORDS_MS);
    await closed;
    clearTimeout(late);
  }

  #all(): ClientConnection[] {
    return [...this.#connections, ...this.#guests];
  }

  #bind({ maxConnections }: { maxConnections: number }): void {
    this.#maxConnections = Math.min(maxConnections, this.#places - this.#maxGuests);
    this.#server.maxConnections = this.#maxConnections + this.#maxGuests;
  }

  #accept(client: Socket): void {
    const connection = this.#connect?.(client);
    if (!connection) return void client.destroy();
    if (this.#connections.size < this.#maxConnections) this.#connections.add(connection);
    else {
      this.#guests.add(connection);
      client.setTimeout(GUEST_IDLE_MS, () => connection.isIdle && this.#refuse(client));
    }
    client.once('close', () => {
      this.#guests.delete(connection);
      if (this.#connections.delete(connection)) this.#promote();
    });
  }

  #promote(): void {
    for (const guest of this.#guests) {
      if (this.#connections.size >= this.#maxConnections) return;
      this.#guests.delete(guest);
      guest.socket.setTimeout(0);
      this.#connections.add(guest);
    }
  }

  #refuse(client: Socket): void {
    this.#refused++;
    const error = new ProgressError('too_many', `${this.#maxConnections} connections are open: close some`);
    client.end(encodeLine({ error }));
    const late = setTimeout(() => client.destroy(), LAST_WORDS_MS);
    client.once('close', () => clearTimeout(late));
  }
}
