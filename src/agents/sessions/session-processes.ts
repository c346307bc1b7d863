/** Which of the followed sessions of one agent have a process, looked up once per interval. */
import type { Agent } from '../../core/agents.js';
import { readCommands, readOpenFiles } from '../../platform/processes.js';
import { isProgramOf, sessionsWithProcess } from './process-match.js';
import type { Registry } from '../claude/process-registry.js';
import type { Session } from './session.js';
import type { Facts } from './end-detection.js';

/** A session and its own file, not that of a sub-agent. */
export interface SessionWithFile {
  path: string;
  session: Session;
}

export interface SessionProcesses {
  /** Looks for processes of these sessions, where that is due. */
  look(alive: readonly SessionWithFile[]): void;
  /** `all`: the followed sessions, among which is the one that has started this one. */
  stateOf(one: SessionWithFile, all: readonly SessionWithFile[]): Facts['process'];
}

export interface SessionProcessesOptions {
  agent: Agent;
  /** The agent's own account of its processes, if it keeps one. */
  registry: Pick<Registry, 'living'> | undefined;
  now: () => number;
  /** The processes of the machine are read so often at the most, in milliseconds. */
  intervalMs: number;
}

export function createSessionProcesses(options: SessionProcessesOptions): SessionProcesses {
  const { agent, registry, now, intervalMs } = options;
  let withProcess: ReadonlySet<SessionWithFile> = new Set();
  let lookedAt = -Infinity;
  const lookedFor = new WeakSet<SessionWithFile>();
  /** The life of the session in which a process of it was seen last. */
  const seenIn = new WeakMap<SessionWithFile, number>();

  /** What was written since the last look comes from a process that was not seen by it. */
  const isOutdated = (one: SessionWithFile): boolean =>
    !withProcess.has(one) && (one.session.idleSince ?? -Infinity) >= lookedAt;

  const find = (alive: readonly SessionWithFile[]): Set<SessionWithFile> => {
    // whose session the agent has told is not guessed by its directory
    const entries = registry?.living() ?? [];
    const pids = new Set(entries.map(({ pid }) => pid));
    const commands = readCommands()?.filter(
      (command) => isProgramOf(agent, command) && !pids.has(command.pid) && !pids.has(command.parent),
    );
    const candidates = alive
      .filter(({ session }) => session.about.parent === undefined)
      .map((one) => ({
        one,
        agent,
        file: one.path,
        cwd: one.session.about.cwd,
        writtenAt: one.session.idleSince ?? now(),
      }));
    const found = commands ? [...sessionsWithProcess(candidates, commands, readOpenFiles)].map(({ one }) => one) : [];
    const listed = new Set(entries.map(({ session }) => session));
    return new Set([...found, ...alive.filter(({ session }) => listed.has(session.about.session ?? ''))]);
  };

  return {
    look(alive) {
      // one that is short would be gone with the next look
      const isKnown = alive.every((one) => lookedFor.has(one) && !isOutdated(one));
      if (alive.length === 0 || (now() - lookedAt < intervalMs && isKnown)) return;
      lookedAt = now();
      for (const one of alive) lookedFor.add(one);
      withProcess = find(alive);
      for (const one of withProcess) seenIn.set(one, one.session.lives);
    },
    /** One that another has started lives as long as that. */
    stateOf(one, all) {
      const { parent } = one.session.about;
      const starter = parent === undefined ? undefined : all.find(({ session }) => session.about.session === parent);
      if (starter && starter !== one) return starter.session.isAlive ? 'alive' : 'gone';
      if (withProcess.has(one)) return 'alive';
      return seenIn.get(one) === one.session.lives ? 'gone' : 'none';
    },
  };
}
