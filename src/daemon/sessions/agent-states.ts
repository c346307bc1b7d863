/** Corrects the state of sessions that hooks and session files report by the process registries of agents. */
import type { EventData, ExecutionEvent, NewEvent } from '../../core/events/event.js';
import { textOf } from '../../core/events/event.js';
import type { Execution } from '../../core/execution.js';
import type { State } from '../../core/state/state.js';
import { stateSourceOf } from '../../agents/precedence.js';
import { isHookSession } from '../../agents/hook-target.js';
import { endOfLeft } from '../../agents/hook-events.js';
import { interruption, isTurnEnd, TURN_OVER } from '../../agents/turn.js';
import type { ProcessRegistries } from '../../agents/process-registries.js';
import type { ProcessRegistry, RegistryEntry } from '../../agents/sessions/process-registry.js';

export interface AgentStates {
  onBatch(events: readonly ExecutionEvent[]): void;
  check(): void;
  close(): void;
}

export interface AgentStatesOptions {
  state: State;
  registries: ProcessRegistries;
  record: (event: NewEvent) => void;
  now: () => number;
  /** Interval of checks in milliseconds. @default 1 000 */
  checkMs?: number;
}

const CHECK_MS = 1_000;
/** Debounce of differences: hooks and the registry are not written at the same time. */
const HOLD_MS = 1_000;

/** Events that correct a session; equal corrections have the same `key`. */
interface Correction {
  key: string;
  events: NewEvent[];
}

/** State of one execution by its events. */
interface Known {
  /** A turn has started and not ended. Unknown before the first event that this daemon has read. */
  isInTurn?: boolean;
  /** Time of the last change of its attention, in Unix milliseconds. */
  attentionAt?: number;
}

export function createAgentStates(options: AgentStatesOptions): AgentStates {
  const { state, registries, record, now, checkMs = CHECK_MS } = options;
  const known = new Map<string, Known>();
  /** Differences by execution, and since when they exist. */
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

  const check = () => {
    for (const id of known.keys()) if (!state.alive.has(id)) known.delete(id);
    for (const id of differing.keys()) if (!state.alive.has(id)) differing.delete(id);
    for (const [agent, registry] of registries) checkAgent(agent, registry);
  };

  const checkAgent = (agent: string, registry: ProcessRegistry) => {
    registry.refresh();
    const entries = registry.living();
    if (entries.length === 0) return;
    for (const execution of state.alive.values()) {
      if (execution.agent?.name !== agent || execution.agent.session === undefined) continue;
      if (stateSourceOf(execution) !== 'stream') correct(execution, registry.entryOf(execution.agent.session), entries);
    }
  };
  const timer = setInterval(check, checkMs).unref();
  for (const registry of registries.values()) registry.refresh();

  return {
    check,
    onBatch(events) {
      for (const event of events) {
        const { execution: id } = event;
        if (id === undefined || !registries.has(state.alive.get(id)?.agent?.name ?? '')) continue;
        known.set(id, { ...known.get(id), ...noteOf(event) });
      }
    },
    close() {
      clearInterval(timer);
      for (const registry of registries.values()) registry.close();
    },
  };
}

/** Kinds of activities that happen in a turn (true), or end one (false). */
const TURN_KINDS: ReadonlyMap<unknown, boolean> = new Map([
  ['prompt', true],
  ['tool-call', true],
  ['result', false],
]);

/** Returns what an event changes: whether a turn is open, and the time of its attention. */
function noteOf({ type, step, data, time }: ExecutionEvent): Partial<Known> {
  if (type === 'execution_started') return { isInTurn: false };
  if (type === 'attention') {
    const isOver = isTurnEnd(textOf(data, 'reason'));
    return { attentionAt: Date.parse(time), ...(isOver && { isInTurn: false }) };
  }
  const isInTurn = type === 'activity' && step === undefined ? TURN_KINDS.get(data['kind']) : undefined;
  return isInTurn === undefined ? {} : { isInTurn };
}

/** Corrects a session by the registry entry of its process, where that is newer. */
function correctionOf(execution: Execution, entry: RegistryEntry, known: Known): Correction | undefined {
  const { id, attention } = execution;
  const { status, waitingFor = 'a question', changedAt } = entry;
  const isWaiting = attention?.state === 'waiting';
  const isAsked = isWaiting && !isTurnEnd(attention.reason);
  const isNewer = changedAt > (known.attentionAt ?? Date.parse(execution.lastActivity));
  const attend = (data: EventData): Correction => ({
    key: `${status} ${changedAt}`,
    events: [{ type: 'attention', execution: id, data }],
  });
  if (status === 'waiting') {
    const isNew = !isWaiting || (!isAsked && isNewer);
    return isNew ? attend({ state: 'waiting', reason: waitingFor }) : undefined;
  }
  const isAnswered = isAsked && isNewer;
  if (status === 'busy') return isAnswered ? attend({ state: 'none' }) : undefined;
  if (status === undefined || (attention?.state === 'waiting' && !isAnswered)) return undefined;
  // the file of the session reports how its turn ended
  if (stateSourceOf(execution) !== 'hooks') return isAnswered ? attend({ state: 'none' }) : undefined;
  if (known.isInTurn ?? runsTool(execution)) return { key: `idle ${changedAt}`, events: interruption(execution) };
  return isAnswered ? attend({ state: 'waiting', reason: TURN_OVER }) : undefined;
}

/** Whether a tool of the session itself runs; tools of sub-agents may outlive its turn. */
function runsTool({ steps }: Execution): boolean {
  return [...steps.values()].some(
    ({ kind, status, parent }) => kind === 'tool' && status === 'running' && parent === undefined,
  );
}

/** Ends a session whose process now works on another one. */
function moveOf(execution: Execution, entries: readonly RegistryEntry[]): Correction | undefined {
  const { id, process: { pid } = {} } = execution;
  const entry = isHookSession(execution) ? entries.find((one) => one.pid === pid) : undefined;
  if (!entry) return undefined;
  return { key: `moved ${entry.session}`, events: [{ ...endOfLeft(execution, entry.session), execution: id }] };
}
