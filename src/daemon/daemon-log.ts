/** The daemon's log: two files, together at most twice the bound. */
import { appendFileSync, closeSync, constants, renameSync, statSync } from 'node:fs';
import { openRegularSync } from '../platform/regular-file.js';

export type Log = (message: string) => void;

/** Creates a log that appends `time message` to a file, and rotates it to `file.1` beyond `maxBytes()`. It never throws. */
export function createLog(file: string, maxBytes: () => number, now: () => number): Log {
  const stat = statSync(file, { throwIfNoEntry: false });
  let size = stat?.isFile() ? stat.size : 0;
  return (message) => {
    const line = `${new Date(now()).toISOString()} [${process.pid}] ${message.replaceAll('\n', '\n  ')}\n`;
    const bytes = Buffer.byteLength(line);
    try {
      if (size + bytes > maxBytes() && size > 0) {
        renameSync(file, `${file}.1`);
        size = 0;
      }
      append(file, line);
      size += bytes;
    } catch {
      // clients see a full disk in the daemon's status; a log that cannot be written must not stop anything
    }
  };
}

function append(file: string, line: string): void {
  const descriptor = openRegularSync(file, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT);
  try {
    appendFileSync(descriptor, line);
  } finally {
    closeSync(descriptor);
  }
}
