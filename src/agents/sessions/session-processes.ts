/** Tracks which of the followed sessions of one agent have a process. */
import type { Agent } from '../../core/agents.js';
import { readCommands, readOpenFiles } from '../../platform/processes.js';
import type { Facts } from './end-detection.js';
import { isProgramOf, sessionsWithProcess } from './process-match.js';
import type { ProcessRegistry } from './process-registry.js';
import type { Session } from './session.js';

/** A session and its own file, not that of a sub-agent. */
export interface SessionWithFile {
  path: string;
  session: Session;
}

export interface SessionProcessesOptions {
  agent: Agent;
  registry: Pick<ProcessRegistry, 'living'> | undefined;
  now: () => number;
  /** Minimum interval between two readings of all processes, in milliseconds. */
  intervalMs: number;
}

export class SessionProcesses {
  readonly #options: SessionProcessesOptions;
  #withProcess: ReadonlySet<SessionWithFile> = new Set();
  #checkedAt = -Infinity;
  readonly #checked = new WeakSet<SessionWithFile>();
  /** The execution of the session, by number, in which its process was last seen. */
  readonly #seenIn = new WeakMap<SessionWithFile, number>();

  constructor(options: SessionProcessesOptions) {
    this.#options = options;
  }

  /** Looks for the processes of these sessions, if a check is due. */
  refresh(alive: readonly SessionWithFile[]): void {
    const { now, intervalMs } = this.#options;
    // a short process may end before the next check
    const isKnown = alive.every((one) => this.#checked.has(one) && !this.#isOutdated(one));
    if (alive.length === 0 || (now() - this.#checkedAt < intervalMs && isKnown)) return;
    this.#checkedAt = now();
    for (const one of alive) this.#checked.add(one);
    this.#withProcess = this.#find(alive);
    for (const one of this.#withProcess) this.#seenIn.set(one, one.session.starts);
  }

  /**
   * Returns the state of a session's process. A session that another one has started lives as long as that one.
   * @param all the followed sessions
   */
  stateOf(one: SessionWithFile, all: readonly SessionWithFile[]): Facts['process'] {
    const { parent } = one.session.about;
    const starter = parent === undefined ? undefined : all.find(({ session }) => session.about.session === parent);
    if (starter && starter !== one) return starter.session.isAlive ? 'alive' : 'gone';
    if (this.#withProcess.has(one)) return 'alive';
    return this.#seenIn.get(one) === one.session.starts ? 'gone' : 'none';
  }

  /** Whether the file was written after the last check, which has not seen its writer. */
  #isOutdated(one: SessionWithFile): boolean {
    return !this.#withProcess.has(one) && (one.session.idleSince ?? -Infinity) >= this.#checkedAt;
  }

  #find(alive: readonly SessionWithFile[]): Set<SessionWithFile> {
    const { agent, registry, now } = this.#options;
    // processes in the registry need not be matched by their working directory
    const entries = registry?.living() ?? [];
    const pids = new Set(entries.map(({ pid }) => pid));
    const commands = readCommands()?.filter(
      (command) => isProgramOf(agent, command) && !pids.has(command.pid) && !pids.has(command.parent),
    );
    const candidates = alive
      .filter(({ session }) => session.about.parent === undefined)
      .map((one) => ({
        one,
        file: one.path,
        cwd: one.session.about.cwd,
        writtenAt: one.session.idleSince ?? now(),
      }));
    const found = commands ? [...sessionsWithProcess(candidates, commands, readOpenFiles)].map(({ one }) => one) : [];
    const listed = new Set(entries.map(({ session }) => session));
    return new Set([...found, ...alive.filter(({ session }) => listed.has(session.about.session ?? ''))]);
  }
}
