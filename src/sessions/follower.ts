/** Follows the sessions of one agent through the files that it keeps of them. */
import { lstatSync } from 'node:fs';
import { nextGeneration } from '../core/fold.js';
import { ProgressError } from '../errors.js';
import { readCommands, readOpenFiles } from '../processes.js';
import type { FollowStatus } from '../protocol/messages.js';
import { createGuard } from '../spool/guard.js';
import { createTurns } from '../spool/turns.js';
import { formatOfProgram } from '../streams/formats.js';
import { exhaustedLimit } from '../watch-limits.js';
import type { Place } from './agents.js';
import { LAYOUTS, ownerOf, placeOf, rootsOf } from './agents.js';
import { createFinder } from './finder.js';
import { historyFinder } from './history-files.js';
import { isProgramOf, sessionsWithProcess } from './owners.js';
import type { Registry } from './registry.js';
import type { Part, Session, SessionOptions } from './session.js';
import { createSession } from './session.js';
import type { About, SessionFile } from './session-file.js';
import { openSessionFile, readCall, readProjectRoot } from './session-file.js';
import type { Facts } from './verdict.js';

export interface FollowerOptions extends SessionOptions {
  /** The agent's directory. */
  root: string;
  /** A file that was not written to within this time, in milliseconds, is not looked at. */
  backfillMs: number;
  /** Where the journal says that a source was read to. */
  takenOf: (source: string) => number | undefined;
  isFull: () => boolean;
  /** The agent's own account of its processes, if it keeps one. */
  registry?: Pick<Registry, 'living'> | undefined;
  sweepMs?: number;
  lookMs?: number;
  holdMs?: number;
  processesMs?: number;
}

export interface Follower {
  /** Is this source still being read? Then its position must not be forgotten. */
  isOpen(source: string): boolean;
  resume(): void;
  /** How many files are open, and which of them are not read. */
  status(): Pick<FollowStatus, 'files' | 'leftAlone'>;
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
/** Open at a time. Beyond it those that were not written to for longest are closed. */
const MAX_FILES = 500;

/** A session's file, or one of its sub-agents'. */
interface Followed {
  place: Place;
  path: string;
  file: SessionFile;
  session: Session;
  /** Its own file, not a sub-agent's. */
  isOwn: boolean;
  /** Somebody else may still say that it tells of this session. */
  isHeld: boolean;
  isLookedFor: boolean;
  /** The life of the session in which a process of it was seen last. */
  seenIn: number | undefined;
  part: Part;
  rewind(): void;
}

export function createFollower(options: FollowerOptions): Follower {
  const { agent, root, state, log, now, backfillMs, takenOf, isFull, registry } = options;
  const { sweepMs = SWEEP_MS, lookMs = LOOK_MS, holdMs = HOLD_MS, processesMs = PROCESSES_MS } = options;
  const layout = LAYOUTS[agent];
  const roots = rootsOf(agent, root);
  /** By source. */
  const files = new Map<string, Followed>();
  const holds = new Set<NodeJS.Timeout>();
  let withProcess: ReadonlySet<Followed> | undefined;
  let processesAt = -Infinity;
  let closed = false;
  const guard = createGuard((message) => log(`sessions: ${agent}: ${message}`));

  const turns = createTurns<Followed>({
    isFull,
    guard: guard.run,
    read(followed) {
      followed.session.prepare();
      return followed.file.read() === 'more';
    },
  });

  /** However old, a session that goes on is followed to its end. */
  const isWanted = (place: Place | undefined, writtenAt: number): boolean => {
    if (now() - writtenAt <= backfillMs) return true;
    return place !== undefined && (state.sources.get(newestSource(place))?.open.length ?? 0) > 0;
  };

  /** The limit of the system that a watch has met, once it is in the log. */
  let exhausted: string | undefined;
  const finder = createFinder({
    root,
    isDirectory: layout.isDirectory,
    isFile: (parts) => layout.identify(parts) !== undefined,
    isWanted: (parts, writtenAt) => isWanted(placeOf(agent, parts), writtenAt),
    onFile: (parts, file) => guard.run(() => notice(parts, file)),
    onWatchFailure(error) {
      const limit = exhaustedLimit(error);
      if (limit === undefined || limit === exhausted) return;
      exhausted = limit;
      log(`sessions: ${agent}: files are found late, because changes are not reported: ${limit} is used up`);
    },
  });

  const notice = (parts: readonly string[], path: string) => {
    const place = placeOf(agent, parts);
    if (!place || closed) return;
    const known = files.get(place.source);
    if (known) {
      // what has another path is a copy of the session
      if (known.path === path && !known.isHeld) turns.touch(known);
      return;
    }
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile() || !isWanted(place, stat.mtimeMs)) return;
    const followed = open(place, path);
    if (!followed) return;
    finder.attend(path);
    hold(followed);
  };

  const open = (place: Place, path: string): Followed | undefined => {
    const isOwn = place.subagent === undefined;
    const session = isOwn ? createSession(options) : ownSession(place, path);
    if (!session) return undefined;
    const source = newestSource(place);
    const file = openSessionFile({
      file: path,
      label: `sessions: ${agent} ${place.parts.join('/')}`,
      format: layout.format,
      step: isOwn ? undefined : (readCall(path) ?? place.subagent),
      taken: Math.max(0, takenOf(source) ?? 0),
      takenTime: state.sources.get(source)?.time,
      given: givenBy(place, path),
      findHistory: historyFinder(place, path, roots),
      onLine: (line) => session.take(followed.part.source, line),
      onReplaced() {
        const { part } = followed;
        if (takenOf(part.source) !== undefined) part.source = nextGeneration(part.source);
      },
      onRefused: () => turns.again(followed),
      log,
    });
    const followed: Followed = {
      ...{ place, path, file, session, isOwn, isHeld: false, isLookedFor: false, seenIn: undefined },
      part: { source, file },
      rewind: () => file.rewind(),
    };
    session.add(followed.part);
    files.set(place.source, followed);
    closeExcess();
    return followed;
  };

