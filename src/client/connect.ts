/** Finds the daemon, and starts it where there is none. */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ErrorCode } from '../core/errors.js';
import { ProgressError, errnoOf } from '../core/errors.js';
import type { Paths } from '../platform/paths.js';
import { readLockRecord } from '../protocol/lock-record.js';
import { readTextSync } from '../platform/regular-file.js';
import { spawnInBackground } from '../platform/spawn-background.js';
import type { Client, ClientOptions } from './client.js';
import { createClient } from './client.js';

export interface ConnectOptions extends ClientOptions {
  paths: Paths;
  /** Start the daemon if there is none. */
  start: boolean;
  /** Ends the connection: what is under way on it fails as `unavailable`. */
  signal?: AbortSignal;
}

/** From asking for a start until the daemon listens, on a slow and busy machine. */
const START_MS = 15_000;
const RETRY_MS = 20;
/** Between two attempts to start one, doubled each time: another one holds the lock, and listens soon or is leaving. */
const FIRST_PAUSE_MS = 100;
/** For an answer to hello, and for an old daemon to leave: whatever takes longer hangs. */
const ANSWER_MS = 10_000;
/** Daemons that are met as they leave, or are of another version, before that is an error. */
const ATTEMPTS = 4;
/** Of what a daemon that does not start has to say. */
const MAX_COMPLAINT_CHARS = 4_096;

/** A connected client that has said hello. */
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
      // one from before an upgrade, or after a downgrade: what runs under it goes on without it
      if (again && isOld) await shutDown(client);
      client.destroy();
      if (!again) throw error;
    }
  }
}

/** Connects for as long as `use` takes, however it ends. */
export async function withClient<T>(options: ConnectOptions, use: (client: Client) => Promise<T>): Promise<T> {
  const client = await connect(options);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/** Asks the daemon to leave, whatever version it speaks; false when none runs. It may hold its lock a little longer. */
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
    const error = new ProgressError('unavailable', `the daemon does not answer within ${ANSWER_MS / 1_000} seconds`);
    timer = setTimeout(() => reject(error), ANSWER_MS);
  });
  return await Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

async function openSocket(paths: Paths, start: boolean, signal: AbortSignal | undefined): Promise<Socket> {
  const found = await tryPaths(paths, signal);
  if (found) return found;
  if (!start) throw new ProgressError('unavailable', 'no daemon is running: `progress daemon start` starts one');
  return await startDaemon(paths);
}

/** Where an enclosing run says, where this environment says, then where the daemon has written that it is. */
async function tryPaths(paths: Paths, signal?: AbortSignal): Promise<Socket | undefined> {
  const recorded = readLockRecord(paths.lock)?.socket;
  for (const path of new Set([paths.inherited ?? paths.socket, paths.socket, recorded ?? paths.socket])) {
    const socket = createConnection({ path, ...(signal && { signal }) });
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      socket.destroy();
      if (!NOBODY_THERE.has(errnoOf(error) ?? '')) {
        throw new ProgressError('unavailable', `cannot connect to ${path}: ${(error as Error).message}`, {
          cause: error,
        });
      }
    }
  }
  return undefined;
}

/** EAGAIN: its backlog is full, which passes. */
const NOBODY_THERE: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED', 'EAGAIN', 'ENOTDIR']);

/** Whoever else starts one at the same time: the lock lets one win, and all connect to that one. */
async function startDaemon(paths: Paths): Promise<Socket> {
  const deadline = Date.now() + START_MS;
  for (let pause = FIRST_PAUSE_MS; ; pause *= 2) {
    const child = spawnDaemon();
    try {
      const until = () => Math.min(deadline, child.endedAt === undefined ? Infinity : child.endedAt + pause);
      while (Date.now() < until()) {
        const socket = await tryPaths(paths);
        if (socket) return socket;
        if (child.status) throw failedStart(child.status, child.complaint, paths);
        await delay(RETRY_MS);
      }
    } finally {
      child.release();
    }
    if (Date.now() >= deadline) throw failedStart(0, child.complaint, paths);
  }
}

/** A daemon that ends with status 0 and never listens has found the lock taken. */
function spawnDaemon() {
  const program = fileURLToPath(new URL('./daemon.js', import.meta.url));
  const child = spawnInBackground(program, []);
  const started = {
    complaint: '',
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
    started.complaint = (started.complaint + text).slice(0, MAX_COMPLAINT_CHARS);
  });
  // `close`, not `exit`: everything that it said is here then
  child.once('close', (status) => end(status ?? 1));
  child.once('error', (error) => {
    started.complaint = error.message;
    end(1);
  });
  return started;
}

/** Statuses that tell more than that there is no daemon. */
const CODES: Readonly<Record<number, ErrorCode>> = { 74: 'journal_failed', 77: 'no_permission', 78: 'bad_config' };

function failedStart(status: number, complaint: string, paths: Paths): ProgressError {
  const why = complaint.trim() || lastLogLine(paths);
  return new ProgressError(CODES[status] ?? 'unavailable', `the daemon does not start: ${why}`);
}

function lastLogLine(paths: Paths): string {
  try {
    const line = readTextSync(paths.daemonLog)?.trimEnd().split('\n').at(-1);
    if (line !== undefined) return `${paths.daemonLog} ends with: ${line}`;
  } catch {
    // as good as none
  }
  return `it wrote no ${paths.daemonLog}`;
}
