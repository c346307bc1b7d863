/** What the page knows: snapshots from the daemon, kept true by the same fold that the daemon uses. */
import type { ExecutionEvent } from '../../src/core/event.js';
import type { Execution, ExecutionJson } from '../../src/core/execution.js';
import { executionFromJson, isFinal } from '../../src/core/execution.js';
import { fold } from '../../src/core/fold.js';
import type { State } from '../../src/core/state.js';
import { emptyState, findExecution, installExecution, newestFirst } from '../../src/core/state.js';
import type { Api } from '../api.js';
import { ApiError } from '../api.js';
import type { HubLink } from './link.js';
import type { Wire } from './wire.js';

export type Scope = { kind: 'list' } | { kind: 'execution'; id: string };

export interface Model {
  readonly link: Wire;
  /** Is what it holds a whole snapshot of what was asked for? */
  readonly loaded: boolean;
  /** Why there is nothing to show. */
  readonly failure: ApiError | undefined;
  readonly hasMore: boolean;
  executions(): Execution[];
  find(id: string): Execution | undefined;
  /** Milliseconds since 1970 by the daemon's clock; it stands still while nothing is heard. */
  now(): number;
  /** Shows something else from now on. */
  show(scope: Scope): void;
  /** Older executions. */
  loadMore(): Promise<void>;
  take(events: readonly ExecutionEvent[]): void;
  setLink(link: Wire): void;
  /** Everything must be asked for again. */
  refresh(): void;
  /** Told of every change, many in one. `events` are those folded since the last time. */
  onChange(listener: ModelListener): () => void;
}

export type ModelListener = (events: readonly ExecutionEvent[], isFresh: boolean) => void;

/** Ended ones that are shown before somebody asks for more. */
const PAGE = 100;
/** Faces ask for ten updates a second. */
const DRAW_MS = 100;
/** After the last word, before the values count as old. */
export const STALE_AFTER_MS = 3_000;

export function createModel(api: Api, hub: () => HubLink): Model {
  let state: State = emptyState();
  let link: Wire = { state: 'connecting', heardAt: Date.now(), attempt: 0, clockOffset: 0 };
  let scope: Scope | undefined;
  /** Of the scope that is being loaded: an answer for an older one comes too late. */
  let turn = 0;
  let loaded = false;
  let failure: ApiError | undefined;
  let more: number | undefined;
  /** Events that came while the snapshot was on its way. */
  let waiting: ExecutionEvent[] | undefined;
  let news: ExecutionEvent[] = [];
  let isFresh = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const listeners = new Set<ModelListener>();

  const announce = (delay = 0) => {
    timer ??= setTimeout(() => {
      timer = undefined;
      const [events, fresh] = [news, isFresh];
      news = [];
      isFresh = false;
      for (const listener of listeners) listener(events, fresh);
    }, delay);
  };

  const install = (target: State, executions: readonly ExecutionJson[]) => {
    for (const one of executions.map(executionFromJson)) installExecution(target, one, isFinal(one.status));
  };

  const isKnown = (id: string | undefined) => id !== undefined && findExecution(state, id) !== undefined;

  const foldAll = (events: readonly ExecutionEvent[]) => {
    for (const event of events) {
      const { execution: id, seq } = event;
      // a page of one execution does not gather others
      if (scope?.kind === 'execution' && !isKnown(id)) continue;
      const known = id === undefined ? state.seq : (findExecution(state, id)?.lastSeq ?? 0);
      if (seq <= known) continue;
      fold(state, event);
      news.push(event);
    }
  };

  /** How things stand, and where older ones begin. */
  const snapshot = async (wanted: Scope): Promise<{ state: State; more: number | undefined }> => {
    const next = emptyState();
    if (wanted.kind === 'execution') {
      const { execution, seq } = await api.get(wanted.id);
      install(next, [execution]);
      next.seq = seq;
      return { state: next, more: undefined };
    }
    const [recent, alive] = await Promise.all([
      api.list({ all: true, limit: PAGE }),
      api.list({ limit: 1_000 }),
    ]);
    install(next, recent.executions);
    install(next, alive.executions);
    next.seq = Math.min(recent.seq, alive.seq);
    return { state: next, more: recent.more };
  };

  const load = async (wanted: Scope) => {
    const mine = ++turn;
    waiting = [];
    loaded = false;
    failure = undefined;
    try {
      const ready = hub().follow(wanted.kind === 'execution' ? wanted.id : undefined);
      // at once where a token is known; if something was written in between, once more
      let next = api.token === undefined ? undefined : await snapshot(wanted);
      const position = await ready;
      if (mine !== turn) return;
      if (!next || next.state.seq < position) next = await snapshot(wanted);
      if (mine !== turn) return;
      ({ state, more } = next);
      loaded = true;
      isFresh = true;
      const late = waiting;
      waiting = undefined;
      foldAll(late);
    } catch (error) {
      if (mine !== turn) return;
      failure = error instanceof ApiError ? error : new ApiError(0, String(error));
      waiting = undefined;
      // not found is an answer; no answer is asked for again when the link is back
    }
    announce();
  };

  return {
    get link() {
      return link;
    },
    get loaded() {
      return loaded;
    },
    get failure() {
      return failure;
    },
    get hasMore() {
      return more !== undefined;
    },
    executions: () => newestFirst(state),
    find: (id) => findExecution(state, id),
    now() {
      const isLive = link.state === 'live' || link.state === 'polling';
      const until = isLive ? Infinity : link.heardAt + STALE_AFTER_MS;
      return Math.min(Date.now(), until) + link.clockOffset;
    },
    show(wanted) {
      scope = wanted;
      void load(wanted);
    },
    async loadMore() {
      if (more === undefined) return;
      const mine = turn;
      const page = await api.list({ all: true, limit: PAGE, before: more });
      if (mine !== turn) return;
      install(
        state,
        page.executions.filter(({ id }) => findExecution(state, id) === undefined),
      );
      more = page.more;
      isFresh = true;
      announce();
    },
    take(events) {
      if (waiting) waiting.push(...events);
      else if (loaded) foldAll(events);
      announce(DRAW_MS);
    },
    setLink(next) {
      const isBack = link.state === 'lost' && (next.state === 'live' || next.state === 'polling');
      link = next;
      if (isBack && !loaded && scope && failure?.status !== 404) void load(scope);
      announce();
    },
    refresh() {
      if (scope) void load(scope);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
