/** Wraps one connection to the daemon with typed calls. */
import type { Socket } from 'node:net';
import { ProgressError } from '../core/base/errors.js';
import { createProtocolChannel } from '../protocol/channel.js';
import { encodeLine } from '../protocol/lines.js';
import type { Ack, Ask, Op, RunCommand, Push, Replies, RequestId, WireEvent } from '../api/messages.js';
import { PROTOCOL_VERSION } from '../api/messages.js';
import { VERSION } from '../core/base/version.js';

export interface ClientOptions {
  /** Name of the client in the log of the daemon. */
  name?: string;
  /** Receives acks; requests them from the daemon. */
  onAck?: (ack: Ack['ack']) => void;
  onPush?: (push: Push) => void;
  /** Receives commands, if this client is a runner. */
  onCommand?: (command: RunCommand) => void;
  /** Receives errors about lines that were not requests. */
  onError?: (error: ProgressError) => void;
}

export interface Client {
  /** Sends the greeting once; later calls return the same reply. */
  hello(): Promise<Replies['hello']>;
  call<K extends Op>(op: K, fields: Ask<K>, id?: RequestId): Promise<Replies[K]>;
  /** Sends an event. @returns False on backpressure: wait for `drained`. */
  send(event: WireEvent): boolean;
  drained(): Promise<void>;
  /** Stops reading until `resume`, which applies backpressure to the daemon's cursor. */
  pause(): void;
  resume(): void;
  /** Flushes everything sent and closes the connection, with a timeout if the daemon hangs. */
  close(): Promise<void>;
  readonly isOpen: boolean;
  /** Destroys the connection at once. */
  destroy(): void;
  /** Resolves when the connection is closed, for any reason. */
  readonly closed: Promise<void>;
}

/** Time for the daemon to close its side. */
const CLOSE_MS = 2_000;

/** Creates a client on a connected socket. */
export function createClient(socket: Socket, { name, onAck, onPush, onCommand, onError }: ClientOptions = {}): Client {
  /** Reason why the connection is about to end. */
  let failure: Error | undefined;
  const channel = createProtocolChannel({
    write: (line) => void socket.write(line),
    onBroken: (error) => socket.destroy(error),
    ...(onAck && { onAck }),
    ...(onPush && { onPush }),
    ...(onCommand && { onCommand }),
    onError(error) {
      if (error.code === 'too_many') failure = error;
      onError?.(error);
    },
  });
  socket.on('error', (error) => (failure ??= error));
  socket.on('data', (chunk: Buffer) => channel.receive(chunk));
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      const why = failure ? `: ${failure.message}` : '';
      const lost = new ProgressError('unavailable', `the daemon has closed the connection${why}`, { cause: failure });
      channel.close(failure instanceof ProgressError ? failure : lost);
      resolve();
    });
  });

  let greeting: Promise<Replies['hello']> | undefined;
  return {
    closed,
    hello: () =>
      (greeting ??= channel.request('hello', {
        protocol: PROTOCOL_VERSION,
        client: name ?? `progress ${VERSION}`,
        ack: onAck !== undefined,
      })),
    call: (op, fields, id) => channel.request(op, fields, id),
    send: (event) => socket.write(encodeLine(event)),
    async drained() {
      if (!socket.writableNeedDrain) return;
      await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed]);
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    async close() {
      socket.end();
      socket.resume();
      const late = setTimeout(() => socket.destroy(), CLOSE_MS);
      await closed;
      clearTimeout(late);
    },
    get isOpen() {
      return !socket.destroyed;
    },
    destroy: () => void socket.destroy(),
  };
}
