/**
 * Messages between `attach` or `send` and the runner of a detached run: NDJSON over a Unix socket in the directory of the
 * run. The directory belongs to one user and has mode 0700; that is the only authentication.
 */

/** Messages to the runner. Bytes are base64. */
export type ToConsole =
  | { hello: Hello }
  | { input: string }
  /** Closes standard input; on a terminal, types Ctrl-D. */
  | { eof: true }
  | { size: ConsoleSize }
  /** Requests `accepted` once every earlier message is read. */
  | { done: true };

export interface Hello {
  as: 'attach' | 'send';
  /** The client and its user, as recorded in the journal. */
  by: string;
  /** Size of the client's terminal. */
  size?: ConsoleSize;
}

export interface ConsoleSize {
  columns: number;
  rows: number;
}

/** Messages from the runner. */
export type FromConsole =
  | { welcome: { terminal: boolean } }
  | { output: string }
  /** Exit status that a shell would report. */
  | { ended: number }
  | { accepted: true }
  | { error: string };

export const CONSOLE_SOCKET = 'console.sock';
/** Maximum number of bytes of input or output in one message. */
export const CHUNK_BYTES = 64 * 1024;
/** Maximum length of a line: a chunk as base64, and the JSON around it. */
export const MAX_MESSAGE_BYTES = 2 * CHUNK_BYTES;

/** Splits bytes into parts that fit one message each. */
export function chunksOf(bytes: Buffer): Buffer[] {
  const count = Math.ceil(bytes.length / CHUNK_BYTES);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES));
}

/**
 * Runs a task in a directory, since a socket's path may exceed `sun_path`: it is bound and connected by its name
 * alone.
 */
export function clampSize<T>(directory: string, use: () => T): T {
  const before = process.cwd();
  process.chdir(directory);
  try {
    return use();
  } finally {
    process.chdir(before);
  }
}
