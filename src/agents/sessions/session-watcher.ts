/**
 * Follows the sessions of one agent through its session files.
 *
 * A parser depends on the lines before, so a file is always read from its beginning; lines that the journal already
 * has, by their offset, are parsed and not recorded again. All events of one line are one write. Before each chunk,
 * `agents/precedence.ts` decides which source counts; a new session is held briefly, so that a better source can
 * identify it first.
 */
import { lstatSync } from 'node:fs';
import type { FollowStatus } from '../../api/messages.js';
import type { Agent } from '../../core/agents.js';
import { ProgressError } from '../../core/base/errors.js';
import type { State } from '../../core/state/state.js';
import type { ErrorReporter } from '../../tailing/error-reporter.js';
import { createErrorReporter } from '../../tailing/error-reporter.js';
import type { ReadQueue } from '../../tailing/read-queue.js';
import { createReadQueue } from '../../tailing/read-queue.js';
import { exhaustedLimit } from '../../tailing/watch-limits.js';
import type { AgentDefinition } from '../agent.js';
import { FORMATS } from '../formats.js';
import { newestOf } from '../newest-execution.js';
import { DEFINITIONS } from '../registry.js';
import { Finder } from './finder.js';
import { FollowedFile, sourcesOf } from './followed-file.js';
import type { SessionOptions } from './session.js';
import { Session } from './session.js';
import type { SessionPlace } from './session-files.js';
import { placeOfNamed, sessionPlaceOf, sessionRoots, siblingOf } from './session-files.js';
import { filesOfSession } from './session-paths.js';
import { SessionProcesses } from './session-processes.js';

export interface SessionWatcherOptions extends SessionOptions {
  /** Directory of the session files. */
  root: string;
  /** Files that were not written within this time, in milliseconds, are ignored. */
  backfillMs: number;
  /** Returns the offset up to which the journal has a source. */
  takenOf: (source: string) => number | undefined;
  isFull: () => boolean;
  sweepMs?: number;
  checkMs?: number;
  holdMs?: number;
  processesMs?: number;
}

/** Interval of the sweeps, which find what the watches have missed. */
const SWEEP_MS = 60_000;
/** Interval of the checks whether sessions have ended. */
const CHECK_MS = 2_000;
/** Minimum interval between two readings of all processes. */
const PROCESSES_MS = 10_000;
/** Time in which a better source can identify a new session. */
const HOLD_MS = 1_500;
/** Repetitions of it, while a run has not named its session. */
const MAX_HOLDS = 20;
/** Time in which a file is written after hooks have named it. */
const NAMED_MS = 15_000;
/** Open files; beyond it, those that were not written for longest are closed. */
const MAX_FILES = 500;

/** A file that hooks have named, and when. */
interface NamedFile {
  place: SessionPlace;
  session: string;
  at: number;
}

export class SessionWatcher {
  readonly #options: SessionWatcherOptions;
  readonly #definition: AgentDefinition;
  readonly #roots: readonly string[];
  readonly #finders: readonly Finder[];
  readonly #findHistory: ReturnType<NonNullable<AgentDefinition['sessions']['createHistoryFinder']>> | undefined;
  /** By source. */
  readonly #files = new Map<string, FollowedFile>();
  /** By path. */
  readonly #named = new Map<string, NamedFile>();
  readonly #queue: ReadQueue<FollowedFile>;
  readonly #processes: SessionProcesses;
  readonly #errors: ErrorReporter;
  readonly #timers: NodeJS.Timeout[];
  readonly #holds = new Set<NodeJS.Timeout>();
  /** System limit on watches that was reached and reported. */
  #exhausted: string | undefined;
  #isClosed = false;

