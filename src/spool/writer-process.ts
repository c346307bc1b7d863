/** Is the process that writes a spool file still there? */
import { uptime } from 'node:os';
import { errnoOf } from '../core/errors.js';
import { MAX_PID, readProcess, TICKS } from '../platform/processes.js';

/** Clocks are set now and then. */
const TOLERANCE_MS = 60_000;

/** False too when another process has got its number since: one that is younger than what it would have written. */
export function isWriterAlive(pid: number, writtenAt: number, now: number): boolean {
  if (pid === 0 || pid > MAX_PID) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // of another user, and so another process
    return errnoOf(error) !== 'ESRCH' && errnoOf(error) !== 'EPERM';
  }
  const startedAt = startOf(pid, now);
  return startedAt === undefined || startedAt <= writtenAt + TOLERANCE_MS;
}

/** Milliseconds since 1970; undefined where the system does not tell. */
function startOf(pid: number, now: number): number | undefined {
  const start = readProcess(pid)?.start;
  return start === undefined ? undefined : now - uptime() * 1_000 + (start * 1_000) / TICKS;
}
