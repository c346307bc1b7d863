/** Client of the console of a detached run, or the reason why there is none. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createConnection } from 'node:net';
import { hostname } from 'node:os';
import path from 'node:path';
import { withClient } from '../../client/connect.js';
import type { Execution } from '../../core/execution.js';
import { isFinal } from '../../core/execution.js';
import { ProgressError } from '../../core/base/errors.js';
import { endedText } from '../../core/text/state-text.js';
import type { Paths } from '../../platform/paths.js';
import { createLineDecoder, encodeLine } from '../../protocol/lines.js';
import type { FromConsole, Hello, ToConsole } from '../../runner/console-messages.js';
import { CONSOLE_SOCKET, chunksOf, MAX_MESSAGE_BYTES, clampSize } from '../../runner/console-messages.js';
import type { RunSpec } from '../../runner/store.js';
import { directoryOf, hasSpec, readSpec } from '../../runner/store.js';
import type { CommandContext } from '../command.js';
import { findOne } from '../shared/lookup.js';

/** A suspended runner, or one of an older version, does not answer. */
const ANSWER_MS = 10_000;

export interface ConsoleClient {
  /** Whether the run has a terminal. */
  readonly terminal: boolean;
  /** Messages of one call are sent together. */
  write(...messages: ToConsole[]): void;
  /** Resolves when the socket accepts more (backpressure). */
  input(bytes: Buffer): Promise<void>;
  /** Messages until the runner closes the connection. @throws ProgressError when it refuses something */
  messages(): AsyncGenerator<FromConsole>;
  close(): void;
}

/** @throws ProgressError with the reason and what to do instead */
export async function openConsole(text: string, hello: Hello, { paths }: CommandContext): Promise<ConsoleClient> {
  const options = { paths, start: true, name: `progress ${hello.as}` };
  const execution = await withClient(options, async (client) => await findOne(client, text));
  const spec = specOf(execution, paths);
  const refusal = whyNot(execution, spec, hello.as);
  if (refusal !== undefined) throw new ProgressError('bad_request', `${execution.id} ${refusal}`);
  const socket = await connectTo(execution.id, paths);
  const client = createConsoleClient(socket);
  client.write({ hello });
  const welcome = await Promise.race([client.next(), late(execution.id)]);
  if (!welcome || 'error' in welcome) {
    socket.destroy();
    throw new ProgressError('unavailable', `${execution.id}: ${welcome?.error ?? 'its runner has exited'}`);
  }
  return { ...client, terminal: 'welcome' in welcome && welcome.welcome.terminal };
}

function specOf({ id, process: { host = hostname() } = {} }: Execution, paths: Paths): RunSpec | undefined {
  return host === hostname() && hasSpec(paths, id) ? readSpec(paths, id) : undefined;
}

/** @returns why this execution accepts no client, and what to do; undefined if it does */
function whyNot(execution: Execution, spec: RunSpec | undefined, as: Hello['as']): string | undefined {
  const { id, status, process: { host = hostname() } = {} } = execution;
  if (isFinal(status)) return `${endedText(status)}; 'progress logs ${id}' shows its output`;
  if (host !== hostname()) return `runs on ${host}: use 'progress ${as} ${id}' there`;
  if (!spec) return "was not started by 'progress run', so its input is not accessible";
  if (execution.orphaned) return `has lost its runner: 'progress logs --follow ${id}' shows what it recorded`;
  if (!spec.detached) {
    const where = spec.tty === undefined ? '' : ` (${spec.tty})`;
    return `runs in the foreground${where} and reads its input there; start it with 'progress run --detach --pty'`;
  }
  const waits = spec.queue !== undefined || spec.after !== undefined;
  if (status === 'queued' && waits) return 'is queued; try again when it runs';
  if (as === 'attach' && !spec.pty) {
    return `has no terminal: 'progress logs --follow ${id}' shows its output; start it with --pty to attach`;
  }
  if (as === 'send' && !spec.pty && !spec.input) {
    return 'has no open standard input: start it with --detach --stdin, or with --pty';
  }
  return undefined;
}

async function connectTo(id: string, paths: Paths): Promise<Socket> {
  const directory = directoryOf(paths, id);
  const why = existsSync(path.join(directory, CONSOLE_SOCKET)) ? 'its runner does not answer' : 'it takes no clients';
  const advice = `; 'progress logs --follow ${id}' shows its output`;
  try {
    const socket = clampSize(directory, () => createConnection(CONSOLE_SOCKET));
    await once(socket, 'connect');
    return socket;
  } catch (cause) {
    throw new ProgressError('unavailable', `${id}: ${why} (${(cause as Error).message})${advice}`, { cause });
  }
}

async function late(id: string): Promise<never> {
  return await new Promise((_resolve, reject) => {
    const error = new ProgressError(
      'unavailable',
      `${id}: timed out after ${ANSWER_MS / 1_000} s waiting for its runner`,
    );
    setTimeout(() => reject(error), ANSWER_MS).unref();
  });
}

/** Resolves when the socket has drained or is closed. */
async function untilDrained(socket: Socket): Promise<void> {
  const settled = new AbortController();
  const { signal } = settled;
  try {
    await Promise.race([once(socket, 'drain', { signal }), once(socket, 'close', { signal })]);
  } finally {
    // removes the listener of the other event
    settled.abort();
  }
}

function createConsoleClient(socket: Socket) {
  const waiting: FromConsole[] = [];
  let isOver = false;
  let wake: () => void = () => undefined;
  const decoder = createLineDecoder({
    maxBytes: MAX_MESSAGE_BYTES,
    onBad: (error) => socket.destroy(error),
    onLine: (text) => {
      waiting.push(JSON.parse(text) as FromConsole);
      wake();
    },
  });
  socket.on('data', (chunk: Buffer) => decoder.push(chunk));
  socket.on('error', () => undefined);
  socket.once('close', () => {
    isOver = true;
    wake();
  });
  const next = async (): Promise<FromConsole | undefined> => {
    while (waiting.length === 0 && !isOver) {
      socket.resume();
      await new Promise<void>((resolve) => (wake = resolve));
    }
    // one message at a time: backpressure lets the runner detect a slow reader
    socket.pause();
    return waiting.shift();
  };
  const write = (...messages: ToConsole[]) => {
    if (socket.writable) socket.write(messages.map((message) => encodeLine(message)).join(''));
  };
  return {
    next,
    write,
    async input(bytes: Buffer) {
      for (const part of chunksOf(bytes)) write({ input: part.toString('base64') });
      if (socket.writableNeedDrain) await untilDrained(socket);
    },
    async *messages() {
      for (let message; (message = await next());) {
        if ('error' in message) throw new ProgressError('unavailable', message.error);
        yield message;
      }
    },
    close: () => void socket.destroy(),
  };
}
