/** Routes events to executions and detects duplicates, in order of arrival, before they are written. */
import type { NewEvent } from '../events/event.js';
import { GLOBAL_TYPES } from '../events/event.js';
import { STARTS } from '../events/event.js';
import { ExecutionOverlay } from './route-executions.js';
import { StepOverlay } from './route-steps.js';
import type { State } from '../state/state.js';
import { fingerprint, fingerprints } from '../events/fingerprint.js';
import { isUnstatedEnd } from '../events/event-aliases.js';
import type { AliasFamily } from '../events/event-alias-table.js';
import { aliasFamilyOf } from '../events/event-alias-table.js';

/** Execution of events that name neither an execution nor a source, from an unnamed entrance. */
export const DEFAULT_EXECUTION = 'default';

/** Entrance of an event into the daemon, as far as it identifies the producer. */
export interface Entrance {
  /** Name of the implicit execution for native events. */
  name: string;
  /** Name of the implicit execution for events of other formats. @default `name` */
  ownName?: string;
  /** Several producers write with the same source. */
  isShared?: true;
  /** Executions started over a connection, the newest last. Absent where a connection identifies no producer. */
  opened?: string[];
}

/** Fields of other event formats that contain the ID of an execution. */
const TASK_FIELDS = ['task_id', 'taskId', 'executionId'] as const;

/** Executions remembered per connection; older ones stay open, but no longer receive its events by default. */
const MAX_OPENED = 64;

/** Decides by the state, and by the events that were routed but are not folded yet. */
export class EventRouter {
  readonly #state: State;
  readonly #executions: ExecutionOverlay;
  readonly #steps: StepOverlay;
  /** The highest n that was routed, by source. */
  readonly #counted = new Map<string, number>();
  readonly #fingerprints = new Set<string>();

  constructor(state: State) {
    this.#state = state;
    this.#executions = new ExecutionOverlay(state);
    this.#steps = new StepOverlay(state);
  }

  /** Whether an event is a duplicate, by (source, n) or by its ID and data. */
  isTaken(event: NewEvent): boolean {
    const { source, n } = event;
    if (source !== undefined && n !== undefined) {
      const highest = this.#counted.get(source) ?? this.#state.sources.get(source)?.n ?? -1;
      if (n <= highest) return true;
    }
    const print = fingerprint(event, event.execution !== undefined);
    return print !== undefined && (this.#fingerprints.has(print) || this.#state.ids.has(print));
  }

  /**
   * Routes an event that is not a duplicate. An end without an outcome gets the outcome that its steps are evidence of.
   *
   * @returns The ID of its execution; undefined if it needs none.
   */
  route(event: NewEvent, entrance?: Entrance): string | undefined {
    if (event.source !== undefined && event.n !== undefined) this.#counted.set(event.source, event.n);
    const execution = this.#locate(event, entrance);
    const written = execution === undefined ? event : { ...event, execution };
    for (const print of fingerprints(written)) this.#fingerprints.add(print);
    if (execution === undefined) return undefined;
    if (isUnstatedEnd(event)) setOutcome(event, this.#steps.failureOf(execution, aliasFamilyOf(event.data)));
    this.#executions.note(execution, event, namesOf(event, entrance)[0]);
    this.#steps.note(execution, event);
    if (entrance?.opened && STARTS.has(event.type)) addOpened(entrance.opened, execution);
    keepSender(event);
    return execution;
  }

  /** Forgets the events routed since the last call, which have been folded into the state or dropped. */
  settle(): void {
    this.#counted.clear();
    this.#fingerprints.clear();
    this.#executions.clear();
    this.#steps.clear();
  }

  #locate(event: NewEvent, entrance: Entrance | undefined): string | undefined {
    // these refer to the named execution, not to a later generation
    if (event.exact || event.type === 'journal_note' || event.type === 'alert_triggered') return event.execution;
    if (event.execution === undefined && GLOBAL_TYPES.has(event.type)) return undefined;
    const id = this.#executions.newest(this.#namedBy(event) ?? this.#find(event, entrance));
    return STARTS.has(event.type) && this.#executions.isOver(id) ? this.#executions.succeed(id) : id;
  }

  /** Returns the execution that an event names. A start always names a new one. */
  #namedBy({ execution, lookup, type }: NewEvent): string | undefined {
    return execution !== undefined && lookup && !STARTS.has(type) ? this.#executions.lookUp(execution) : execution;
  }

