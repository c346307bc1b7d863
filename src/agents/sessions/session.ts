/** One session as an execution: announced, told line by line, and ended when somebody says that it is over. */
import path from 'node:path';
import type { NewEvent } from '../../core/event.js';
import type { Execution } from '../../core/execution.js';
import { isFinal } from '../../core/execution.js';
import type { State } from '../../core/state.js';
import { findExecution } from '../../core/state.js';
import { ProgressError } from '../../core/errors.js';
import type { Agent } from '../../core/agents.js';
import type { Receipt } from '../../tailing/tail.js';
import type { TimedEvent } from '../../formats/interpreter.js';
import { takes, toldBy } from '../precedence.js';
import { interruption, isStopped, isTurnEnd, turnReason } from '../turn.js';
import { hookedAt, usageEvents } from './hooked-usage.js';
import type { About, SessionFile, SessionLine } from './session-file.js';
import type { Registry } from '../claude/process-registry.js';
import type { Facts } from './end-detection.js';
import { isResting, detectEnd } from './end-detection.js';

export interface SessionOptions {
  agent: Agent;
  state: State;
  /** These are written together or not at all; the last one stands for all. Throws when they can never be taken. */
  submit: (events: NewEvent[], bytes: number, receipt?: Receipt) => void;
  /** Decides on the state of everything that was handed in before; none is told as `duplicate`. */
  submitLate: (make: () => NewEvent[], receipt: Receipt) => void;
  log: (message: string) => void;
  now: () => number;
  silenceMs: number;
  /** The agent's own account of its processes, if it keeps one. */
  registry?: Pick<Registry, 'living' | 'entryOf'> | undefined;
  /** Followed only because hooks have named its file, of which only tokens and an interruption are recorded. */
  isNamed?: boolean;
}

/** A file of it, and who its events are of. */
export interface SessionPart {
  source: string;
  file: SessionFile;
}

export interface Session {
  readonly about: About;
  /** In Unix milliseconds, when all of it was taken; undefined if not all was. */
  readonly idleSince: number | undefined;
  /** The first part is the session's own file, the others are those of its sub-agents. */
  add(part: SessionPart): void;
  /** Before a chunk is read: finds out who else tells of this session. */
  prepare(): void;
  take(source: string, line: SessionLine): void;
  /** Is it over, or does it wait for somebody? */
  check(process: Facts['process']): void;
  /** Has it an execution that goes on? */
  readonly isAlive: boolean;
  /** How many executions it has begun: what was seen of the process of one says nothing about the next. */
  readonly lives: number;
}

/** What runs under the session's ID now, or has ended last. */
export function newestOf(state: State, session: string | undefined): Execution | undefined {
  let found = session === undefined ? undefined : findExecution(state, session);
  while (found?.successor !== undefined) found = findExecution(state, found.successor);
  return found;
}

