/** Which execution an event belongs to, and whether it was taken before: decided in order, before it is written. */
import type { NewEvent } from './event.js';
import { EXECUTION_ENDS, GLOBAL_TYPES } from './event.js';
import { isFinal } from './execution.js';
import { nameIn, nextGeneration, STARTS } from './fold.js';
import { findByText } from './lookup.js';
import { createStepOverlay } from './route-steps.js';
import type { State } from './state.js';
import { findExecution, fingerprint, fingerprints } from './state.js';
import { isUnstatedEnd } from './event-aliases.js';
import type { AliasFamily } from './event-alias-table.js';
import { aliasFamilyOf } from './event-alias-table.js';

/** For an event that names neither an execution nor a source, where the way in has no name either. */
export const DEFAULT_EXECUTION = 'default';

/** The way that an event came in, as far as it tells who sent it. */
export interface Entrance {
  /** Names an implicit execution of our own events. */
  name: string;
  /** The same for events of other vocabularies. @default `name` */
  ownName?: string;
  /** Many producers write with the same source. */
  isShared?: true;
  /** Executions that were started over a connection, the newest last. Absent where a connection identifies nobody. */
  opened?: string[];
}

export interface EventRouter {
  /** Was this (source, n), or an event with this ID and the same data, written before? */
  isTaken(event: NewEvent): boolean;
  /**
   * Takes an event that has not been written before. An end without an outcome gets the one that its steps give evidence
   * of. Returns the ID of its execution, or undefined where none is needed.
   */
  route(event: NewEvent, entrance?: Entrance): string | undefined;
  /** The events routed since the last call are folded into the state, or dropped. */
  settle(): void;
}

