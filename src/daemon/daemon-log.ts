/** The daemon's own diagnostics: few lines, two files, never more than twice the bound on disk. */
import { appendFileSync, closeSync, constants, renameSync, statSync } from 'node:fs';
import { openRegularSync } from '../platform/regular-file.js';

export type Log = (message: string) => void;

/** Appends `time message` to `file`; beyond `maxBytes()` the file becomes `file.1`. Trouble with the log is not trouble. */
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
      // a full disk is told to clients; that it cannot be told here as well must not stop anything
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
