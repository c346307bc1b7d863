/** Reads the content of the lock file, which the daemon writes. */
import { readTextSync } from '../platform/regular-file.js';

/** Content of the lock file. The lock itself decides which daemon runs; this only locates it. */
export interface LockRecord {
  pid: number;
  version: string;
  /** Path of the socket, by which a cron job without XDG_RUNTIME_DIR finds the daemon. */
  socket: string;
}

/** Reads the record of the last holder; undefined if there is none, or while it is being written. */
export function readLockRecord(file: string): LockRecord | undefined {
  try {
    const record = JSON.parse(readTextSync(file) ?? 'null') as Partial<LockRecord> | null;
    const { pid, version, socket } = record ?? {};
    if (typeof pid !== 'number' || typeof version !== 'string' || typeof socket !== 'string') return undefined;
    return { pid, version, socket };
  } catch {
    return undefined;
  }
}
