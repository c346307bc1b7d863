/**
 * Process group of a run, and the only module that sends signals: always to a verified identity, never to a bare
 * PID.
 */
import { errnoOf } from '../core/base/errors.js';
import type { ProcessIdentity, ProcessInfo } from '../platform/processes.js';
import { bootId, identityOf, isAlive, processesWith, readProcess, readProcesses } from '../platform/processes.js';

export interface ProcessGroup {
  readonly leader: ProcessIdentity;
  /** Living processes of the session and group, including the leader. */
  members(): ProcessInfo[];
  /** Signals all members. @returns False if no process received it: none is left, or this user may signal none. */
  signal(name: NodeJS.Signals): boolean;
  /** Members of another user, which this user may not signal: a program such as sudo has changed their user. */
  foreign(): ProcessInfo[];
  /** PIDs of processes that have left the group and still have the environment of the run. */
  escaped(): number[];
}

/** Environment entry that every process of a run inherits. */
export function markerOf(run: string): string {
  return `PROGRESS_EXECUTION=${run}`;
}

/** @param leader Process that leads the session of the command, or led it. */
export function createProcessGroup(leader: ProcessIdentity, run: string): ProcessGroup {
  const marker = markerOf(run);
  /** Members at the last check. While one of them is alive, the group ID is not reused. */
  let known: ReadonlySet<string> = new Set();

  const isCertain = (found: readonly ProcessInfo[]): boolean => {
    if (found.some((process) => process.pid === leader.pid && process.start === leader.start)) return true;
    if (found.some((process) => known.has(keyOf(process)))) return true;
    const marked = new Set(processesWith(marker));
    return found.some(({ pid, start, state }) => state !== 'Z' && start >= leader.start && marked.has(pid));
  };

  const members = (): ProcessInfo[] => {
    // guards against a damaged record; a signal to group 1 would reach every process
    if (!(leader.pid > 1) || leader.pid === process.pid || leader.boot !== bootId()) return [];
    const found = readProcesses().filter(({ session, group }) => session === leader.pid && group === leader.pid);
    // the kernel does not reuse the ID of an existing group, but this may be a later group
    if (found.length === 0 || !isCertain(found)) return [];
    known = new Set(found.map(keyOf));
    return found.filter(({ state }) => state !== 'Z');
  };

  return {
    leader,
    members,
    signal(name) {
      // a command that has not created its session yet is alone
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

/** Finds the group when no record names its leader: a session leader with the run's environment. */
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

/** Continues a stopped runner. @returns False if it is not stopped, or may not be signalled. */
export function thaw(runner: ProcessIdentity): boolean {
  return isFrozen(runner) && isAlive(runner) && send(runner.pid, 'SIGCONT');
}

/** Whether the process is stopped by a signal or a debugger. */
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
    // the process has just ended, or has another user, as with sudo
    if (errnoOf(error) === 'ESRCH' || errnoOf(error) === 'EPERM') return false;
    throw error;
  }
}
