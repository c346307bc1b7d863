/** One connection to the daemon, with typed calls. */
import type { Socket } from 'node:net';
import { ProgressError } from '../core/errors.js';
import type { Ask } from '../protocol/channel.js';
import { createProtocolChannel } from '../protocol/channel.js';
import { encodeLine } from '../protocol/lines.js';
import type { Ack, Op, RunCommand, Push, Replies, RequestId, WireEvent } from '../api/messages.js';
import { PROTOCOL_VERSION } from '../api/messages.js';
import { VERSION } from '../core/version.js';

export interface ClientOptions {
  /** Who connects, for the daemon's log. */
  name?: string;
  /** Wants to hear what is written. */
  onAck?: (ack: Ack['ack']) => void;
  onPush?: (push: Push) => void;
  /** To the runner that this client is. */
  onOrder?: (order: RunCommand['order']) => void;
  /** About a line that was no request. */
  onError?: (error: ProgressError) => void;
}

export interface Client {
  /** Asked once, however often it is called. */
  hello(): Promise<Replies['hello']>;
  call<K extends Op>(op: K, fields: Ask<K>, id?: RequestId): Promise<Replies[K]>;
  /** Hands one event over; false when the daemon is behind: wait for `drained`. */
  send(event: WireEvent): boolean;
  drained(): Promise<void>;
  /** Stops reading until `resume`: the daemon's cursor waits. */
  pause(): void;
  resume(): void;
  /** Everything sent is handed to the system, then the connection ends; a daemon that hangs is not waited for. */
  close(): Promise<void>;
  readonly isOpen: boolean;
  /** Ends the connection as it is. */
  destroy(): void;
  /** Resolves when the connection is gone, for whatever reason. */
  readonly closed: Promise<void>;
}

/** For the daemon to end its side too. */
const CLOSE_MS = 2_000;

export function createClient(socket: Socket, { name, onAck, onPush, onOrder, onError }: ClientOptions = {}): Client {
  /** Why the connection is about to end. */
  let failure: Error | undefined;
  const channel = createProtocolChannel({
    write: (line) => void socket.write(line),
    onBroken: (error) => socket.destroy(error),
    ...(onAck && { onAck }),
    ...(onPush && { onPush }),
    ...(onOrder && { onOrder }),
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
      const gone = new ProgressError('unavailable', `the daemon has closed the connection${why}`, { cause: failure });
      channel.close(failure instanceof ProgressError ? failure : gone);
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
