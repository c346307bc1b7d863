/** Subscribes to events across connections: reconnects with backoff, resumes at its position, and reports interruptions. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionEvent } from '../core/event.js';
import { ProgressError } from '../core/errors.js';
import type { Ask } from '../protocol/channel.js';
import type { Gap, Push, Replies, Reset } from '../api/messages.js';
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
  signal?: AbortSignal;
}

/** Pushes buffered for the consumer; beyond it the socket is not read, which applies backpressure to the daemon. */
const MAX_WAITING = 64;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;

export interface JournalPosition {
  after: number;
  journal: string;
}

/**
 * Follows events until the signal aborts or the consumer stops.
 *
 * @throws {ProgressError} If the first connection fails and there is no position to resume at.
 */
export async function* follow({ paths, start, subscribe, resume, signal }: FollowOptions): AsyncGenerator<Followed> {
  let position = resume;
  for (let attempt = 0; !signal?.aborted; attempt++) {
    const inbox = createInbox(signal);
    let client: Client | undefined;
    try {
      client = await connect({ paths, start: start && position === undefined, onPush: (push) => inbox.put(push) });
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
      void client?.close();
    }
    const wait = Math.min(FIRST_RETRY_MS * 2 ** attempt, LAST_RETRY_MS);
    await delay(wait, undefined, signal && { signal }).catch(() => undefined);
  }
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
  return push.at;
}

/** Bounded buffer between the callbacks of the connection and the loop of the consumer. */
function createInbox(signal: AbortSignal | undefined) {
  const waiting: Push[] = [];
  let client: Client | undefined;
  let ended = false;
  let wake = () => {};
  const end = () => {
    ended = true;
    wake();
  };
  signal?.addEventListener('abort', end, { once: true });
  return {
    put(push: Push) {
      waiting.push(push);
      if (waiting.length > MAX_WAITING) client?.pause();
      wake();
    },
    attach(connected: Client) {
      client = connected;
      void connected.closed.then(end);
    },
    async *take(): AsyncGenerator<Push> {
      try {
        for (;;) {
          if (waiting.length <= MAX_WAITING) client?.resume();
          const push = waiting.shift();
          if (push) yield push;
          else if (ended) return;
          else await new Promise<void>((resolve) => (wake = resolve));
          if (signal?.aborted) return;
        }
      } finally {
        signal?.removeEventListener('abort', end);
      }
    },
  };
}
