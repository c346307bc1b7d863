/** The daemon's own diagnostics: few lines, two files, never more than twice the bound on disk. */
import { appendFileSync, renameSync, statSync } from 'node:fs';

export type Log = (message: string) => void;

/** Appends `time message` to `file`; beyond `maxBytes()` the file becomes `file.1`. Trouble with the log is not trouble. */
export function createLog(file: string, maxBytes: () => number, now: () => number): Log {
  let size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return (message) => {
    const line = `${new Date(now()).toISOString()} [${process.pid}] ${message.replaceAll('\n', '\n  ')}\n`;
    const bytes = Buffer.byteLength(line);
    try {
      if (size + bytes > maxBytes() && size > 0) {
        renameSync(file, `${file}.1`);
        size = 0;
      }
      appendFileSync(file, line, { mode: 0o600 });
      size += bytes;
    } catch {
      // a full disk is told to clients; that it cannot be told here as well must not stop anything
    }
  };
}
