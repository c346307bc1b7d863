/** `progress attach`: shows the terminal of a detached run, and passes keys to it. */
import { ProgressError } from '../../../core/base/errors.js';
import { onSignal } from '../../../platform/inherited.js';
import { ScreenTail } from '../../../runner/screen-tail.js';
import { statusOfSignal } from '../../../runner/signals.js';
import { defineCommand } from '../../command.js';
import { ANY_ID } from '../../options.js';
import type { ConsoleClient } from '../../control/console-client.js';
import { openConsole } from '../../control/console-client.js';
import { DEFAULT_DETACH_KEYS, DetachKeys, parseDetachKeys } from './detach-keys.js';
import { print } from '../../shared/output.js';
import { commandActor } from '../../control/actor.js';
import type { TerminalGuard } from '../../shared/terminal-guard.js';
import { guardTerminal } from '../../shared/terminal-guard.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export const command = defineCommand({
  verb: 'attach',
  describe: 'Show the terminal of a detached run and pass keys to it',
  positionals: { run: { required: true, describe: ANY_ID } },
  options: {
    'detach-keys': {
      type: 'string',
      value: 'keys',
      describe: `Keys that detach, such as ctrl-p,ctrl-q (default: ${DEFAULT_DETACH_KEYS})`,
    },
  },
  async run(args, context) {
    const keys = args['detach-keys'] ?? DEFAULT_DETACH_KEYS;
    const detach = new DetachKeys(parseDetachKeys(keys));
    const size = sizeNow();
    const hello = { as: 'attach', by: commandActor(context.env), ...(size && { size }) } as const;
    const client = await openConsole(args.run, hello, context);
    const session = new Session(client, detach);
    try {
      const status = await session.run();
      if (status !== undefined) return status;
    } finally {
      session.close();
    }
    const isTerminal = process.stderr.isTTY;
    if (isTerminal) process.stderr.write(`\r\nprogress: detached from ${args.run}, which continues\n`);
    return 0;
  },
});

function sizeNow() {
  const { isTTY, columns, rows } = process.stdout;
  return isTTY ? { columns, rows } : undefined;
}

/** One client that shows a run, until the run ends or the user leaves. */
class Session {
  readonly #client: ConsoleClient;
  readonly #keys: DetachKeys;
  readonly #screen = new ScreenTail();
  #guard: TerminalGuard | undefined;
  #unlisten: (() => void)[] = [];
  /** Set when the client leaves: with a status after a signal, without one after the keys to detach. */
  #left: { status?: number } | undefined;

  constructor(client: ConsoleClient, keys: DetachKeys) {
    this.#client = client;
    this.#keys = keys;
  }

  /** @returns the exit status of the run, or of a signal; undefined when the user has detached */
  async run(): Promise<number | undefined> {
    const { stdin } = process;
    if (stdin.isTTY) this.#guard = guardTerminal();
    this.#takeKeys();
    stdin.on('data', this.#onKeys).on('error', () => undefined);
    process.on('SIGWINCH', this.#onResize).on('SIGCONT', this.#takeKeys);
    this.#unlisten = SIGNALS.map((signal) => onSignal(signal, this.#onSignal));
    for await (const message of this.#client.messages()) {
      if ('ended' in message) return message.ended;
      if (!('output' in message)) continue;
      const bytes = Buffer.from(message.output, 'base64');
      if (process.stdout.isTTY) this.#screen.push(bytes);
      await print(bytes);
      if (this.#left) break;
    }
    if (this.#left) return this.#left.status;
    throw new ProgressError('unavailable', 'the runner has closed the connection: it was killed');
  }

  close(): void {
    const { stdin } = process;
    process.off('SIGWINCH', this.#onResize).off('SIGCONT', this.#takeKeys);
    for (const unlisten of this.#unlisten) unlisten();
    stdin.off('data', this.#onKeys).pause();
    this.#client.close();
    this.#guard?.release(this.#screen.isAlternate);
    if ('unref' in stdin) stdin.unref();
  }

  /** After `fg` the shell has set its own modes. */
  readonly #takeKeys = () => {
    if (process.stdin.isTTY) process.stdin.setRawMode(true);
    process.stdin.resume();
    this.#onResize();
  };

  readonly #onResize = () => {
    const size = sizeNow();
    if (size) this.#client.write({ size });
  };

  readonly #onKeys = (typed: Buffer) => {
    // bytes from a pipe are input, even if they equal the keys to detach
    const { input, isDetached } = process.stdin.isTTY ? this.#keys.take(typed) : { input: typed, isDetached: false };
    if (isDetached) this.#leave({});
    process.stdin.pause();
    void this.#client.input(input).then(() => this.#left ?? process.stdin.resume());
  };

  readonly #onSignal = (signal: NodeJS.Signals) => this.#leave({ status: statusOfSignal(signal) });

  #leave(how: { status?: number }): void {
    this.#left = how;
    this.#client.close();
  }
}
