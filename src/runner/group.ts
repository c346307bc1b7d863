/** The processes of a run, and the only place that signals them: never by a process id alone. */
import { errnoOf } from '../core/errors.js';
import type { ProcessIdentity, ProcessInfo } from '../platform/processes.js';
import { bootId, identityOf, isAlive, processesWith, readProcess, readProcesses } from '../platform/processes.js';

export interface ProcessGroup {
  readonly leader: ProcessIdentity;
  /** Those of its session and group that are alive, the leader or not. */
  members(): ProcessInfo[];
  /** To all of them at once. False when no process has received it: none is left, or this user may signal none. */
  signal(name: NodeJS.Signals): boolean;
  /** Members that this user may not signal: a program such as sudo has changed their user. */
  foreign(): ProcessInfo[];
  /** Process ids of what has left the group, and still carries the environment of the run. */
  escaped(): number[];
}

/** What every process of a run has in its environment, unless it took it out. */
export function markerOf(run: string): string {
  return `PROGRESS_EXECUTION=${run}`;
}

/** Its command is a session of its own, which `leader` leads or has led. */
export function createProcessGroup(leader: ProcessIdentity, run: string): ProcessGroup {
  const marker = markerOf(run);
  /** Those of the last look, when it was certain that they are ours: as long as one is left, so is the group. */
  let known: ReadonlySet<string> = new Set();

  const isCertain = (found: readonly ProcessInfo[]): boolean => {
    if (found.some((process) => process.pid === leader.pid && process.start === leader.start)) return true;
    if (found.some((process) => known.has(keyOf(process)))) return true;
    const marked = new Set(processesWith(marker));
    return found.some(({ pid, start, state }) => state !== 'Z' && start >= leader.start && marked.has(pid));
  };

  const members = (): ProcessInfo[] => {
    // nobody but a broken record says so; and what is sent to group 1 goes to everybody
    if (!(leader.pid > 1) || leader.pid === process.pid || leader.boot !== bootId()) return [];
    const found = readProcesses().filter(({ session, group }) => session === leader.pid && group === leader.pid);
    // a number is not given away while a group bears it, but this may be another group of a later time
    if (found.length === 0 || !isCertain(found)) return [];
    known = new Set(found.map(keyOf));
    return found.filter(({ state }) => state !== 'Z');
  };

  return {
    leader,
    members,
    signal(name) {
      // one that has not made its session yet is still alone
      if (members().length > 0) return send(-leader.pid, name);
      return isAlive(leader) && send(leader.pid, name);
    },
    foreign: () => members().filter(({ pid }) => !maySignal(pid)),
    escaped() {
      const inside = new Set(members().map(({ pid }) => pid));
      return processesWith(marker).filter(
        (pid) => !inside.has(pid) && pid !== leader.pid && readProcess(pid)?.state !== 'Z',
      );
    },
  };
}

/** When nobody has written down who leads it: whoever leads a session and carries the marker. */
export function findProcessGroup(run: string): ProcessGroup | undefined {
  const pids = processesWith(markerOf(run));
  const leader = pids.find((pid) => readProcess(pid)?.session === pid);
  const identity = leader === undefined ? undefined : identityOf(leader);
  return identity && createProcessGroup(identity, run);
}

function maySignal(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errnoOf(error) !== 'EPERM';
  }
}

/** Continues a runner that something has stopped. False when it is not stopped, or may not be signalled. */
export function thaw(runner: ProcessIdentity): boolean {
  return isFrozen(runner) && isAlive(runner) && send(runner.pid, 'SIGCONT');
}

/** Is it stopped, by a signal or a debugger? */
export function isFrozen({ pid, start }: ProcessIdentity): boolean {
  const found = readProcess(pid);
  return found?.start === start && (found.state === 'T' || found.state === 't');
}

function keyOf({ pid, start }: ProcessInfo): string {
  return `${pid} ${start}`;
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
