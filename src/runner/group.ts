/** The processes of a run, and the only place that signals them: never by a process id alone. */
import { errnoOf } from '../errors.js';
import type { ProcessIdentity, ProcessInfo } from '../processes.js';
import { bootId, identityOf, isAlive, processesWith, readProcess, readProcesses } from '../processes.js';

export interface Group {
  readonly leader: ProcessIdentity;
  /** Those of its session and group that are alive, the leader or not. */
  members(): ProcessInfo[];
  /** To all of them at once. False when there is nobody to signal. */
  signal(name: NodeJS.Signals): boolean;
  /** Process ids of what has left the group, and still carries the environment of the run. */
  escaped(): number[];
}

/** What every process of a run has in its environment, unless it took it out. */
export function markerOf(run: string): string {
  return `PROGRESS_EXECUTION=${run}`;
}

/** Its command is a session of its own, which `leader` leads or has led. */
export function createGroup(leader: ProcessIdentity, run: string): Group {
  const marker = markerOf(run);

  const members = (): ProcessInfo[] => {
    if (leader.boot !== bootId()) return [];
    const found = readProcesses().filter(({ session, group }) => session === leader.pid && group === leader.pid);
    // a number is not given away while a group bears it, but this may be another group of a later time
    const isOurs = found.some(({ pid, start }) => pid === leader.pid && start === leader.start);
    const alive = found.filter(({ state }) => state !== 'Z');
    if (isOurs || alive.length === 0) return alive;
    const marked = new Set(processesWith(marker));
    return alive.some(({ pid, start }) => start >= leader.start && marked.has(pid)) ? alive : [];
  };

  return {
    leader,
    members,
    signal(name) {
      // one that has not made its session yet is still alone
      if (members().length > 0) return send(-leader.pid, name);
      return isAlive(leader) && send(leader.pid, name);
    },
    escaped() {
      const inside = new Set(members().map(({ pid }) => pid));
      return processesWith(marker).filter(
        (pid) => !inside.has(pid) && pid !== leader.pid && readProcess(pid)?.state !== 'Z',
      );
    },
  };
}

/** When nobody has written down who leads it: whoever leads a session and carries the marker. */
export function findGroup(run: string): Group | undefined {
  const pids = processesWith(markerOf(run));
  const leader = pids.find((pid) => readProcess(pid)?.session === pid);
  const identity = leader === undefined ? undefined : identityOf(leader);
  return identity && createGroup(identity, run);
}

function send(target: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(target, name);
  } catch (error) {
    // it has just ended; or it has become another user's, as sudo does
    if (errnoOf(error) === 'ESRCH' || errnoOf(error) === 'EPERM') return false;
    throw error;
  }
}
