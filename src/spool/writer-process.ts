/** Checks whether the process that writes a spool file is alive. */
import { uptime } from 'node:os';
import { errnoOf } from '../core/base/errors.js';
import { MAX_PID, readProcess, TICKS } from '../platform/processes.js';

/** Tolerance for changes of the system clock. */
const TOLERANCE_MS = 60_000;

/** False also when the PID was reused: then the process is younger than the file's last write. */
export function isWriterAlive(pid: number, writtenAt: number, now: number): boolean {
  if (pid === 0 || pid > MAX_PID) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: a process of another user, so the PID was reused
    return errnoOf(error) !== 'ESRCH' && errnoOf(error) !== 'EPERM';
  }
  const startedAt = startOf(pid, now);
  return startedAt === undefined || startedAt <= writtenAt + TOLERANCE_MS;
}

/** Unix milliseconds; undefined where the system does not report it. */
function startOf(pid: number, now: number): number | undefined {
  const start = readProcess(pid)?.start;
  return start === undefined ? undefined : now - uptime() * 1_000 + (start * 1_000) / TICKS;
}
