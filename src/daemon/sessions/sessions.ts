/** Converts hook calls in the spool to events of agent sessions, and ends sessions whose process is gone. */
import { hostname } from 'node:os';
import path from 'node:path';
import type { EventData, NewEvent } from '../../core/events/event.js';
import type { Execution } from '../../core/execution.js';
import { isFinal } from '../../core/execution.js';
import type { State } from '../../core/state/state.js';
import type { ProcessRegistry, RegistryEntry } from '../../agents/sessions/process-registry.js';
import { definitionOf } from '../../agents/registry.js';
import { isWriterAlive } from '../../spool/writer-process.js';
import type { HookCall } from '../../agents/hook-call.js';
import { readHookCall } from '../../agents/hook-call.js';
import type { HookTarget } from '../../agents/hook-target.js';
import { isHookSession, hookTargetOf } from '../../agents/hook-target.js';
import type { CallOrigin } from '../../agents/repeated-calls.js';
import { RepeatedCalls } from '../../agents/repeated-calls.js';
import { describeSession, endOfLeft, endOfSession, hookEvents, isBeginning } from '../../agents/hook-events.js';
import type { Component } from '../component.js';
import type { Log } from '../daemon-log.js';
import { createOwners, inRun } from './hook-owners.js';

export interface Sessions extends Component {
  /** Converts a line of the spool on the current state; the last event has the line's n. */
  eventsOf(line: NewEvent): NewEvent[];
  close(): void;
}

export interface SessionsOptions {
  state: State;
  record: (event: NewEvent) => void;
  /** Called when a call names a file of its session. */
  onTranscript?: (agent: string, file: string, session: string) => void;
  log: Log;
  now: () => number;
  /** Process registries by agent. */
  registries: ReadonlyMap<string, Pick<ProcessRegistry, 'entryOf'>>;
  /** Interval of checks whether agents still run, in milliseconds. @default 10 000 */
  checkMs?: number;
}

const CHECK_MS = 10_000;
/** Time for the last lines of an agent that has just ended. */
const SETTLE_MS = 3_000;

export function createSessions(options: SessionsOptions): Sessions {
  const { state, record, onTranscript, log, now, registries, checkMs = CHECK_MS } = options;
  let isBadLogged = false;
  const repeated = new RepeatedCalls();
  const owners = createOwners();

  const isGone = ({
    agent: { name = '', session = '' } = {},
    process: { pid } = {},
    lastActivity,
  }: Execution): boolean => {
    const heard = Date.parse(lastActivity);
    if (pid === undefined || now() - heard < SETTLE_MS || registries.get(name)?.entryOf(session)) return false;
    const pids = [pid, owners.candidateOf(session)].filter((one) => one !== undefined);
    return !pids.some((one) => isWriterAlive(one, heard, now()));
  };

  /** Ends sessions of agents that were killed, or whose terminal was closed. */
  const check = () => {
    for (const execution of state.alive.values()) {
      if (!isHookSession(execution) || !isGone(execution)) continue;
      record({ ...endOfSession(execution, { isGone: true }), execution: execution.id });
    }
    owners.forget(state);
  };
  const timer = setInterval(check, checkMs).unref();

  return {
    eventsOf(line) {
      const parsed = readHookCall(line.data);
      const call = parsed && inRun(parsed, state);
      if (!call) {
        if (!isBadLogged) log('hooks: a call has no session or no event; further ones are not logged');
        isBadLogged = true;
        return [];
      }
      if (repeated.isRepeated(call, originOf(line, now))) return [];
      const entry = registries.get(call.agent)?.entryOf(call.session);
      const pid = entry?.pid ?? owners.ownerOf(call);
      const place = hookTargetOf(call, state, pid);
      if (place.kind !== 'none') for (const file of transcriptsOf(call)) onTranscript?.(call.agent, file, call.session);
      const events = [...eventsOf(call, place, pid), ...endsOfOthers(call, pid, state)];
      return stamp(unanswered(events, call, entry), line, call);
    },
    close: () => clearInterval(timer),
  };
}

