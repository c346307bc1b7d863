/** Is the process that writes a spool file still there? */
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { errnoOf } from '../errors.js';

/** Ticks a second in /proc, the same on every Linux that Node runs on. */
const TICKS = 100;
/** Field 22 of /proc/PID/stat, counted from behind the name, which may hold anything. */
const START_FIELD = 19;
/** Beyond it, and at 0, kill(2) means whole groups. */
const MAX_PID = 2 ** 31 - 1;
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
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[START_FIELD]);
    return now - uptime() * 1_000 + (ticks * 1_000) / TICKS;
  } catch {
    return undefined;
  }
}
