/** What the daemon writes into its lock file, and clients read. */
import { readTextSync } from '../platform/regular-file.js';

/** What the holder writes into the file. The lock decides who runs; this only tells where. */
export interface LockRecord {
  pid: number;
  version: string;
  /** The path in use: a cron job without XDG_RUNTIME_DIR finds the daemon by it. */
  socket: string;
}

/** What the last holder wrote; undefined when there is none, or it is just being written. */
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
