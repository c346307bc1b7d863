/** Reasons why a command for a run failed, for its `control` event. */
import { statSync } from 'node:fs';
import type { ErrorCode } from '../core/base/errors.js';
import type { ProcessInfo } from '../platform/processes.js';

export interface ControlFailure {
  code: Extract<ErrorCode, 'no_permission' | 'unavailable'>;
  error: string;
}

const MAX_NAMED = 5;

/** Reports processes of another user, which cannot be signalled (EPERM). */
export function notPermitted(processes: readonly ProcessInfo[]): ControlFailure {
  const named = list(processes, ({ pid }) => ownerOf(pid));
  return { code: 'no_permission', error: `not permitted to signal ${named}: EPERM` };
}

/** Reports processes that a signal has neither ended nor stopped. */
export function stillThere(what: string, processes: readonly ProcessInfo[]): ControlFailure {
  return { code: 'unavailable', error: `${what} ${list(processes, ({ state }) => `state ${state}`)}` };
}

function list(processes: readonly ProcessInfo[], describe: (process: ProcessInfo) => string): string {
  const named = processes
    .slice(0, MAX_NAMED)
    .map((process) => `${process.pid} (${process.name}, ${describe(process)})`);
  const more = processes.length > MAX_NAMED ? ` and ${processes.length - MAX_NAMED} more` : '';
  return named.join(', ') + more;
}

function ownerOf(pid: number): string {
  const uid = statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid;
  return uid === undefined ? 'ended' : uid === 0 ? 'root' : `user ${uid}`;
}
