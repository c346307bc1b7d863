/**
 * Follows the sessions of one agent through the files that it keeps of them.
 *
 * A parser has to know what came before, so a file is always read from its beginning; lines that the journal already
 * has, by their offset, are parsed and not recorded again. All events of one line are one write. Before each chunk,
 * `agents/precedence.ts` decides which source counts; a new session is held briefly, so that a better source may come
 * first.
 */
import { lstatSync } from 'node:fs';
import type { State } from '../../core/state.js';
import { ProgressError } from '../../core/errors.js';
import type { Agent } from '../../core/agents.js';
import type { FollowStatus } from '../../api/messages.js';
import { createErrorReporter } from '../../tailing/error-reporter.js';
import { createReadQueue } from '../../tailing/read-queue.js';
import { FORMATS } from '../formats.js';
import { exhaustedLimit } from '../../tailing/watch-limits.js';
import type { SessionPlace } from '../registry.js';
import { LAYOUTS, ownerOf, sessionPlaceOf, placeOfNamed, rootsOf } from '../registry.js';
import { createFinder } from './finder.js';
import type { FollowedFile } from './followed-file.js';
import { moveFollowed, moveToCopy, openFollowed, siblingOf, sourcesOf } from './followed-file.js';
import { createSiblings } from './history-files.js';
import type { Session, SessionOptions } from './session.js';
import { createSession, newestOf } from './session.js';
import { filesOfSession } from './session-paths.js';
import { createSessionProcesses } from './session-processes.js';

export interface SessionWatcherOptions extends SessionOptions {
  /** The agent's directory. */
  root: string;
  /** A file that was not written to within this time, in milliseconds, is not looked at. */
  backfillMs: number;
  /** Where the journal says that a source was read to. */
  takenOf: (source: string) => number | undefined;
  isFull: () => boolean;
  sweepMs?: number;
  lookMs?: number;
  holdMs?: number;
  processesMs?: number;
}

export interface SessionWatcher {
  /** Hooks have named this file of a session. */
  name(path: string, session: string): void;
  /** Is this source still being read? Then its position must not be forgotten. */
  isOpen(source: string): boolean;
  resume(): void;
  /** How many files are open, and which of them are not read. */
  status(): Pick<FollowStatus, 'files' | 'skipped'>;
  close(): Promise<void>;
}

/** The safety net under what the system tells of changes. */
const SWEEP_MS = 60_000;
/** Is one over? */
const LOOK_MS = 2_000;
/** The processes of the machine are looked through so often at the most. */
const PROCESSES_MS = 10_000;
/** A better source has so long to say that it tells of this session. */
const HOLD_MS = 1_500;
/** And so often again, as long as a run has not said which session it is. */
const MAX_HOLDS = 20;
/** A file that hooks have named is written for so long after they were called. */
const NAMED_MS = 15_000;
/** Open at a time. Beyond it those that were not written to for longest are closed. */
const MAX_FILES = 500;

