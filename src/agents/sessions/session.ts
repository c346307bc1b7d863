/** Records one session as an execution: its start, its lines, its attention, and its end. */
import path from 'node:path';
import type { Agent } from '../../core/agents.js';
import { ProgressError } from '../../core/base/errors.js';
import type { EventData, NewEvent } from '../../core/events/event.js';
import type { Execution } from '../../core/execution.js';
import { isFinal } from '../../core/execution.js';
import type { State } from '../../core/state/state.js';
import type { LineReceipt } from '../../tailing/tail.js';
import { newestOf } from '../newest-execution.js';
import { sourceOfSession, takesPrecedence } from '../precedence.js';
import { interruption, isStopped, isTurnEnd, turnReason } from '../turn.js';
import type { Facts } from './end-detection.js';
import { detectEnd, isResting } from './end-detection.js';
import { hookedAt, usageEvents } from './hooked-usage.js';
import type { ProcessRegistry } from './process-registry.js';
import type { About, SessionFile, SessionLine } from './session-file.js';

export interface SessionOptions {
  agent: Agent;
  state: State;
  /** Submits events that are written together or not at all. Throws if they can never be accepted. */
  submit: (events: NewEvent[], bytes: number, receipt?: LineReceipt) => void;
  /** Submits events that are made once everything submitted before is folded; no events count as `duplicate`. */
  submitDeferred: (make: () => NewEvent[], receipt: LineReceipt) => void;
  log: (message: string) => void;
  now: () => number;
  /** A session without a process ends after this time without a write, in milliseconds. */
  inactivityMs: number;
  registry?: Pick<ProcessRegistry, 'living' | 'entryOf'> | undefined;
  /** The session is followed only because hooks have named its file: only its tokens and interruptions are recorded. */
  isNamed?: boolean;
}

/** A file of the session. */
export interface SessionPart {
  /** Source of its events. */
  source: string;
  file: Pick<SessionFile, 'about' | 'claim' | 'claimedAt' | 'isOver' | 'idleSince' | 'lastTime' | 'close'>;
}

type Attention = { state: 'waiting'; reason: string } | { state: 'none' };

