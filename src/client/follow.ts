/** Subscribes to events across connections: reconnects with backoff, resumes at its position, and reports interruptions. */
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionEvent } from '../core/events/event.js';
import { ProgressError } from '../core/base/errors.js';
import type { Ask, Gap, Push, Replies, Reset } from '../api/messages.js';
import type { Paths } from '../platform/paths.js';
import type { Client } from './client.js';
import type { ConnectOptions } from './connect.js';
import { connect } from './connect.js';

export type Followed =
  | { kind: 'events'; events: ExecutionEvent[] }
  | { kind: 'gap'; gap: Gap }
  | { kind: 'reset'; reset: Reset }
  /** Connected, for the first time or again. */
  | { kind: 'connected'; client: Client; hello: Replies['hello'] }
  /** Disconnected; it reconnects until the consumer stops. */
  | { kind: 'lost'; error: ProgressError; attempt: number };

export interface FollowOptions extends Pick<ConnectOptions, 'paths' | 'start'> {
  subscribe: Ask<'subscribe'>;
  /** Position to resume at. If given, a failure of the first connection is retried like any other. */
  resume?: JournalPosition | undefined;
  /** Start the daemon again if it has died while followed, but not if it was stopped. */
  restart?: boolean;
  /** Milliseconds before the first retry; they double up to two seconds. @default 100 */
  retryMs?: number;
  signal?: AbortSignal;
}

/** Pushes buffered for the consumer; beyond it the socket is not read, which applies backpressure to the daemon. */
const MAX_WAITING = 64;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;
/** A daemon that cannot start is not started with each attempt, which would keep a processor busy. */
const ATTEMPTS_PER_START = 15;

export interface JournalPosition {
  after: number;
  journal: string;
}

/**
 * Follows events until the signal aborts or the consumer stops.
 *
 * @throws {ProgressError} If the first connection fails and there is no position to resume at.
 */
export async function* follow(options: FollowOptions): AsyncGenerator<Followed> {
  const { paths, subscribe, resume, retryMs = FIRST_RETRY_MS, signal } = options;
  let position = resume;
  for (let attempt = 0; !signal?.aborted; attempt++) {
    const inbox = new Inbox(signal);
    let client: Client | undefined;
    try {
      const start = position === undefined ? options.start : options.restart === true && isTimeToStart(paths, attempt);
      client = await connect({ paths, start, onPush: (push) => inbox.put(push) });
      inbox.attach(client);
      const hello = await client.hello();
      const reply = await client.call('subscribe', { ...subscribe, ...position });
      position ??= { after: reply.after, journal: hello.journal };
      attempt = 0;
      yield { kind: 'connected', client, hello };
      for await (const push of inbox.take()) {
        const followed = toFollowed(push);
        position = { after: positionOf(push, position.after), journal: hello.journal };
        if (followed) yield followed;
      }
      if (signal?.aborted) return;
      throw new ProgressError('unavailable', 'the daemon has closed the connection');
    } catch (error) {
      if (signal?.aborted) return;
      if (position === undefined) throw error;
      yield { kind: 'lost', error: ProgressError.from(error), attempt };
    } finally {
      inbox.close();
      void client?.close();
    }
    const wait = Math.min(retryMs * 2 ** attempt, LAST_RETRY_MS);
    await delay(wait, undefined, signal && { signal }).catch(() => undefined);
  }
}

/** A daemon that is stopped removes its socket, one that is killed leaves it. The first retry leaves it to a supervisor. */
function isTimeToStart({ socket }: Paths, attempt: number): boolean {
  return attempt % ATTEMPTS_PER_START === 1 && existsSync(socket);
}

function toFollowed(push: Push): Followed | undefined {
  if ('events' in push) return { kind: 'events', events: push.events };
  if ('gap' in push) return { kind: 'gap', gap: push.gap };
  if ('reset' in push) return { kind: 'reset', reset: push.reset };
  return undefined;
}

function positionOf(push: Push, before: number): number {
  if ('events' in push) return push.events.at(-1)?.seq ?? before;
  if ('gap' in push) return push.gap.to;
  if ('reset' in push) return push.reset.from;
  return push.position;
}

/** Bounded buffer between the callbacks of the connection and the loop of the consumer. */
class Inbox {
  readonly #signal: AbortSignal | undefined;
  readonly #waiting: Push[] = [];
  readonly #end = () => {
    this.#isEnded = true;
    this.#wake();
  };
  #client: Client | undefined;
  #isEnded = false;
  #wake = () => {};

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    signal?.addEventListener('abort', this.#end, { once: true });
  }

  put(push: Push): void {
    this.#waiting.push(push);
    if (this.#waiting.length > MAX_WAITING) this.#client?.pause();
    this.#wake();
  }

  attach(client: Client): void {
    this.#client = client;
    void client.closed.then(this.#end);
  }

  async *take(): AsyncGenerator<Push> {
    for (;;) {
      if (this.#waiting.length <= MAX_WAITING) this.#client?.resume();
      const push = this.#waiting.shift();
      if (push) yield push;
      else if (this.#isEnded) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
      if (this.#signal?.aborted) return;
    }
  }

  /** Removes the listener: the signal outlives many connections. */
  close(): void {
    this.#signal?.removeEventListener('abort', this.#end);
  }
}
