/**
 * All subscribers, and the newest events that those that keep up share in memory. A subscriber that does not keep up
 * reads the files at its own pace and costs its socket's buffer and nothing else.
 */
import type { ExecutionEvent } from '../../core/events/event.js';
import type { Matchable } from '../../core/events/filter.js';
import { matches } from '../../core/events/filter.js';
import type { Batch } from '../../journal/lines.js';
import type { JournalSource } from '../../journal/reader.js';
import type { Component } from '../component.js';
import { RecentEvents } from './recent-events.js';
import type { Feed, Opening, Subscriber, Subscription } from './subscriber.js';
import { JournalCursor } from './subscriber.js';

export class Subscribers implements Component {
  readonly #recent: RecentEvents;
  readonly #feed: Feed;
  readonly #all = new Set<JournalCursor>();
  readonly #joinListeners: (() => void)[] = [];

  /**
   * @param head the newest seq that is written
   * @param now monotonic, in milliseconds
   */
  constructor(source: JournalSource, head: number, now: () => number) {
    this.#recent = new RecentEvents(head);
    this.#feed = { source, recent: this.#recent, encode: createSharedEncoder(), now };
  }

  /** Registers a listener for new subscribers. */
  onJoin(listener: () => void): void {
    this.#joinListeners.push(listener);
  }

  add(subscription: Subscription, opening: Opening = {}): Subscriber {
    const subscriber = new JournalCursor(subscription, this.#feed, (one) => this.#all.delete(one));
    this.#all.add(subscriber);
    for (const listener of this.#joinListeners) listener();
    subscriber.open(opening);
    return subscriber;
  }

  onBatch(events: ExecutionEvent[], lines: string[]): void {
    this.#recent.push(events, lines, this.#all.size > 0);
    for (const subscriber of this.#all) subscriber.resume();
  }

  /** Removes the events of these executions from memory. */
  forget(executions: ReadonlySet<string>): void {
    this.#recent.forget(executions);
  }

  /** Whether a subscriber's filter passes events like this one. */
  isAwaited(event: Matchable): boolean {
    return [...this.#all].some(({ filter }) => matches(filter, event));
  }

  get size(): number {
    return this.#all.size;
  }
}

/** Encodes the same lines once for many subscribers. */
function createSharedEncoder(): (batch: Batch) => Buffer {
  let last: { lines: string[]; encoded: Buffer } | undefined;
  return ({ lines }) => {
    if (last?.lines !== lines) last = { lines, encoded: Buffer.from(`[${lines.join(',')}]`) };
    return last.encoded;
  };
}
