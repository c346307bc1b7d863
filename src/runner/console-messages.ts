/**
 * What `attach` and `send` exchange with the runner of a detached run, as NDJSON over a Unix socket in the directory of the
 * run. That directory belongs to one user and has mode 0700, which is all the authentication there is.
 */

/** To the runner. Bytes are base64. */
export type ToConsole =
  | { hello: Hello }
  | { input: string }
  /** Closes the standard input; on a terminal it types Ctrl-D. */
  | { eof: true }
  | { size: ConsoleSize }
  /** Everything before it has been read: answered by `accepted`. */
  | { done: true };

export interface Hello {
  as: 'attach' | 'send';
  /** Who asks. */
  by: string;
  /** Of the terminal that shows it. */
  size?: ConsoleSize;
}

export interface ConsoleSize {
  columns: number;
  rows: number;
}

/** From the runner. */
export type FromConsole =
  | { welcome: { terminal: boolean } }
  | { output: string }
  /** With the exit status that a shell would show. */
  | { ended: number }
  | { accepted: true }
  | { error: string };

export const CONSOLE_SOCKET = 'console.sock';
/** A message holds at most so many bytes of input or output. */
export const CHUNK_BYTES = 64 * 1024;
/** One line: a chunk as base64, and what is around it. */
export const MAX_MESSAGE_BYTES = 2 * CHUNK_BYTES;

/** Splits what is too long for one message. */
export function chunksOf(bytes: Buffer): Buffer[] {
  const count = Math.ceil(bytes.length / CHUNK_BYTES);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES));
}

/** `sun_path` is short, and a state directory may be deep: a socket is bound and found by its name alone, within it. */
export function clampSize<T>(directory: string, use: () => T): T {
  const before = process.cwd();
  process.chdir(directory);
  try {
    return use();
  } finally {
    process.chdir(before);
  }
}