export class Session {
  readonly #options: SessionOptions;
  readonly #parts: SessionPart[] = [];
  /** Executions of other sources, which have precedence while they are running. */
  #others: Execution[] = [];
  /** Session of these executions. */
  #othersOf: string | undefined;
  #starts = 0;
  #isStarting = false;
  #isEnding = false;
  #isResting = false;
  #isStopping = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get about(): About {
    return this.#own?.file.about ?? {};
  }

  /** When all files were recorded completely, in Unix milliseconds; undefined if they are not. */
  get idleSince(): number | undefined {
    const times = this.#parts.map(({ file }) => file.idleSince);
    return times.includes(undefined) ? undefined : Math.max(...times.map(Number));
  }

  /** Whether it has an execution that is not final. */
  get isAlive(): boolean {
    const found = this.#execution;
    return found !== undefined && found.implicit === undefined && !isFinal(found.status);
  }

  /** Number of executions it has started; knowledge about the process of one does not apply to the next. */
  get starts(): number {
    return this.#starts;
  }

  /** Adds a file: the session's own one first, then those of its sub-agents. */
  add(part: SessionPart): void {
    this.#parts.push(part);
  }

  /** Finds the other sources of the session; to be called before a chunk is read. */
  prepare(): void {
    const { session } = this.about;
    this.#othersOf = session;
    this.#others = [...allExecutions(this.#options.state)].filter(
      ({ agent }) => agent?.session === session && agent?.via !== 'transcript',
    );
  }

  /** Records the events of a line, or only its tokens if another source has precedence. */
  record(source: string, line: SessionLine): void {
    const { events, end, bytes, receipt } = line;
    const { session } = this.about;
    const time = events[0]?.time ?? '';
    if (session === undefined) return receipt.duplicate();
    const other = sourceOfSession(session, this.#othersAt(time));
    if (this.#options.isNamed || !takesPrecedence('transcript', other)) {
      // hooks have no tokens; the output of a run has
      const hooked = other === 'stream' ? undefined : hookedAt(this.#others, time);
      return hooked ? this.#recordUsage(source, line, hooked.id) : receipt.duplicate();
    }
    if (this.#isEnding || (!this.isAlive && !this.#isStarting)) this.#start(source, time);
    this.#isEnding = false;
    const recorded = events.map((event) => this.#eventOf(event, source));
    // a sub-agent in the background does not answer for its session
    if (source === this.#own?.source) {
      if (this.#isResting || isTurnEnd(this.#execution?.attention?.reason)) {
        recorded.unshift(this.#attention({ state: 'none' }, source));
      }
      this.#isResting = false;
    }
    const last = recorded.at(-1);
    if (last) last.n = end;
    this.#submit(recorded, bytes, receipt);
  }

  /** Records that the session has ended, or that it waits for the user. */
  check(process: Facts['process']): void {
    const { idleSince } = this;
    const [own, execution] = [this.#own, this.#execution];
    if (!own || !this.isAlive || this.#isEnding || !execution) return;
    if (execution.agent?.via === 'hooks') return this.#checkInterruption(execution, own.file);
    if (idleSince === undefined || this.#options.isNamed || execution.agent?.via !== 'transcript') return;
    const { now } = this.#options;
    const { claim, isOver } = own.file;
    const facts = { claim, isOver, idleMs: now() - idleSince, process };
    if (this.#end(facts, own.source) || this.#isResting || !claim || execution.attention?.state === 'waiting') return;
    if (!isResting({ ...facts, idleMs: now() - (own.file.idleSince ?? now()) })) return;
    this.#isResting = true;
    this.#submit([this.#attention({ state: 'waiting', reason: turnReason(claim) }, own.source)], 0);
  }

  get #own(): SessionPart | undefined {
    return this.#parts[0];
  }

  get #execution(): Execution | undefined {
    const { session } = this.about;
    return session === undefined ? undefined : newestOf(this.#options.state, session);
  }

  /** Returns the executions of other sources that were running at this time. */
  #othersAt(time: string): Execution[] {
    // the first line names the session
    if (this.#othersOf !== this.about.session) this.prepare();
    return this.#others.filter(({ status, endedAt = '' }) => !isFinal(status) || time <= endedAt);
  }

  #recordUsage(source: string, { events, end, bytes, receipt }: SessionLine, execution: string): void {
    const usage = usageEvents(events, execution, source);
    const last = usage.at(-1);
    if (!last) return receipt.duplicate();
    last.n = end;
    this.#submit(usage, bytes, receipt);
  }

  #start(source: string, time: string): void {
    const { agent } = this.#options;
    const { session, cwd, parent: starter, forkedFrom } = this.about;
    const parent = starter ?? forkedFrom;
    const data = {
      name: cwd === undefined ? agent : `${agent} in ${path.basename(cwd) || cwd}`,
      kind: 'agent',
      agent,
      via: 'transcript',
      session,
      ...(cwd !== undefined && { cwd }),
      ...(parent !== undefined && { parent: this.#executionOf(parent) }),
    };
    this.#isStarting = true;
    this.#starts++;
    const event = this.#eventOf({ type: 'execution_started', time, data }, source);
    this.#submit(
      [event],
      0,
      onSettled(() => (this.#isStarting = false)),
    );
  }

  /** @returns whether the session has ended */
  #end(facts: Facts, source: string): boolean {
    const { inactivityMs, now } = this.#options;
    const end = detectEnd(facts, inactivityMs);
    if (!end) return false;
    const { status, data } = end;
    const open = this.#parts
      .toReversed()
      .flatMap((part) => part.file.close(status).map((event) => this.#eventOf(event, part.source)));
    const newest = this.#parts
      .map(({ file }) => file.lastTime ?? '')
      .sort()
      .at(-1);
    const isObserved = data['endedBy'] === 'process';
    const time = isObserved || !newest ? new Date(now()).toISOString() : newest;
    this.#isEnding = true;
    const event = this.#eventOf({ type: `execution_${status}`, time, data }, source);
    this.#submit(
      [...open, event],
      0,
      onSettled(() => (this.#isEnding = false)),
    );
    return true;
  }

  /** Records an interruption, for which Claude Code has no hook, unless the process registry has the session's state. */
  #checkInterruption(execution: Execution, { claim, claimedAt }: SessionPart['file']): void {
    const { registry, submitDeferred } = this.#options;
    const isNew = (one: Execution | undefined) => one !== undefined && isStopped(one, claim, claimedAt);
    if (this.#isStopping || registry?.entryOf(execution.agent?.session ?? '') || !isNew(execution)) return;
    this.#isStopping = true;
    // the next prompt may have been submitted before
    const make = () => {
      const latest = this.#execution;
      if (!latest || !isNew(latest)) return [];
      return interruption(latest).map((event) => ({ ...event, ...(claimedAt !== undefined && { time: claimedAt }) }));
    };
    submitDeferred(
      make,
      onSettled(() => (this.#isStopping = false)),
    );
  }

  #submit(events: NewEvent[], bytes: number, receipt?: LineReceipt): void {
    const { agent, log, submit } = this.#options;
    try {
      submit(events, bytes, receipt);
    } catch (error) {
      log(`sessions: ${agent} ${this.about.session ?? ''}: ${ProgressError.from(error).message}`);
      receipt?.duplicate();
    }
  }

  #attention(attention: Attention, source: string): NewEvent {
    return this.#eventOf({ type: 'attention', data: { ...attention } }, source);
  }

  #eventOf(
    { type, step, time, data }: { type: string; step?: string; time?: string; data: EventData },
    source: string,
  ) {
    const event: NewEvent = { type, source, data };
    const { session } = this.about;
    if (session !== undefined) event.execution = session;
    if (step !== undefined) event.step = step;
    if (time !== undefined) event.time = time;
    return event;
  }

  #executionOf(session: string): string {
    for (const { agent, id } of allExecutions(this.#options.state)) if (agent?.session === session) return id;
    return session;
  }
}

/** Returns a receipt that ignores what became of the events. */
function onSettled(done: () => void): LineReceipt {
  return { written: done, duplicate: done, refused: done };
}

function* allExecutions({ alive, ended, summaries }: State): Generator<Execution> {
  for (const executions of [alive, ended, summaries]) yield* executions.values();
}
