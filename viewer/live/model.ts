/** What the page shows: a replica of the daemon's executions, fed by snapshots over HTTP and by the stream of the hub. */
import type { ExecutionEvent } from '../../src/core/events/event.js';
import type { Execution } from '../../src/core/execution.js';
import { ExpectationRequests } from '../../src/core/state/expectation-requests.js';
import type { Snapshot } from '../../src/core/state/replica.js';
import { Replica } from '../../src/core/state/replica.js';
import type { Api } from '../api.js';
import { ApiError } from '../api.js';
import type { HubLink } from './hub-link.js';
import type { StreamConnection } from './hub-messages.js';

/** What the page is about: the list, or one execution, by its ID, a prefix of it or its name. */
export type Scope = { kind: 'list' } | { kind: 'execution'; id: string };

/**
 * Called after changes, several at once.
 *
 * @param events The events folded since the last call.
 * @param isFresh A snapshot was installed, or older executions were added: anything may have changed.
 */
export type ModelListener = (events: readonly ExecutionEvent[], isFresh: boolean) => void;

/** Ended executions on a page of the list. */
const PAGE = 100;
/** Open executions of one request. */
const MAX_LISTED = 1_000;
/** Listeners are called at most ten times a second for events. */
const DRAW_MS = 100;
/** Time without a message from the daemon after which the values count as stale. */
export const STALE_AFTER_MS = 3_000;

interface PageSnapshot extends Snapshot {
  /** Where the next page of older executions begins. */
  more?: number;
}

export class Model {
  readonly #api: Api;
  readonly #hub: () => HubLink;
  readonly #replica = new Replica();
  readonly #listeners = new Set<ModelListener>();
  #connection: StreamConnection = { state: 'connecting', heardAt: Date.now(), attempt: 0, clockOffset: 0 };
  #scope: Scope | undefined;
  #isLoaded = false;
  #failure: ApiError | undefined;
  #more: number | undefined;
  readonly #expectations: ExpectationRequests;
  /** For the next call of the listeners. */
  #events: ExecutionEvent[] = [];
  #isFresh = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Api, hub: () => HubLink) {
    this.#api = api;
    this.#hub = hub;
    this.#expectations = new ExpectationRequests(this.#replica, {
      wait: async (ms) => await new Promise((resolve) => setTimeout(resolve, ms, true)),
      request: async () => (await api.list({ limit: MAX_LISTED })).executions,
      onAdded: () => this.#announce(),
    });
  }

  get connection(): StreamConnection {
    return this.#connection;
  }

  /** Whether a snapshot of the current scope is installed. Until then the executions of the last scope are shown. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Why the snapshot of the current scope could not be loaded. */
  get failure(): ApiError | undefined {
    return this.#failure;
  }

  /** Whether `loadMore` has older executions. */
  get hasMore(): boolean {
    return this.#more !== undefined;
  }

  /** Returns all executions, the newest first. */
  executions(): Execution[] {
    return this.#replica.executions();
  }

  /** Finds an execution by its full ID. */
  find(id: string): Execution | undefined {
    return this.#replica.find(id);
  }

  /** Returns milliseconds since 1970 by the daemon's clock. The clock stops while the values are stale. */
  now(): number {
    const { state, heardAt, clockOffset } = this.#connection;
    const isLive = state === 'live' || state === 'polling';
    return Math.min(Date.now(), isLive ? Infinity : heardAt + STALE_AFTER_MS) + clockOffset;
  }

  /** Changes the scope and loads its snapshot. */
  show(scope: Scope): void {
    this.#scope = scope;
    void this.#load(scope);
  }

  /** Loads the snapshot again, after events were missed. */
  refresh(): void {
    this.#replica.invalidate();
    if (this.#scope) void this.#load(this.#scope);
  }

  /** Adds the next page of older executions to the list. */
  async loadMore(): Promise<void> {
    const before = this.#more;
    if (before === undefined) return;
    const page = await this.#api.list({ all: true, limit: PAGE, before });
    // another snapshot may have taken the place of the one that this page continues
    if (this.#more !== before) return;
    this.#replica.add(page.executions);
    this.#more = page.more;
    this.#isFresh = true;
    this.#announce();
  }

  /** Applies events from the stream. */
  apply(events: readonly ExecutionEvent[]): void {
    const folded = this.#replica.apply(events);
    // while a snapshot is requested, output of its execution may be missing between them
    if (this.#isLoaded) this.#events.push(...folded);
    this.#expectations.onFolded(folded);
    this.#announce(DRAW_MS);
  }

  setConnection(next: StreamConnection): void {
    const isBack = this.#connection.state === 'lost' && (next.state === 'live' || next.state === 'polling');
    this.#connection = next;
    // "not found" is an answer; a request without an answer is repeated
    if (isBack && !this.#isLoaded && this.#scope && this.#failure?.status !== 404) void this.#load(this.#scope);
    this.#announce();
  }

  /** @returns A function that removes the listener. */
  onChange(listener: ModelListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async #load(scope: Scope): Promise<void> {
    this.#isLoaded = false;
    this.#failure = undefined;
    try {
      const loaded = await this.#replica.load(() => this.#request(scope));
      if (!loaded) return;
      this.#isLoaded = true;
      this.#isFresh = true;
      this.#more = loaded.snapshot.more;
      this.#events.push(...loaded.folded);
    } catch (error) {
      this.#failure = error instanceof ApiError ? error : new ApiError(0, String(error));
    }
    this.#announce();
  }

  /** Requests a snapshot that is not older than the position from which the hub's stream delivers everything. */
  async #request(scope: Scope): Promise<PageSnapshot> {
    const ready = this.#hub().follow(scope.kind === 'execution' ? scope.id : undefined);
    // with a token the snapshot is requested at once, since it is rarely older than the stream
    const early = this.#api.token === undefined ? undefined : await this.#snapshot(scope);
    const position = await ready;
    return early && early.seq >= position ? early : await this.#snapshot(scope);
  }

  async #snapshot(scope: Scope): Promise<PageSnapshot> {
    if (scope.kind === 'execution') {
      const { execution, seq } = await this.#api.get(scope.id);
      return { executions: [execution], seq, isPartial: true };
    }
    const [recent, open] = await Promise.all([
      this.#api.list({ all: true, limit: PAGE }),
      this.#api.list({ limit: MAX_LISTED }),
    ]);
    return {
      executions: [...recent.executions, ...open.executions],
      seq: Math.min(recent.seq, open.seq),
      ...(recent.more !== undefined && { more: recent.more }),
    };
  }

  #announce(delay = 0): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      const [events, isFresh] = [this.#events, this.#isFresh];
      this.#timer = undefined;
      this.#events = [];
      this.#isFresh = false;
      for (const listener of this.#listeners) listener(events, isFresh);
    }, delay);
  }
}