  constructor(options: SessionWatcherOptions) {
    const { agent, root, state, log, registry, now, isFull, processesMs = PROCESSES_MS } = options;
    this.#options = options;
    this.#definition = DEFINITIONS[agent];
    const { sessions } = this.#definition;
    this.#roots = sessionRoots(sessions, root);
    this.#findHistory = sessions.createHistoryFinder?.(this.#roots);
    this.#errors = createErrorReporter((message) => log(`sessions: ${agent}: ${message}`));
    this.#processes = new SessionProcesses({ agent, registry, now, intervalMs: processesMs });
    this.#queue = createReadQueue({ isFull, guard: this.#errors.run, read: (followed) => this.#read(followed) });
    this.#finders = this.#roots.map((directory) => this.#createFinder(directory));
    for (const session of hookedSessions(state, agent)) {
      for (const file of filesOfSession(sessions, this.#roots, session)) this.name(file, session);
    }
    this.#timers = this.#startTimers();
  }

  /** Follows a file that hooks have named. */
  name(path: string, session: string): void {
    const { agent, now } = this.#options;
    const place = placeOfNamed(agent, this.#definition.sessions, path, session);
    if (!place) return;
    this.#named.set(path, { place, session, at: now() });
    this.#errors.run(() => this.#notice(place, path));
  }

  /** Whether this source is followed; its position must not be forgotten then. */
  isOpen(source: string): boolean {
    return this.#files.has(source.replace(/~\d+$/, ''));
  }

  /** Ends the backpressure. */
  resume(): void {
    this.#queue.resume();
  }

  status(): Pick<FollowStatus, 'files' | 'skipped'> {
    const files = [...this.#files.values()];
    const skipped = files.filter(({ file }) => file.skipped !== undefined).map(({ path }) => path);
    return { files: files.length, skipped };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const timer of this.#holds) clearTimeout(timer);
    this.#queue.close();
    await Promise.all(this.#finders.map((finder) => finder.close()));
  }

  #startTimers(): NodeJS.Timeout[] {
    const { isNamed, checkMs = CHECK_MS, sweepMs = SWEEP_MS } = this.#options;
    const checks = setInterval(() => this.#errors.run(() => this.#check()), checkMs);
    if (isNamed) return [checks];
    this.#sweep();
    return [checks, setInterval(() => this.#sweep(), sweepMs)];
  }

  #createFinder(root: string): Finder {
    const { isDirectory, identify } = this.#definition.sessions;
    return new Finder({
      root,
      isDirectory,
      isFile: (parts) => identify(parts) !== undefined,
      isWanted: (parts, writtenAt) => this.#isWanted(this.#placeOf(parts), writtenAt),
      onFile: (parts, file) => this.#errors.run(() => this.#notice(this.#placeOf(parts), file)),
      onWatchFailure: (error) => this.#onWatchFailure(error),
    });
  }

  #finderOf(file: string): Finder | undefined {
    return this.#finders.find((finder) => finder.holds(file));
  }

  #placeOf(parts: readonly string[]): SessionPlace | undefined {
    return sessionPlaceOf(this.#options.agent, this.#definition.sessions, parts);
  }

  #sweep(): void {
    void Promise.all(this.#finders.map((finder) => finder.sweep())).catch((error: unknown) =>
      this.#options.log(`sessions: ${ProgressError.from(error).message}`),
    );
  }

  #onWatchFailure(error: unknown): void {
    const { agent, log } = this.#options;
    const limit = exhaustedLimit(error);
    if (limit === undefined || limit === this.#exhausted) return;
    this.#exhausted = limit;
    log(`sessions: ${agent}: files are found late, because changes are not reported: ${limit} is used up`);
  }

  /** Whether to follow a file: it is recent, or its session was not at its end. */
  #isWanted(place: SessionPlace | undefined, writtenAt: number): boolean {
    const { now, backfillMs, takenOf, state } = this.#options;
    if (now() - writtenAt <= backfillMs) return true;
    const sources = place === undefined ? [] : sourcesOf(place, takenOf);
    return sources.some((source) => (state.sources.get(source)?.open.length ?? 0) > 0);
  }

  /** Handles a file that is new or may have changed. */
  #notice(place: SessionPlace | undefined, path: string): void {
    if (!place || this.#isClosed) return;
    const known = this.#files.get(place.source);
    if (known) {
      if (known.path === path) this.#touch(known);
      else if (known.move(place, path)) this.#touchMoved(known);
      return;
    }
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile() || !(this.#named.has(path) || this.#isWanted(place, stat.mtimeMs))) return;
    const followed = this.#open(place, path);
    if (!followed) return;
    this.#finderOf(path)?.watchDirectoryOf(path);
    this.#hold(followed);
  }

  #touch(followed: FollowedFile): void {
    if (!followed.isHeld) this.#queue.touch(followed);
  }

  #touchMoved(followed: FollowedFile): void {
    this.#finderOf(followed.path)?.watchDirectoryOf(followed.path);
    this.#touch(followed);
  }

  /** Reads one chunk. @returns whether there is more */
  #read(followed: FollowedFile): boolean {
    followed.session.prepare();
    const result = followed.file.read();
    if (result === 'gone' && followed.moveToCopy()) this.#touchMoved(followed);
    return result === 'more';
  }

  #open(place: SessionPlace, path: string): FollowedFile | undefined {
    const { state, takenOf, log } = this.#options;
    const session = place.owner === undefined ? new Session(this.#options) : this.#sessionOf(place, place.owner, path);
    if (!session) return undefined;
    const named = place.subagent === undefined ? place.session : undefined;
    const followed = new FollowedFile({
      ...{ definition: this.#definition, state, place, path, session, takenOf, log },
      findHistory: named === undefined ? undefined : this.#findHistory?.(named, path),
      onRefused: (one) => this.#queue.again(one),
    });
    session.add(followed.part);
    this.#files.set(place.source, followed);
    this.#evictFiles();
    return followed;
  }

  /** Returns the session of a sub-agent, whose own file is opened first. */
  #sessionOf(place: SessionPlace, owner: readonly string[], path: string): Session | undefined {
    const own = this.#placeOf(owner);
    if (!this.#files.has(own?.source ?? '')) this.#notice(own, siblingOf(place, path, owner));
    return this.#files.get(own?.source ?? '')?.session;
  }

  /** Delays the reading of a new session until better sources had the time to identify it. */
  #hold(followed: FollowedFile, times = 1): void {
    followed.isHeld = !followed.session.isAlive;
    if (!followed.isHeld) return this.#queue.touch(followed);
    const timer = setTimeout(() => {
      this.#holds.delete(timer);
      if (times < MAX_HOLDS && this.#isRunUnidentified()) return this.#hold(followed, times + 1);
      followed.isHeld = false;
      this.#queue.touch(followed);
    }, this.#options.holdMs ?? HOLD_MS);
    this.#holds.add(timer);
  }

  /** Whether a run of this agent has not named its session yet, which may be the held one. */
  #isRunUnidentified(): boolean {
    const { agent, state } = this.#options;
    return [...state.alive.values()].some(
      ({ agent: own, process }) =>
        own?.name === agent && own.session === undefined && FORMATS.ofProgram(process?.argv ?? []) !== undefined,
    );
  }

  /** Closes the session that was not written for longest, if too many files are open. */
  #evictFiles(): void {
    if (this.#files.size <= MAX_FILES) return;
    const idle = [...this.#files.values()].filter(({ session }) => session.idleSince !== undefined && !session.isAlive);
    const [oldest] = idle.sort((a, b) => (a.session.idleSince ?? 0) - (b.session.idleSince ?? 0));
    if (oldest) this.#forget(oldest.session);
  }

  #forget(session: Session): void {
    for (const [source, followed] of this.#files) {
      if (followed.session !== session) continue;
      this.#files.delete(source);
      this.#queue.drop(followed);
    }
  }

  #check(): void {
    const { now, backfillMs, isNamed } = this.#options;
    this.#checkNamed();
    const own = [...this.#files.values()].filter(({ isOwn }) => isOwn);
    const alive = own.filter(({ session }) => session.isAlive);
    if (!isNamed) this.#processes.refresh(alive);
    for (const followed of alive) followed.session.check(this.#processes.stateOf(followed, own));
    for (const { session } of own) {
      const { idleSince, isAlive } = session;
      if (!isAlive && idleSince !== undefined && now() - idleSince > backfillMs) this.#forget(session);
    }
  }

  /** Reads named files, which are written after the hook is called, and may be in a directory that is not watched. */
  #checkNamed(): void {
    const { now, state } = this.#options;
    for (const [path, { place, session, at }] of this.#named) {
      if (now() - at > NAMED_MS && !state.alive.has(newestOf(state, session)?.id ?? '')) this.#named.delete(path);
      else if (!this.#finderOf(path) || !this.#files.has(place.source)) this.#notice(place, path);
    }
  }
}

/** Returns the running sessions that hooks have recorded, also for an earlier daemon; they may not name their files again. */
export function hookedSessions(state: State, agent: Agent): string[] {
  return [...state.alive.values()]
    .filter((one) => one.agent?.name === agent && one.agent.via === 'hooks')
    .flatMap(({ agent: { session } = {} }) => session ?? []);
}