/** Answers from `state`, and for events routed but not folded yet from what it said about them. */
export function createEventRouter(state: State): EventRouter {
  const counted = new Map<string, number>();
  const named = new Set<string>();
  const over = new Map<string, boolean>();
  const successors = new Map<string, string>();
  const opened = new Map<string, string[]>();
  /** Executions that are not folded yet. */
  const fresh = new Map<string, AliasFamily | undefined>();
  const steps = createStepOverlay(state);
  /** Names of the executions that were routed to. */
  const names = new Map<string, string>();

  const isTaken = (event: NewEvent) => {
    const { source, n } = event;
    const isCounted = source !== undefined && n !== undefined;
    if (isCounted && n <= (counted.get(source) ?? state.sources.get(source)?.n ?? -1)) return true;
    const print = fingerprint(event, event.execution !== undefined);
    return print !== undefined && (named.has(print) || state.ids.has(print));
  };

  /** Has its start been seen? If not, the start of one that has ended is late, and opens no other generation. */
  const isStarted = (id: string): boolean => {
    if (over.has(id)) return true;
    const execution = findExecution(state, id);
    return execution !== undefined && execution.implicit === undefined;
  };

  const isOver = (id: string): boolean => {
    const execution = findExecution(state, id);
    return over.get(id) ?? (isStarted(id) && execution !== undefined && isFinal(execution.status));
  };

  /** Also what is implicit is closed by its end. */
  const isClosed = (id: string): boolean => {
    const execution = findExecution(state, id);
    return over.get(id) ?? (execution !== undefined && isFinal(execution.status));
  };

  const isKnown = (id: string): boolean => fresh.has(id) || findExecution(state, id) !== undefined;
  const ofVocabulary = (id: string): AliasFamily | undefined => fresh.get(id) ?? findExecution(state, id)?.vocabulary;

  const newest = (id: string): string => {
    const successor = successors.get(id) ?? findExecution(state, id)?.successor;
    return successor === undefined ? id : newest(successor);
  };

  const namesOf = ({ source, sender }: NewEvent, entrance?: Entrance): readonly string[] =>
    sender ?? (source === undefined || entrance?.isShared ? [] : [source]);

  /** Open executions that this producer started, the newest last; else those of the nearest that it runs in. */
  const openOf = (names: readonly string[], entrance: Entrance | undefined): string[] => {
    const connected = (entrance?.opened ?? []).filter((id) => !isClosed(id));
    if (connected.length > 0) return connected;
    for (const name of names) {
      const ids = [...(state.sources.get(name)?.open ?? []), ...(opened.get(name) ?? [])].filter((id) => !isOver(id));
      if (ids.length > 0) return ids;
    }
    return [];
  };

  /** By ID, name or unique prefix, as every command finds it. What is unknown or ambiguous is an ID: nothing is guessed. */
  const lookUp = (text: string): string => {
    if (names.has(text) || findExecution(state, text)) return text;
    const routed = [...names].map(([id, name], index) => ({
      id,
      name,
      firstSeq: findExecution(state, id)?.firstSeq ?? state.seq + 1 + index,
    }));
    const known = [state.summaries, state.ended, state.alive].flatMap((map) => [...map.values()]);
    const found = findByText([...known.filter(({ id }) => !names.has(id)), ...routed], text);
    return found && 'execution' in found ? found.execution.id : text;
  };

  /** The execution that an event names. A start names a new one. */
  const namedBy = ({ execution, lookup, type }: NewEvent): string | undefined =>
    execution !== undefined && lookup && !STARTS.has(type) ? lookUp(execution) : execution;

  /** Open executions of a vocabulary, whoever started them. */
  const openIn = (vocabulary: AliasFamily): string[] =>
    [...new Set([...state.alive.keys(), ...fresh.keys()])].filter(
      (id) => ofVocabulary(id) === vocabulary && !isClosed(id),
    );

  /** The one execution that has this event's step open; undefined if there is none, or more than one. */
  const holderOf = (event: NewEvent, ids: readonly string[]): string | undefined => {
    const holders = event.type === 'step_started' ? [] : ids.filter((id) => steps.isOpen(id, event));
    return holders.length === 1 ? holders[0] : undefined;
  };

  /** An event of a type that nobody knows may name its task as the known ones of its vocabulary do. */
  const taskOf = ({ data }: NewEvent): string | undefined =>
    TASK_FIELDS.map((field) => data[field]).find(
      (id): id is string => typeof id === 'string' && ofVocabulary(id) !== undefined,
    );

  /** For an event without an execution. */
  const find = (event: NewEvent, entrance?: Entrance): string => {
    const task = STARTS.has(event.type) ? undefined : taskOf(event);
    if (task !== undefined) return task;
    const names = namesOf(event, entrance);
    const vocabulary = aliasFamilyOf(event.data);
    const anonymous = (vocabulary && entrance?.ownName) ?? entrance?.name ?? DEFAULT_EXECUTION;
    const implicit = names[0] ?? anonymous;
    if (STARTS.has(event.type)) return startedAs(implicit);
    const own = openOf(names, entrance);
    if (vocabulary === undefined) return holderOf(event, own) ?? own.at(-1) ?? implicit;
    const same = own.filter((id) => ofVocabulary(id) === vocabulary);
    const mine = holderOf(event, same) ?? same.at(-1);
    if (mine !== undefined) return mine;
    const all = openIn(vocabulary);
    const foreign = holderOf(event, all) ?? own.at(-1);
    if (foreign !== undefined) return foreign;
    if (isKnown(implicit) && !isClosed(implicit)) return implicit;
    const tasks = all.filter(isStarted);
    return tasks.length === 1 && tasks[0] !== undefined ? tasks[0] : implicit;
  };

  /** A start without an ID is another execution than the one that its producer started before. */
  const startedAs = (name: string): string => {
    const id = newest(name);
    if (!isStarted(id)) return id;
    const next = nextGeneration(id);
    successors.set(id, next);
    return next;
  };

  const locate = (event: NewEvent, entrance?: Entrance): string | undefined => {
    // these mean the execution that they name, not the one that came after it
    if (event.exact || event.type === 'journal_note' || event.type === 'alert_triggered') return event.execution;
    if (event.execution === undefined && GLOBAL_TYPES.has(event.type)) return undefined;
    const id = newest(namedBy(event) ?? find(event, entrance));
    if (!STARTS.has(event.type) || !isOver(id)) return id;
    const next = nextGeneration(id);
    successors.set(id, next);
    return next;
  };

  const remember = (event: NewEvent, execution: string, entrance?: Entrance) => {
    if (!isKnown(execution) || STARTS.has(event.type)) fresh.set(execution, aliasFamilyOf(event.data));
    steps.note(execution, event);
    const name = STARTS.has(event.type) ? nameIn(event.data) : undefined;
    if (name !== undefined) names.set(execution, name);
    else if (!names.has(execution)) names.set(execution, findExecution(state, execution)?.name ?? execution);
    if (STARTS.has(event.type)) {
      over.set(execution, false);
      open(execution, namesOf(event, entrance)[0], entrance);
    } else if (Object.hasOwn(EXECUTION_ENDS, event.type) && isStarted(execution)) over.set(execution, true);
  };

  const open = (execution: string, name: string | undefined, entrance?: Entrance) => {
    if (entrance?.opened && !entrance.opened.includes(execution)) {
      entrance.opened.push(execution);
      if (entrance.opened.length > MAX_OPENED) entrance.opened.shift();
    }
    if (name === undefined) return;
    const ids = opened.get(name);
    if (ids) ids.push(execution);
    else opened.set(name, [execution]);
  };

  return {
    isTaken,
    route(event, entrance) {
      if (event.source !== undefined && event.n !== undefined) counted.set(event.source, event.n);
      const execution = locate(event, entrance);
      const written = execution === undefined ? event : { ...event, execution };
      for (const print of fingerprints(written)) named.add(print);
      if (execution === undefined) return undefined;
      if (isUnstatedEnd(event)) decide(event, steps.failureOf(execution, aliasFamilyOf(event.data)));
      remember(event, execution, entrance);
      keepSender(event);
      return execution;
    },
    settle() {
      for (const map of [counted, over, successors, opened, fresh, names]) map.clear();
      named.clear();
      steps.clear();
    },
  };
}

const TASK_FIELDS = ['task_id', 'taskId', 'executionId'] as const;

/** Of one connection; older ones are open all the same, but no longer the ones that its events go to. */
const MAX_OPENED = 64;

/** Gives an end without an outcome the one that there is evidence of. */
function decide(event: NewEvent, failure: string | undefined): void {
  if (failure === undefined) return;
  event.type = 'execution_failed';
  event.data = { ...event.data, error: failure };
}

/** The journal needs to know who started something, so that routing continues after a restart; of other events nothing. */
function keepSender(event: NewEvent): void {
  const [nearest] = event.sender ?? [];
  if (nearest === undefined) return;
  if (STARTS.has(event.type)) event.sender = [nearest];
  else delete event.sender;
}