export function createSession(options: SessionOptions): Session {
  const { agent, state, submit, submitLate, log, now, silenceMs, registry, isNamed = false } = options;
  const parts: SessionPart[] = [];
  /** Better told by somebody else, as long as these are alive. */
  let rivals: Execution[] = [];
  /** The session that they tell. */
  let disputed: string | undefined;
  let lives = 0;
  let starting = false;
  let ending = false;
  let resting = false;
  let stopping = false;

  const own = () => parts[0];
  const aboutIt = (): About => own()?.file.about ?? {};

  const current = () => newestOf(state, aboutIt().session);
  const isAlive = () => {
    const found = current();
    return found !== undefined && found.implicit === undefined && !isFinal(found.status);
  };

  const prepare = () => {
    const { session } = aboutIt();
    disputed = session;
    rivals = [...everyExecution(state)].filter((one) => one.session === session && one.via !== 'transcript');
  };

  /** Who else has seen what happened at that time, and has told it. */
  const rivalsAt = (time: string): Execution[] => {
    // its first line has named it
    if (disputed !== aboutIt().session) prepare();
    return rivals.filter(({ status, endedAt = '' }) => !isFinal(status) || time <= endedAt);
  };
  const isToldBetter = (time: string): boolean => !takes('transcript', toldBy(aboutIt().session ?? '', rivalsAt(time)));

  const tellUsage = (source: string, { events, end: n, bytes, receipt }: SessionLine, execution: string) => {
    const told = usageEvents(events, execution, source);
    const last = told.at(-1);
    if (!last) return receipt.duplicate();
    last.n = n;
    attempt(told, bytes, receipt);
  };

  const attempt = (events: NewEvent[], bytes: number, receipt?: Receipt) => {
    try {
      submit(events, bytes, receipt);
    } catch (error) {
      log(`sessions: ${agent} ${aboutIt().session ?? ''}: ${ProgressError.from(error).message}`);
      receipt?.duplicate();
    }
  };

  const eventOf = ({ type, step, time, data }: Omit<TimedEvent, 'time'> & { time?: string }, source: string) => {
    const event: NewEvent = { type, source, data };
    const { session } = aboutIt();
    if (session !== undefined) event.execution = session;
    if (step !== undefined) event.step = step;
    if (time !== undefined) event.time = time;
    return event;
  };

  const start = (source: string, time: string) => {
    const { session, cwd, parent: starter, forkedFrom } = aboutIt();
    const parent = starter ?? forkedFrom;
    const data = {
      name: cwd === undefined ? agent : `${agent} in ${path.basename(cwd) || cwd}`,
      kind: 'agent',
      agent,
      via: 'transcript',
      session,
      ...(cwd !== undefined && { cwd }),
      ...(parent !== undefined && { parent: executionOf(parent) }),
    };
    starting = true;
    lives++;
    const done = () => void (starting = false);
    attempt([eventOf({ type: 'execution_started', time, data }, source)], 0, {
      written: done,
      duplicate: done,
      refused: done,
    });
  };

  const executionOf = (session: string): string => {
    for (const execution of everyExecution(state)) if (execution.session === session) return execution.id;
    return session;
  };

  const end = (facts: Facts): boolean => {
    const verdict = detectEnd(facts, silenceMs);
    const source = own()?.source;
    if (!verdict || source === undefined) return false;
    const { status, data } = verdict;
    const left = parts
      .toReversed()
      .flatMap((part) => part.file.close(status).map((event) => eventOf(event, part.source)));
    const newest = parts
      .map(({ file }) => file.lastTime ?? '')
      .sort()
      .at(-1);
    const isSeen = data['endedBy'] === 'process';
    const time = isSeen || !newest ? new Date(now()).toISOString() : newest;
    ending = true;
    const done = () => void (ending = false);
    attempt([...left, eventOf({ type: `execution_${status}`, time, data }, source)], 0, {
      written: done,
      duplicate: done,
      refused: done,
    });
    return true;
  };

  /** No hook of Claude Code tells that a turn was interrupted. Where the registry knows the session, it knows more. */
  const lookForInterruption = (execution: Execution, { file }: SessionPart) => {
    const isNews = (one: Execution | undefined) => one !== undefined && isStopped(one, file.claim, file.claimedAt);
    if (stopping || registry?.entryOf(execution.session ?? '') || !isNews(execution)) return;
    stopping = true;
    const done = () => void (stopping = false);
    // the next prompt may be on its way
    const make = () => {
      const latest = current();
      return latest && isNews(latest) ? interruption(latest).map((event) => ({ ...event, ...timeOf(file) })) : [];
    };
    submitLate(make, { written: done, duplicate: done, refused: done });
  };

  const setAttention = (attention: EventAttention, source: string) =>
    eventOf({ type: 'attention', data: { ...attention } }, source);

  return {
    get about() {
      return aboutIt();
    },
    get isAlive() {
      return isAlive();
    },
    get idleSince() {
      const times = parts.map(({ file }) => file.idleSince);
      return times.includes(undefined) ? undefined : Math.max(...times.map(Number));
    },
    get lives() {
      return lives;
    },
    add: (part) => void parts.push(part),
    prepare,
    take(source, line) {
      const { events, end: n, bytes, receipt } = line;
      const time = events[0]?.time ?? '';
      if (aboutIt().session === undefined) return receipt.duplicate();
      if (isNamed || isToldBetter(time)) {
        // hooks tell everything but tokens; what an agent prints tells those too
        const isHooked = toldBy(aboutIt().session ?? '', rivalsAt(time)) !== 'stream';
        const hooked = isHooked ? hookedAt(rivals, time) : undefined;
        return hooked ? tellUsage(source, line, hooked.id) : receipt.duplicate();
      }
      if (ending || (!isAlive() && !starting)) start(source, time);
      ending = false;
      const told = events.map((event) => eventOf(event, source));
      // a sub-agent in the background is no answer to its session
      if (source === own()?.source) {
        if (resting || isTurnEnd(current()?.attentionReason)) told.unshift(setAttention({ state: 'none' }, source));
        resting = false;
      }
      const last = told.at(-1);
      if (last) last.n = n;
      attempt(told, bytes, receipt);
    },
    check(process) {
      const { idleSince } = this;
      const [main, execution] = [own(), current()];
      if (!main || !isAlive() || ending || !execution) return;
      if (execution.via === 'hooks') return lookForInterruption(execution, main);
      if (idleSince === undefined || isNamed || execution.via !== 'transcript') return;
      const { claim, isOver } = main.file;
      const facts = { claim, isOver, idleMs: now() - idleSince, process };
      if (end(facts) || resting || !claim || execution.attention === 'waiting') return;
      if (!isResting({ ...facts, idleMs: now() - (main.file.idleSince ?? now()) })) return;
      resting = true;
      attempt([setAttention({ state: 'waiting', reason: turnReason(claim) }, main.source)], 0);
    },
  };
}

function timeOf({ claimedAt }: SessionFile) {
  return claimedAt === undefined ? {} : { time: claimedAt };
}

type EventAttention = { state: 'waiting'; reason: string } | { state: 'none' };

function* everyExecution({ alive, ended, summaries }: State): Generator<Execution> {
  for (const known of [alive, ended, summaries]) yield* known.values();
}
