/**
 * Console of a detached run: clients attach to its terminal, or send input to it.
 *
 * Clients connect to a socket in the run's private directory, without the daemon. Output is copied to them as it is
 * read and recorded; a client that does not read is disconnected. A new client gets the last lines with colours only,
 * because a terminal would answer other sequences and the command would read the answers.
 */
import { chmodSync, rmSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import path from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { ProgressError } from '../core/base/errors.js';
import { createLineDecoder, encodeLine } from '../protocol/lines.js';
import type { ConsoleSize, FromConsole, Hello, ToConsole } from './console-messages.js';
import { chunksOf, CONSOLE_SOCKET, MAX_MESSAGE_BYTES, clampSize } from './console-messages.js';
import type { Pty } from './pty.js';
import type { Run } from './run.js';
import { ScreenTail } from './screen-tail.js';

export interface ConsoleOptions {
  /** Private directory of the run. */
  directory: string;
  pty?: Pty | undefined;
  /** Standard input of a command without a terminal. */
  input?: Writable | undefined;
}

/** Output buffered for a client. A client beyond this is disconnected: the run never waits for one. */
const MAX_BEHIND_BYTES = 4 * 1024 * 1024;
/** Input buffered for the command. Beyond this no more is read from the client (backpressure), as with a pipe. */
const MAX_WAITING_BYTES = 1024 * 1024;
const WAITING_POLL_MS = 50;
const MAX_CLIENTS = 64;
const DEFAULT_ROWS = 24;
/** Delay between two sizes that make a full-screen program redraw. */
const REDRAW_MS = 50;
/** Timeout for clients to read the last output; extended while they read. */
const DRAIN_MS = 5_000;
const DRAIN_POLL_MS = 50;

const CTRL_C = 0x03;
const CTRL_BACKSLASH = 0x1c;

export class Console {
  readonly #options: ConsoleOptions;
  readonly #screen = new ScreenTail();
  readonly #clients = new Set<Socket>();
  readonly #viewers = new Set<Socket>();
  #server: Server | undefined;
  #run: Run | undefined;

  constructor(options: ConsoleOptions) {
    this.#options = options;
    const { pty, input } = options;
    // EPIPE: the command has closed its input
    input?.on('error', () => undefined);
    if (!pty) return;
    const listen = pty.listen.bind(pty);
    pty.listen = (onChunk, onEnd) =>
      listen((chunk) => {
        this.#show(chunk);
        return onChunk(chunk);
      }, onEnd);
  }

  /** Accepts clients for this run. A failure is logged in the run. */
  open(run: Run): void {
    const { directory, pty, input } = this.#options;
    this.#run = run;
    if (!pty && !input) return;
    const warn = (error: unknown) =>
      run.emit('log', { level: 'warning', message: `no client can attach: ${ProgressError.from(error).message}` });
    try {
      rmSync(this.#path, { force: true });
      this.#server = createServer((socket) => this.#accept(socket)).on('error', warn);
      clampSize(directory, () => this.#server?.listen(CONSOLE_SOCKET));
      chmodSync(this.#path, 0o600);
    } catch (error) {
      warn(error);
    }
  }

  /** Sends the exit status to clients. Resolves when they have read everything, or have stopped reading. */
  async close(status: number): Promise<void> {
    this.#server?.close();
    rmSync(this.#path, { force: true });
    for (const client of this.#clients) if (!client.writableEnded) client.end(encodeLine({ ended: status }));
    const left = () => [...this.#clients].reduce((sum, { writableLength }) => sum + writableLength, 0);
    let before = left();
    for (let waited = 0; this.#clients.size > 0 && waited < DRAIN_MS; waited += DRAIN_POLL_MS) {
      await delay(DRAIN_POLL_MS);
      const now = left();
      if (now < before) waited = 0;
      before = now;
    }
    for (const client of this.#clients) client.destroy();
  }

  get #path(): string {
    return path.join(this.#options.directory, CONSOLE_SOCKET);
  }

  #show(chunk: Buffer): void {
    this.#screen.push(chunk);
    for (const viewer of this.#viewers) {
      if (viewer.writableLength <= MAX_BEHIND_BYTES) this.#sendOutput(viewer, chunk);
      else this.#refuse(viewer, 'this client was too slow to show the output: attach again');
    }
  }

  #sendOutput(client: Socket, bytes: Buffer): void {
    for (const part of chunksOf(bytes)) send(client, { output: part.toString('base64') });
  }

  #refuse(client: Socket, error: string): void {
    this.#viewers.delete(client);
    send(client, { error });
    client.end();
  }

  #accept(socket: Socket): void {
    this.#clients.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#clients.delete(socket);
      this.#viewers.delete(socket);
    });
    if (this.#clients.size > MAX_CLIENTS) return this.#refuse(socket, `more than ${MAX_CLIENTS} clients`);
    const decoder = createLineDecoder({
      maxBytes: MAX_MESSAGE_BYTES,
      onBad: (error) => this.#refuse(socket, error.message),
      onLine: (text) => {
        try {
          this.#take(socket, JSON.parse(text) as Partial<Record<string, unknown>>);
        } catch (error) {
          this.#refuse(socket, (error as Error).message);
        }
      },
    });
    socket.on('data', (chunk: Buffer) => decoder.push(chunk));
  }

  #take(socket: Socket, message: Partial<Record<string, unknown>>): void {
    if (socket.writableEnded) return;
    const { hello, input, eof, size, done } = message as Partial<
      Extract<ToConsole, { hello: Hello }> & { input: string; eof: true; size: ConsoleSize; done: true }
    >;
    if (hello) this.#greet(socket, hello);
    else if (typeof input === 'string') this.#input(socket, Buffer.from(input, 'base64'));
    else if (eof) this.#endInput();
    else if (size) this.#resize(size);
    else if (done) send(socket, { accepted: true });
  }

  #greet(socket: Socket, { as, by, size }: Hello): void {
    const { pty } = this.#options;
    this.#run?.emit('control', { action: as, by });
    send(socket, { welcome: { terminal: pty !== undefined } });
    if (as !== 'attach' || !pty) return;
    if (!this.#screen.isAlternate) {
      const lines = this.#screen.lines((size?.rows ?? DEFAULT_ROWS) - 1);
      if (size && lines !== '') this.#sendOutput(socket, Buffer.from(lines));
      if (size) this.#resize(size);
    } else if (size) {
      this.#sendOutput(socket, Buffer.from('\u001b[?1049h\u001b[2J\u001b[H'));
      this.#resize({ ...size, rows: Math.max(1, size.rows - 1) });
      setTimeout(() => this.#resize(size), REDRAW_MS).unref();
    }
    this.#viewers.add(socket);
  }

  #resize({ columns, rows }: ConsoleSize): void {
    const isSane = [columns, rows].every((count) => Number.isInteger(count) && count > 0 && count < 65_536);
    if (isSane) this.#options.pty?.resize({ columns, rows });
  }

  #input(socket: Socket, bytes: Buffer): void {
    const { pty, input } = this.#options;
    if (this.#waiting > MAX_WAITING_BYTES) this.#holdBack(socket);
    if (!pty) {
      if (input?.writable) input.write(bytes);
      else this.#refuse(socket, 'the standard input of the command is closed');
      return;
    }
    // typed into a terminal, these send signals
    if (bytes.includes(CTRL_C)) this.#run?.expect('SIGINT');
    if (bytes.includes(CTRL_BACKSLASH)) this.#run?.expect('SIGQUIT');
    pty.type(bytes);
  }

  get #waiting(): number {
    const { pty, input } = this.#options;
    return pty ? pty.waiting : input?.writable ? input.writableLength : 0;
  }

  /** Stops reading from this client until the command has read its input. */
  #holdBack(socket: Socket): void {
    if (socket.isPaused()) return;
    socket.pause();
    const timer = setInterval(() => {
      if (this.#waiting > MAX_WAITING_BYTES && !socket.destroyed) return;
      clearInterval(timer);
      socket.resume();
    }, WAITING_POLL_MS).unref();
  }

  #endInput(): void {
    const { pty, input } = this.#options;
    pty?.endInput();
    input?.end();
  }
}

function send(client: Socket, message: FromConsole): void {
  if (client.writable) client.write(encodeLine(message));
}
