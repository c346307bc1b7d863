/** Corrects what hooks and files have told of sessions by what Claude Code's registry says of its processes. */
import type { EventData, ExecutionEvent, NewEvent } from '../../core/event.js';
import { textOf } from '../../core/event.js';
import type { Execution } from '../../core/execution.js';
import type { State } from '../../core/state.js';
import { stateSourceOf } from '../../agents/precedence.js';
import { isHookSession } from '../../agents/hook-target.js';
import { endOfLeft } from '../../agents/hook-events.js';
import { interruption, isTurnEnd, TURN_OVER } from '../../agents/turn.js';
import type { Registry, RegistryEntry } from '../../agents/claude/process-registry.js';

export interface AgentStates {
  /** These are in the journal and in the state. */
  onBatch(events: readonly ExecutionEvent[]): void;
  check(): void;
  close(): void;
}

export interface AgentStatesOptions {
  state: State;
  registry: Registry;
  record: (event: NewEvent) => void;
  now: () => number;
  /** Between two looks. */
  lookMs?: number;
}

const LOOK_MS = 1_000;
/** A difference counts when it has lasted so long: hooks and the registry are not written at the same time. */
const HOLD_MS = 1_000;

/** What is to be said of a session: `key` is the same for the same thing. */
interface Correction {
  key: string;
  events: NewEvent[];
}

/** What its hooks have told of one execution. */
interface Known {
  /** A turn has begun, and no end of it was told. Unknown before the first event that this daemon has seen. */
  isInTurn?: boolean;
  /** When its attention was set last, in Unix milliseconds. */
  attentionAt?: number;
}

export function createAgentStates(options: AgentStatesOptions): AgentStates {
  const { state, registry, record, now, lookMs = LOOK_MS } = options;
  const known = new Map<string, Known>();
  /** By execution: what differs, and since when. */
  const differing = new Map<string, { key: string; since: number }>();

  const correct = (execution: Execution, entry: RegistryEntry | undefined, entries: readonly RegistryEntry[]) => {
    const { id } = execution;
    const correction = entry ? correctionOf(execution, entry, known.get(id) ?? {}) : moveOf(execution, entries);
    const before = differing.get(id);
    if (!correction) return void differing.delete(id);
    if (before?.key !== correction.key) return void differing.set(id, { key: correction.key, since: now() });
    if (now() - before.since < HOLD_MS) return;
    differing.delete(id);
    for (const event of correction.events) record(event);
  };

  const look = () => {
    registry.refresh();
    const entries = registry.living();
    for (const id of known.keys()) if (!state.alive.has(id)) known.delete(id);
    for (const id of differing.keys()) if (!state.alive.has(id)) differing.delete(id);
    if (entries.length === 0) return;
    for (const execution of state.alive.values()) {
      if (execution.agent !== 'claude' || execution.session === undefined) continue;
      if (stateSourceOf(execution) !== 'stream') correct(execution, registry.entryOf(execution.session), entries);
    }
  };
  const timer = setInterval(look, lookMs).unref();
  registry.refresh();

  return {
    check: look,
    onBatch(events) {
      for (const event of events) {
        const { execution: id } = event;
        if (id === undefined || state.alive.get(id)?.agent !== 'claude') continue;
        known.set(id, { ...known.get(id), ...noteOf(event) });
      }
    },
    close() {
      clearInterval(timer);
      registry.close();
    },
  };
}

/** Of activities: what happens in a turn, and what ends one. */
const TURN_KINDS: ReadonlyMap<unknown, boolean> = new Map([
  ['prompt', true],
  ['tool-call', true],
  ['result', false],
]);

/** What an event says of it: whether a turn is open, and since when its attention is what it is. */
function noteOf({ type, step, data, time }: ExecutionEvent): Partial<Known> {
  if (type === 'execution_started') return { isInTurn: false };
  if (type === 'attention') {
    const isOver = isTurnEnd(textOf(data, 'reason'));
    return { attentionAt: Date.parse(time), ...(isOver && { isInTurn: false }) };
  }
  const isInTurn = type === 'activity' && step === undefined ? TURN_KINDS.get(data['kind']) : undefined;
  return isInTurn === undefined ? {} : { isInTurn };
}

/** What the entry of its process says that is not known of it. */
function correctionOf(execution: Execution, entry: RegistryEntry, known: Known): Correction | undefined {
  const { id, attention, attentionReason } = execution;
  const { status, waitingFor = 'a question', changedAt } = entry;
  const isAsked = attention === 'waiting' && !isTurnEnd(attentionReason);
  const isNewer = changedAt > (known.attentionAt ?? Date.parse(execution.lastActivity));
  const attend = (data: EventData): Correction => ({
    key: `${status} ${changedAt}`,
    events: [{ type: 'attention', execution: id, data }],
  });
  if (status === 'waiting') {
    const isNew = attention !== 'waiting' || (!isAsked && isNewer);
    return isNew ? attend({ state: 'waiting', reason: waitingFor }) : undefined;
  }
  const isAnswered = isAsked && isNewer;
  if (status === 'busy') return isAnswered ? attend({ state: 'none' }) : undefined;
  if (status === undefined || (attention === 'waiting' && !isAnswered)) return undefined;
  // a file tells itself how its turn ended
  if (stateSourceOf(execution) !== 'hooks') return isAnswered ? attend({ state: 'none' }) : undefined;
  if (known.isInTurn ?? runsTool(execution)) return { key: `idle ${changedAt}`, events: interruption(execution) };
  return isAnswered ? attend({ state: 'waiting', reason: TURN_OVER }) : undefined;
}

/** Of the session itself: those of sub-agents may outlive its turn. */
function runsTool({ steps }: Execution): boolean {
  return [...steps.values()].some(
    ({ kind, status, parent }) => kind === 'tool' && status === 'running' && parent === undefined,
  );
}

/** Its process works on another session by now. */
function moveOf(execution: Execution, entries: readonly RegistryEntry[]): Correction | undefined {
  const { id, pid } = execution;
  const entry = isHookSession(execution) ? entries.find((one) => one.pid === pid) : undefined;
  if (!entry) return undefined;
  return { key: `moved ${entry.session}`, events: [{ ...endOfLeft(execution, entry.session), execution: id }] };
}