  /** Finds the execution of an event that names none. */
  #find(event: NewEvent, entrance: Entrance | undefined): string {
    const isStart = STARTS.has(event.type);
    const task = isStart ? undefined : this.#taskOf(event);
    if (task !== undefined) return task;
    const producers = namesOf(event, entrance);
    const vocabulary = aliasFamilyOf(event.data);
    const anonymous = (vocabulary && entrance?.ownName) ?? entrance?.name ?? DEFAULT_EXECUTION;
    const implicit = producers[0] ?? anonymous;
    if (isStart) return this.#startedAs(implicit);
    const own = this.#openOf(producers, entrance);
    if (vocabulary === undefined) return this.#holderOf(event, own) ?? own.at(-1) ?? implicit;
    return this.#findIn(vocabulary, event, own, implicit);
  }

  /** Finds the execution of an event of another format. */
  #findIn(vocabulary: AliasFamily, event: NewEvent, own: readonly string[], implicit: string): string {
    const same = own.filter((id) => this.#executions.vocabularyOf(id) === vocabulary);
    const mine = this.#holderOf(event, same) ?? same.at(-1);
    if (mine !== undefined) return mine;
    const all = this.#executions.openIn(vocabulary);
    const other = this.#holderOf(event, all) ?? own.at(-1);
    if (other !== undefined) return other;
    if (this.#executions.isKnown(implicit) && !this.#executions.isClosed(implicit)) return implicit;
    const [only, ...more] = all.filter((id) => this.#executions.isStarted(id));
    return only !== undefined && more.length === 0 ? only : implicit;
  }

  /** Returns the task that an event of an unknown type names in a field of another format. */
  #taskOf({ data }: NewEvent): string | undefined {
    return TASK_FIELDS.map((field) => data[field]).find(
      (id): id is string => typeof id === 'string' && this.#executions.vocabularyOf(id) !== undefined,
    );
  }

  /** Returns the open executions of this connection, else of the producer, else of its nearest ancestor with any. */
  #openOf(producers: readonly string[], entrance: Entrance | undefined): string[] {
    const connected = (entrance?.opened ?? []).filter((id) => !this.#executions.isClosed(id));
    if (connected.length > 0) return connected;
    for (const producer of producers) {
      const ids = this.#executions.openOf(producer);
      if (ids.length > 0) return ids;
    }
    return [];
  }

  /** Returns the only execution that has the step of an event open; undefined if there is none, or more than one. */
  #holderOf(event: NewEvent, ids: readonly string[]): string | undefined {
    const holders = event.type === 'step_started' ? [] : ids.filter((id) => this.#steps.isOpen(id, event));
    return holders.length === 1 ? holders[0] : undefined;
  }

  /** Returns the ID for a start without one, which always begins another execution of that name. */
  #startedAs(name: string): string {
    const id = this.#executions.newest(name);
    return this.#executions.isStarted(id) ? this.#executions.succeed(id) : id;
  }
}

/** Returns the names of the producer and its ancestors, the nearest first. */
function namesOf({ source, sender }: NewEvent, entrance: Entrance | undefined): readonly string[] {
  return sender ?? (source === undefined || entrance?.isShared ? [] : [source]);
}

function addOpened(opened: string[], execution: string): void {
  if (opened.includes(execution)) return;
  opened.push(execution);
  if (opened.length > MAX_OPENED) opened.shift();
}

/** Creates a router over a state. */
export function createEventRouter(state: State): EventRouter {
  return new EventRouter(state);
}

/** Turns an end without an outcome into a failure, if there is evidence of one. */
function setOutcome(event: NewEvent, failure: string | undefined): void {
  if (failure === undefined) return;
  event.type = 'execution_failed';
  event.data = { ...event.data, error: failure };
}

/** Keeps the nearest sender of a start, by which routing continues after a restart; drops any other. */
function keepSender(event: NewEvent): void {
  const [nearest] = event.sender ?? [];
  if (nearest === undefined) return;
  if (STARTS.has(event.type)) event.sender = [nearest];
  else delete event.sender;
}
