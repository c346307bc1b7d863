/** A subscription that outlives its connection: it comes back to where it was, and says so when it is away. */
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
  /** Live from here: the first time, and whenever it comes back. */
  | { kind: 'connected'; client: Client; hello: Replies['hello'] }
  /** The stream is cut; it tries again until it is left. */
  | { kind: 'lost'; error: ProgressError; attempt: number };

export interface FollowOptions extends Pick<ConnectOptions, 'paths' | 'start'> {
  subscribe: Ask<'subscribe'>;
  /** Goes on where somebody stood in this journal; then the first connection may be lost like any other. */
  resume?: JournalPosition | undefined;
  signal?: AbortSignal;
}

/** Pushes that wait for the consumer; beyond it the socket is not read, and the daemon's cursor waits. */
const MAX_WAITING = 64;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;

export interface JournalPosition {
  after: number;
  journal: string;
}

/** Follows until the signal aborts or the consumer leaves. The first connection may fail with its error. */
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
        const followed = understand(push);
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

function understand(push: Push): Followed | undefined {
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

/** From callbacks to a loop, without keeping more than a few pushes. */
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