  /** A file that was written anew has a source for each time. */
  const newestSource = ({ source }: Place): string => {
    let newest = source;
    for (let next = newest; takenOf(next) !== undefined; next = nextGeneration(next)) newest = next;
    return newest;
  };

  /** The session of a sub-agent: its own file is read first. */
  const ownSession = (place: Place, path: string): Session | undefined => {
    const parts = ownerOf(place);
    const source = placeOf(agent, parts)?.source ?? '';
    if (!files.has(source)) notice(parts, siblingOf(place, path, parts));
    return files.get(source)?.session;
  };

  const hold = (followed: Followed, times = 1) => {
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
      (one) => one.agent === agent && one.session === undefined && formatOfProgram(one.argv ?? []) !== undefined,
    );

  const closeExcess = () => {
    if (files.size <= MAX_FILES) return;
    const idle = [...files.values()].filter(({ session }) => session.idleSince !== undefined && !session.isAlive);
    const [oldest] = idle.sort((a, b) => (a.session.idleSince ?? 0) - (b.session.idleSince ?? 0));
    if (oldest) forget(oldest);
  };

  /** With all that belongs to it. */
  const forget = ({ session }: Followed) => {
    for (const [source, followed] of files) {
      if (followed.session !== session) continue;
      files.delete(source);
      turns.drop(followed);
    }
  };

  const look = () => {
    const own = [...files.values()].filter(({ isOwn }) => isOwn);
    const alive = own.filter(({ session }) => session.isAlive);
    if (alive.length > 0) findProcesses(alive);
    for (const followed of alive) followed.session.look(processOf(followed));
    for (const followed of own) {
      const { idleSince, isAlive } = followed.session;
      if (!isAlive && idleSince !== undefined && now() - idleSince > backfillMs) forget(followed);
    }
  };

  const findProcesses = (alive: readonly Followed[]) => {
    // one that is short would be gone with the next look
    const isKnown = alive.every(({ isLookedFor }) => isLookedFor) && !alive.some(isOutdated);
    if (now() - processesAt < processesMs && isKnown) return;
    processesAt = now();
    for (const followed of alive) followed.isLookedFor = true;
    // whose session the agent has told is not guessed by its directory
    const told = registry?.living() ?? [];
    const pids = new Set(told.map(({ pid }) => pid));
    const commands = readCommands()?.filter(
      (command) => isProgramOf(agent, command) && !pids.has(command.pid) && !pids.has(command.parent),
    );
    const candidates = alive
      .filter(({ session }) => session.about.parent === undefined)
      .map((followed) => ({
        followed,
        agent,
        file: followed.path,
        cwd: followed.session.about.cwd,
        writtenAt: followed.session.idleSince ?? now(),
      }));
    const found = commands && sessionsWithProcess(candidates, commands, readOpenFiles);
    const listed = new Set(told.map(({ session }) => session));
    const owned = alive.filter(({ session }) => listed.has(session.about.session ?? ''));
    withProcess = new Set(
      [...(found ?? []), ...owned.map((followed) => ({ followed }))].map(({ followed }) => followed),
    );
    for (const followed of withProcess) followed.seenIn = followed.session.lives;
  };

  /** What was written since the last look comes from a process that was not seen by it. */
  const isOutdated = (followed: Followed): boolean =>
    withProcess?.has(followed) !== true && (followed.session.idleSince ?? -Infinity) >= processesAt;

  /** One that another has started lives as long as that. */
  const processOf = (followed: Followed): Facts['process'] => {
    const { parent } = followed.session.about;
    const starter =
      parent === undefined ? undefined : [...files.values()].find((one) => one.session.about.session === parent);
    if (starter && starter !== followed) return starter.session.isAlive ? 'alive' : 'gone';
    if (withProcess?.has(followed)) return 'alive';
    return followed.seenIn === followed.session.lives ? 'gone' : 'none';
  };

  const sweep = () =>
    void finder.sweep().catch((error: unknown) => log(`sessions: ${ProgressError.from(error).message}`));
  const timers = [setInterval(sweep, sweepMs), setInterval(() => guard.run(look), lookMs)];
  sweep();

  return {
    isOpen: (source) => files.has(source.replace(/~\d+$/, '')),
    resume: () => turns.resume(),
    status: () => ({
      files: files.size,
      leftAlone: [...files.values()].filter(({ file }) => file.leftAlone !== undefined).map(({ path }) => path),
    }),
    async close() {
      closed = true;
      for (const timer of timers) clearInterval(timer);
      for (const timer of holds) clearTimeout(timer);
      turns.close();
      await finder.close();
    },
  };
}

/** What its place tells of a session. */
function givenBy(place: Place, path: string): About {
  const { session, parent, root } = place;
  const cwd = root && readProjectRoot(siblingOf(place, path, root));
  return {
    ...(session !== undefined && { session }),
    ...(parent !== undefined && { parent }),
    ...(cwd !== undefined && { cwd }),
  };
}

/** Another file of the same agent; `path` is that of this place. */
function siblingOf({ parts }: Place, path: string, other: readonly string[]): string {
  return path.slice(0, -parts.join('/').length) + other.join('/');
}