export function createSessionWatcher(options: SessionWatcherOptions): SessionWatcher {
  const { agent, root, state, log, now, backfillMs, takenOf, isFull, registry, isNamed = false } = options;
  const { sweepMs = SWEEP_MS, lookMs = LOOK_MS, holdMs = HOLD_MS, processesMs = PROCESSES_MS } = options;
  const layout = LAYOUTS[agent];
  const roots = rootsOf(agent, root);
  const siblings = createSiblings();
  /** By source. */
  const files = new Map<string, FollowedFile>();
  /** Files that hooks have named, by path, and when that was. */
  const named = new Map<string, { place: SessionPlace; session: string; at: number }>();
  const holds = new Set<NodeJS.Timeout>();
  const processes = createSessionProcesses({ agent, registry, now, intervalMs: processesMs });
  let closed = false;
  const guard = createErrorReporter((message) => log(`sessions: ${agent}: ${message}`));

  const turns = createReadQueue<FollowedFile>({
    isFull,
    guard: guard.run,
    read(followed) {
      followed.session.prepare();
      const look = followed.file.read();
      if (look === 'gone' && moveToCopy(followed)) touchMoved(followed);
      return look === 'more';
    },
  });

  /** However old, a session that goes on is followed to its end. */
  const isWanted = (place: SessionPlace | undefined, writtenAt: number): boolean => {
    if (now() - writtenAt <= backfillMs) return true;
    const sources = place === undefined ? [] : sourcesOf(place, takenOf);
    return sources.some((source) => (state.sources.get(source)?.open.length ?? 0) > 0);
  };

  /** The limit of the system that a watch has met, once it is in the log. */
  let exhausted: string | undefined;
  const onWatchFailure = (error: unknown) => {
    const limit = exhaustedLimit(error);
    if (limit === undefined || limit === exhausted) return;
    exhausted = limit;
    log(`sessions: ${agent}: files are found late, because changes are not reported: ${limit} is used up`);
  };
  const finders = roots.map((each) =>
    createFinder({
      root: each,
      isDirectory: layout.isDirectory,
      isFile: (parts) => layout.identify(parts) !== undefined,
      isWanted: (parts, writtenAt) => isWanted(sessionPlaceOf(agent, parts), writtenAt),
      onFile: (parts, file) => guard.run(() => notice(sessionPlaceOf(agent, parts), file)),
      onWatchFailure,
    }),
  );
  const finderOf = (file: string) => finders.find((each) => each.holds(file));

  const notice = (place: SessionPlace | undefined, path: string) => {
    if (!place || closed) return;
    const known = files.get(place.source);
    if (known) {
      if (known.path === path) touch(known);
      else if (moveFollowed(known, place, path)) touchMoved(known);
      return;
    }
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile() || !(named.has(path) || isWanted(place, stat.mtimeMs))) return;
    const followed = open(place, path);
    if (!followed) return;
    finderOf(path)?.attend(path);
    hold(followed);
  };

  const touch = (followed: FollowedFile) => {
    if (!followed.isHeld) turns.touch(followed);
  };
  const touchMoved = (followed: FollowedFile) => {
    finderOf(followed.path)?.attend(followed.path);
    touch(followed);
  };

  const open = (place: SessionPlace, path: string): FollowedFile | undefined => {
    const session = place.subagent === undefined ? createSession(options) : ownSession(place, path);
    if (!session) return undefined;
    const onRefused = (followed: FollowedFile) => turns.again(followed);
    const followed = openFollowed({ state, place, path, session, roots, siblings, takenOf, onRefused, log });
    session.add(followed.part);
    files.set(place.source, followed);
    closeExcess();
    return followed;
  };

  /** The session of a sub-agent: its own file is read first. */
  const ownSession = (place: SessionPlace, path: string): Session | undefined => {
    const parts = ownerOf(place);
    const own = sessionPlaceOf(agent, parts);
    if (!files.has(own?.source ?? '')) notice(own, siblingOf(place, path, parts));
    return files.get(own?.source ?? '')?.session;
  };

  const hold = (followed: FollowedFile, times = 1) => {
    followed.isHeld = !followed.session.isAlive;
    if (!followed.isHeld) return turns.touch(followed);
    const timer = setTimeout(() => {
      holds.delete(timer);
      if (times < MAX_HOLDS && isAwaited()) return hold(followed, times + 1);
      followed.isHeld = false;
      turns.touch(followed);
    }, holdMs);
    holds.add(timer);
  };

  /** Is there a run of this agent that will name its session, and has not yet? It may be this one. */
  const isAwaited = (): boolean =>
    [...state.alive.values()].some(
      (one) => one.agent === agent && one.session === undefined && FORMATS.ofProgram(one.argv ?? []) !== undefined,
    );

  const closeExcess = () => {
    if (files.size <= MAX_FILES) return;
    const idle = [...files.values()].filter(({ session }) => session.idleSince !== undefined && !session.isAlive);
    const [oldest] = idle.sort((a, b) => (a.session.idleSince ?? 0) - (b.session.idleSince ?? 0));
    if (oldest) forget(oldest);
  };

  /** With all that belongs to it. */
  const forget = ({ session }: FollowedFile) => {
    for (const [source, followed] of files) {
      if (followed.session !== session) continue;
      files.delete(source);
      turns.drop(followed);
    }
  };

  /** Files that hooks name are written later than the hooks are called, and changes of them need not be reported. */
  const readNamed = () => {
    for (const [path, { place, session, at }] of named) {
      if (now() - at > NAMED_MS && !state.alive.has(newestOf(state, session)?.id ?? '')) named.delete(path);
      else if (!finderOf(path) || !files.has(place.source)) notice(place, path);
    }
  };

  const look = () => {
    readNamed();
    const own = [...files.values()].filter(({ isOwn }) => isOwn);
    const alive = own.filter(({ session }) => session.isAlive);
    if (!isNamed) processes.look(alive);
    for (const followed of alive) followed.session.check(processes.stateOf(followed, own));
    for (const followed of own) {
      const { idleSince, isAlive } = followed.session;
      if (!isAlive && idleSince !== undefined && now() - idleSince > backfillMs) forget(followed);
    }
  };

  const sweep = () =>
    void Promise.all(finders.map((each) => each.sweep())).catch((error: unknown) =>
      log(`sessions: ${ProgressError.from(error).message}`),
    );
  const name = (path: string, session: string) => {
    const place = placeOfNamed(agent, path, session);
    if (!place) return;
    named.set(path, { place, session, at: now() });
    guard.run(() => notice(place, path));
  };
  for (const session of hookedSessions(state, agent)) {
    for (const file of filesOfSession(agent, roots, session)) name(file, session);
  }
  const timers = [setInterval(() => guard.run(look), lookMs)];
  if (!isNamed) {
    timers.push(setInterval(sweep, sweepMs));
    sweep();
  }

  return {
    name,
    isOpen: (source) => files.has(source.replace(/~\d+$/, '')),
    resume: () => turns.resume(),
    status: () => ({
      files: files.size,
      skipped: [...files.values()].filter(({ file }) => file.skipped !== undefined).map(({ path }) => path),
    }),
    async close() {
      closed = true;
      for (const timer of timers) clearInterval(timer);
      for (const timer of holds) clearTimeout(timer);
      turns.close();
      await Promise.all(finders.map((each) => each.close()));
    },
  };
}

/** Sessions of which hooks have told before, to an earlier daemon perhaps; they need not name their files again. */
export function hookedSessions(state: State, agent: Agent): string[] {
  return [...state.alive.values()]
    .filter((one) => one.agent === agent && one.via === 'hooks')
    .flatMap(({ session }) => session ?? []);
}
