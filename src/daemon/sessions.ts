/** Sessions of agents that nobody here has started: what their hooks have left in the spool becomes events. */
import { hostname } from 'node:os';
import path from 'node:path';
import type { EventData, NewEvent } from '../core/event.js';
import type { Execution } from '../core/execution.js';
import { isFinal } from '../core/execution.js';
import type { State } from '../core/state.js';
import { readProcess } from '../processes.js';
import { isWriterAlive } from '../spool/writer.js';
import type { HookCall } from '../streams/hook-call.js';
import { readHookCall } from '../streams/hook-call.js';
import type { Place } from '../streams/hook-place.js';
import { placeOf } from '../streams/hook-place.js';
import type { CallOrigin } from '../streams/repeated-calls.js';
import { RepeatedCalls } from '../streams/repeated-calls.js';
import { describeSession, endOfSession, hookEvents, isBeginning } from '../streams/hooks.js';
import type { Log } from './daemon-log.js';

export interface Sessions {
  /** What a line of the spool stands for, on the state as it is now; the last one has its n. */
  eventsOf(line: NewEvent): NewEvent[];
  close(): void;
}

export interface SessionsOptions {
  state: State;
  record: (event: NewEvent) => void;
  log: Log;
  now: () => number;
  /** Between two looks at whether the agents are still there. */
  lookMs?: number;
}

const LOOK_MS = 10_000;
/** For the last lines of an agent that has just ended. */
const SETTLE_MS = 3_000;
/** Between an agent and its hook there may be such; they are gone at once. */
const SHELLS: ReadonlySet<string> = new Set(['sh', 'bash', 'dash', 'zsh', 'fish', 'ksh', 'busybox', 'agent-hook']);
/** Up from an agent to what has started it. */
const MAX_ANCESTORS = 100;

export function createSessions({ state, record, log, now, lookMs = LOOK_MS }: SessionsOptions): Sessions {
  let isToldBad = false;
  const repeated = new RepeatedCalls();

  /** An agent that is killed, or whose terminal is closed, tells no end. */
  const look = () => {
    for (const execution of state.alive.values()) {
      const { pid, via, kind, lastActivity, id } = execution;
      if (via !== 'hooks' || kind !== 'agent' || pid === undefined) continue;
      const heard = Date.parse(lastActivity);
      if (now() - heard < SETTLE_MS || isWriterAlive(pid, heard, now())) continue;
      record({ ...endOfSession(execution, { isGone: true }), execution: id });
    }
  };
  const timer = setInterval(look, lookMs).unref();

  return {
    eventsOf(line) {
      const told = readHookCall(line.data);
      const call = told && inRun(told, state);
      if (!call) {
        if (!isToldBad) log('hooks: a call tells neither its session nor what has happened; others are not told of');
        isToldBad = true;
        return [];
      }
      if (repeated.isRepeated(call, originOf(line, now))) return [];
      return stamp(eventsOf(call, placeOf(call, state)), line, call);
    },
    close: () => clearInterval(timer),
  };
}

/** A line without a time that has just been written was written now; of an older one nothing is known. */
function originOf({ source, n, time, approximate }: NewEvent, now: () => number): CallOrigin {
  return { source, n, time: approximate ? undefined : time === undefined ? now() : Date.parse(time) };
}

type Draft = Omit<NewEvent, 'source' | 'n'>;

function eventsOf(call: HookCall, place: Place): Draft[] {
  if (place.kind === 'none') {
    const data = { summary: 'told by its own output from here on' };
    return place.left ? [{ type: 'execution_completed', execution: place.left.id, data }] : [];
  }
  const { known } = place;
  const session = describeSession(call);
  const open = known && !isFinal(known.status) ? known : undefined;
  const init = { type: 'activity', data: { kind: 'init', ...session } };
  if (place.kind === 'run') {
    if (!open) return [];
    const told = [...(open.session === undefined ? [init] : []), ...hookEvents(call, open)];
    return told.map((event) => ({ ...event, execution: open.id }));
  }
  if (call.event === 'SessionEnd') return open ? [{ ...endOfSession(open), execution: open.id }] : [];
  const isNew = open === undefined && isBeginning(call, known);
  if (!open && !isNew) return [];
  const begins = isNew || open?.via !== 'hooks' || isStart(call);
  const start = { type: 'execution_started', data: { ...session, ...beginning(call, place.parent) } };
  return [...(begins ? [start, init] : []), ...hookEvents(call, open)].map((event) => ({
    ...event,
    execution: call.session,
  }));
}

/** A process that begins, with an old session perhaps; one whose context is compacted goes on. */
function isStart({ event, fields }: HookCall): boolean {
  return event === 'SessionStart' && fields['source'] !== 'compact';
}

/** Not every agent hands its environment on to its hooks: of a new session its processes tell where it belongs. */
function inRun(call: HookCall, state: State): HookCall {
  const { session, pid, within } = call;
  if (within !== undefined || pid === undefined || state.alive.has(session)) return call;
  const own = agentOf(pid);
  const found = own === undefined ? undefined : startedIn(own, state.alive.values());
  return found === undefined ? call : { ...call, within: found };
}

function beginning({ agent, fields, pid }: HookCall, within: string | undefined): EventData {
  const directory = typeof fields['cwd'] === 'string' ? path.basename(fields['cwd']) : '';
  const own = pid === undefined ? undefined : agentOf(pid);
  return {
    name: directory === '' ? agent : `${agent} in ${directory}`,
    kind: 'agent',
    host: hostname(),
    ...(own !== undefined && { pid: own }),
    ...(within !== undefined && { parent: within }),
  };
}

/** The process of the agent whose hook was called by `pid`; undefined where it is gone already, or cannot be told. */
function agentOf(pid: number): number | undefined {
  const found = readProcess(pid);
  if (!found || pid <= 1) return undefined;
  return SHELLS.has(found.name) ? agentOf(found.parent) : pid;
}

/** The run that this process is, or the agent or run that it descends from. */
function startedIn(pid: number, alive: Iterable<Execution>): string | undefined {
  const owners = new Map<number, string>();
  for (const { id, pid: owner, kind, via } of alive) {
    // a process may have several sessions one after another, none of which has started the other
    if (owner === undefined || (owner === pid && via !== undefined)) continue;
    if (kind === 'agent' || kind === 'run') owners.set(owner, id);
  }
  let ancestor: number | undefined = pid;
  for (let step = 0; step < MAX_ANCESTORS && ancestor !== undefined && ancestor > 1; step++) {
    const owner = owners.get(ancestor);
    if (owner !== undefined) return owner;
    ancestor = readProcess(ancestor)?.parent;
  }
  return undefined;
}

/** All of them are told by the line; the agent's own clock knows better when. */
function stamp(events: readonly Draft[], { source, n, time, approximate }: NewEvent, call: HookCall): NewEvent[] {
  const clock =
    call.time !== undefined
      ? { time: call.time }
      : time === undefined
        ? {}
        : { time, ...(approximate && { approximate }) };
  return events.map(({ type, execution, step, data, time: own }, index) => ({
    type,
    ...clock,
    ...(own !== undefined && { time: own }),
    ...(execution !== undefined && { execution }),
    ...(step !== undefined && { step }),
    ...(source !== undefined && { source }),
    ...(n !== undefined && index === events.length - 1 && { n }),
    data,
  }));
}