/** Returns the files of its session that a call names. */
function transcriptsOf({ fields }: HookCall): string[] {
  const named = [fields['transcript_path'], fields['agent_transcript_path']];
  return named.filter((file) => typeof file === 'string').filter((file) => path.isAbsolute(file));
}

/** A line without a time was written just now, unless it comes from a backlog, whose times are unknown. */
function originOf({ source, n, time, approximate }: NewEvent, now: () => number): CallOrigin {
  return { source, n, time: approximate ? undefined : time === undefined ? now() : Date.parse(time) };
}

type Draft = Omit<NewEvent, 'source' | 'n'>;

/** @param pid Process of the agent, if known. */
function eventsOf(call: HookCall, place: HookTarget, pid: number | undefined): Draft[] {
  if (place.kind === 'none') {
    const data = { summary: 'continued by its own output' };
    return place.left ? [{ type: 'execution_completed', execution: place.left.id, data }] : [];
  }
  const { known } = place;
  const session = describeSession(call);
  const open = known && !isFinal(known.status) ? known : undefined;
  const init = { type: 'activity', data: { kind: 'init', ...session, ...(pid !== undefined && { pid }) } };
  if (place.kind === 'run') {
    if (!open) return [];
    const events = [...(open.agent?.session !== call.session ? [init] : []), ...hookEvents(call, open)];
    return events.map((event) => ({ ...event, execution: open.id }));
  }
  if (call.event === 'SessionEnd') return open ? [{ ...endOfSession(open), execution: open.id }] : [];
  const isNew = open === undefined && isBeginning(call, known);
  if (!open && !isNew) return [];
  const begins = isNew || open?.agent?.via !== 'hooks' || isStart(call);
  const start = { type: 'execution_started', data: { ...session, ...beginning(call, place.parent, pid) } };
  const isMoved = pid !== undefined && open?.process?.pid !== pid;
  return [...(begins ? [start, init] : isMoved ? [init] : []), ...hookEvents(call, open)].map((event) => ({
    ...event,
    execution: call.session,
  }));
}

/** Ends earlier sessions of this process: `--continue` announces one and resumes another, `/clear` starts a new one. */
function endsOfOthers(call: HookCall, pid: number | undefined, state: State): Draft[] {
  if (pid === undefined || !isStart(call) || !definitionOf(call.agent)?.hasOneSession) return [];
  return [...state.alive.values()]
    .filter(
      (one) =>
        isHookSession(one) &&
        one.process?.pid === pid &&
        one.agent?.name === call.agent &&
        one.agent.session !== call.session,
    )
    .map((one) => ({ ...endOfLeft(one, call.session), execution: one.id }));
}

/** While the registry says that the agent waits, other activity does not answer its question. */
function unanswered(events: Draft[], { event }: HookCall, entry: RegistryEntry | undefined): Draft[] {
  if (entry?.status !== 'waiting' || event === 'UserPromptSubmit') return events;
  return events.filter(({ type, data }) => type !== 'attention' || data['state'] !== 'none');
}

/** Whether a process starts, with a new or an old session; after a compaction it continues. */
function isStart({ event, fields }: HookCall): boolean {
  return event === 'SessionStart' && fields['source'] !== 'compact';
}

function beginning({ agent, fields }: HookCall, within: string | undefined, pid: number | undefined): EventData {
  const directory = typeof fields['cwd'] === 'string' ? path.basename(fields['cwd']) : '';
  return {
    name: directory === '' ? agent : `${agent} in ${directory}`,
    kind: 'agent',
    host: hostname(),
    ...(pid !== undefined && { pid }),
    ...(within !== undefined && { parent: within }),
  };
}

/** Adds source, n and time of the line; the time of the agent's own clock precedes. */
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
