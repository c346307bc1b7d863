/** Connects to the daemon, and starts it if none is running. */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ErrorCode } from '../core/base/errors.js';
import { ProgressError, errnoOf } from '../core/base/errors.js';
import type { Paths } from '../platform/paths.js';
import { readLockRecord } from '../protocol/lock-record.js';
import { readTextSync } from '../platform/regular-file.js';
import { spawnInBackground } from '../platform/spawn-background.js';
import type { Client, ClientOptions } from './client.js';
import { createClient } from './client.js';

export interface ConnectOptions extends ClientOptions {
  paths: Paths;
  /** Start the daemon if none is running. */
  start: boolean;
  /** Closes the connection; open requests fail with `unavailable`. */
  signal?: AbortSignal;
}

/** Timeout for the start of the daemon, on a slow and busy machine. */
const START_MS = 15_000;
const RETRY_MS = 20;
/** Initial backoff between attempts to start a daemon, while another one holds the lock and starts or stops. */
const FIRST_PAUSE_MS = 100;
/** Timeout for the reply to hello, and for the shutdown of an old daemon. */
const ANSWER_MS = 10_000;
/** Maximum number of connections to daemons that are stopping, or of another version. */
const ATTEMPTS = 4;
/** Error output kept of a daemon that fails to start. */
const MAX_ERROR_CHARS = 4_096;

/**
 * Connects and exchanges greetings. A daemon of another version is stopped and replaced, if `start` is set.
 *
 * @throws {ProgressError} `unavailable`, `protocol_mismatch`, or why the daemon failed to start.
 */
export async function connect({ paths, start, signal, ...options }: ConnectOptions): Promise<Client> {
  for (let attempt = 1; ; attempt++) {
    const client = createClient(await openSocket(paths, start, signal), options);
    try {
      await answerOf(client.hello());
      return client;
    } catch (error) {
      const isOld = ProgressError.from(error).code === 'protocol_mismatch';
      const isLeaving = !client.isOpen;
      const again = start && attempt < ATTEMPTS && !signal?.aborted && (isOld || isLeaving);
      // a daemon of another version; its runs survive it
      if (again && isOld) await shutDown(client);
      client.destroy();
      if (!again) throw error;
    }
  }
}

/** Connects, calls `use`, and closes the connection. */
export async function withClient<T>(options: ConnectOptions, use: (client: Client) => Promise<T>): Promise<T> {
  const client = await connect(options);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/** Stops a daemon of any version; it may hold its lock a little longer. @returns False if none is running. */
export async function stopDaemon(paths: Paths): Promise<boolean> {
  const socket = await tryPaths(paths);
  if (!socket) return false;
  await shutDown(createClient(socket));
  return true;
}

async function shutDown(client: Client): Promise<void> {
  try {
    await answerOf(client.call('shutdown', {}));
    await answerOf(client.closed);
  } finally {
    client.destroy();
  }
}

async function answerOf<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const message = `timed out after ${ANSWER_MS / 1_000} s waiting for the daemon; see \`progress doctor\``;
    const error = new ProgressError('unavailable', message);
    timer = setTimeout(() => reject(error), ANSWER_MS);
  });
  return await Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

async function openSocket(paths: Paths, start: boolean, signal: AbortSignal | undefined): Promise<Socket> {
  const found = await tryPaths(paths, signal);
  if (found) return found;
  if (!start) throw new ProgressError('unavailable', 'no daemon is running; start it with `progress daemon start`');
  return await startDaemon(paths);
}

/** Tries the socket of the enclosing run, that of this environment, then the one recorded in the lock file. */
async function tryPaths(paths: Paths, signal?: AbortSignal): Promise<Socket | undefined> {
  const recorded = readLockRecord(paths.lock)?.socket;
  for (const path of new Set([paths.inherited ?? paths.socket, paths.socket, recorded ?? paths.socket])) {
    const socket = createConnection({ path, ...(signal && { signal }) });
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      socket.destroy();
      if (!NOT_LISTENING.has(errnoOf(error) ?? '')) {
        throw new ProgressError('unavailable', `cannot reach the daemon at ${path}: ${(error as Error).message}`, {
          cause: error,
        });
      }
    }
  }
  return undefined;
}

/** Errors without a listening daemon, and EAGAIN: its backlog is full, which is temporary. */
const NOT_LISTENING: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED', 'EAGAIN', 'ENOTDIR']);

/** Starts the daemon. If several clients do so at once, the lock admits one daemon, to which all of them connect. */
async function startDaemon(paths: Paths): Promise<Socket> {
  const deadline = Date.now() + START_MS;
  for (let pause = FIRST_PAUSE_MS; ; pause *= 2) {
    const child = spawnDaemon();
    try {
      const until = () => Math.min(deadline, child.endedAt === undefined ? Infinity : child.endedAt + pause);
      while (Date.now() < until()) {
        const socket = await tryPaths(paths);
        if (socket) return socket;
        if (child.status) throw failedStart(child.status, child.errorOutput, paths);
        await delay(RETRY_MS);
      }
    } finally {
      child.release();
    }
    if (Date.now() >= deadline) throw failedStart(0, child.errorOutput, paths);
  }
}

/** Spawns a daemon. One that exits with status 0 without listening has found the lock taken. */
function spawnDaemon() {
  const program = fileURLToPath(new URL('./daemon.js', import.meta.url));
  const child = spawnInBackground(program, []);
  const started = {
    errorOutput: '',
    status: undefined as number | undefined,
    endedAt: undefined as number | undefined,
    release() {
      child.stderr.destroy();
      child.unref();
    },
  };
  const end = (status: number) => {
    started.status = status;
    started.endedAt = Date.now();
  };
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    started.errorOutput = (started.errorOutput + text).slice(0, MAX_ERROR_CHARS);
  });
  // `close`, not `exit`: its error output is complete then
  child.once('close', (status) => end(status ?? 1));
  child.once('error', (error) => {
    started.errorOutput = error.message;
    end(1);
  });
  return started;
}

/** Exit statuses of the daemon with a more specific error. */
const CODES: Readonly<Record<number, ErrorCode>> = { 74: 'journal_failed', 77: 'no_permission', 78: 'bad_config' };

function failedStart(status: number, errorOutput: string, paths: Paths): ProgressError {
  const why = errorOutput.trim() || lastLogLine(paths);
  return new ProgressError(CODES[status] ?? 'unavailable', `cannot start the daemon: ${why}`);
}

function lastLogLine(paths: Paths): string {
  try {
    const line = readTextSync(paths.daemonLog)?.trimEnd().split('\n').at(-1);
    if (line !== undefined) return `${paths.daemonLog} ends with: ${line}`;
  } catch {
    // an unreadable log is treated as a missing one
  }
  return `it wrote no ${paths.daemonLog}`;
}
