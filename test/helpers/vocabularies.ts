/** Events of other vocabularies from four emitters, and the ways to send them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { EventData, ExecutionEvent } from '../../src/core/events/event.js';
import { fold } from '../../src/core/fold.js';
import type { Entrance } from '../../src/core/routing/route.js';
import { createEventRouter } from '../../src/core/routing/route.js';
import type { State } from '../../src/core/state/state.js';
import { emptyState } from '../../src/core/state/state.js';
import { toNewEvent } from '../../src/protocol/validate.js';
import { ROOT } from './daemon.js';

export type Sent = EventData;

/** Lines of fixtures, in order. */
export function linesOf(...names: string[]): string[] {
  return names.flatMap((name) =>
    readFileSync(path.join(ROOT, 'test/fixtures/vocabularies', `${name}.ndjson`), 'utf8')
      .split('\n')
      .filter((line) => line !== ''),
  );
}

export function sentOf(...names: string[]): Sent[] {
  return linesOf(...names).map((line) => JSON.parse(line) as Sent);
}

/** The event of `progress emit TYPE --data JSON`, where JSON is the data and, with `isWhole`, the whole event. */
export function asEmitted(event: Sent, isWhole: boolean): Sent {
  const { type, event: name, data, ...rest } = event;
  return {
    type: type ?? name,
    time: '2026-11-30T10:00:00.000Z',
    data: isWhole ? event : { ...rest, ...(data as EventData | undefined) },
  };
}

/** `script`: a process for each event, all with one parent. */
export const WAYS = ['socket', 'post', 'script', 'whole'] as const;
export type Way = (typeof WAYS)[number];

/** Intake of the daemon without its files: one write for each event, or one for all on a socket. */
export class Intake {
  readonly state: State = emptyState();
  readonly events: ExecutionEvent[] = [];
  readonly #router = createEventRouter(this.state);
  readonly #sockets = new Map<string, Entrance>();
  #pending: ExecutionEvent[] = [];
  #now = Date.parse('2026-11-30T10:00:00.000Z');

  /** Takes one event, and returns the ID of its execution, or `taken`. */
  take(sent: Sent, entrance?: Entrance): string | undefined {
    const event = toNewEvent(sent);
    if (this.#router.isTaken(event)) return 'taken';
    const execution = this.#router.route(event, entrance);
    const seq = this.events.length + 1;
    const time = event.time ?? new Date(this.#now).toISOString();
    const written = { ...event, seq, time, ...(execution !== undefined && { execution }) };
    this.events.push(written);
    this.#pending.push(written);
    return execution;
  }

  /** Ends a write. */
  settle(passedMs = 0): void {
    for (const event of this.#pending) fold(this.state, JSON.parse(JSON.stringify(event)) as ExecutionEvent);
    this.#pending = [];
    this.#router.settle();
    this.#now += passedMs;
  }

  sendAll(events: readonly Sent[], way: Way, name = 'a'): (string | undefined)[] {
    const socket: Entrance = this.#sockets.get(name) ?? { name: `socket-${name}`, opened: [] };
    this.#sockets.set(name, socket);
    const routes = events.map((event) => {
      if (way === 'socket') return this.take(event, socket);
      const isPost = way === 'post';
      const sender = [`emit-${name}.1`, 'emit-shell.1'];
      const route = isPost
        ? this.take(event, { name: 'http', ownName: `http-${name}-${this.events.length}` })
        : this.take({ ...asEmitted(event, way === 'whole'), sender }, { name: 'spool', isShared: true });
      this.settle();
      return route;
    });
    this.settle();
    return routes;
  }
}
