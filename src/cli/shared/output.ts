/** Prints output of commands: lines and NDJSON on stdout, errors on stderr; a closed pipe is not an error. */
import { sanitize } from '../../core/text/ansi.js';

let broken = false;
let failure: Error | undefined;

/** Prints lines to stdout. Resolves when the stream has room again (backpressure). */
export async function printLines(lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await print(`${lines.join('\n')}\n`);
}

export async function print(text: string | Buffer): Promise<void> {
  if (broken || process.stdout.write(text)) return;
  drained ??= waitForRoom().finally(() => (drained = undefined));
  await drained;
}

/** Shared by all waiting writers, of which there may be hundreds. */
let drained: Promise<void> | undefined;

async function waitForRoom(): Promise<void> {
  const { stdout } = process;
  await new Promise<void>((resolve) => {
    const settle = () => {
      stdout.off('drain', settle).off('close', settle);
      resolve();
    };
    stdout.on('drain', settle).on('close', settle);
  });
}

/** Prints each value as one line of JSON. */
export async function printJson(values: Iterable<unknown>): Promise<void> {
  const { default: ndjson } = await import('ndjson');
  const stream = ndjson.stringify();
  let text = '';
  stream.on('data', (chunk: Buffer | string) => (text += chunk.toString()));
  for (const value of values) {
    stream.write(value);
    if (text.length < FLUSH_CHARS) continue;
    await print(text);
    text = '';
  }
  await new Promise<void>((resolve) => stream.end(resolve));
  await print(text);
}

const FLUSH_CHARS = 64 * 1024;

/** Prints to stderr, with the name of the program. */
export function complain(message: string): void {
  process.stderr.write(`progress: ${sanitize(message, { color: false })}\n`);
}

/** Prints what the command waits for, if stderr is a terminal; otherwise stderr has errors only. */
export function noteWaiting(what: string): void {
  if (process.stderr.isTTY) complain(`waiting for ${what}; Ctrl-C leaves`);
}

/** Whether the reader of stdout has closed the pipe. */
export function isPipeBroken(): boolean {
  return broken;
}

/** Ignores a closed pipe (`| head`); other errors of stdout are returned by `flushOutput`. */
export function watchOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    broken = true;
    if (error.code !== 'EPIPE') failure ??= error;
  });
  process.stderr.on('error', () => undefined);
}

/** Waits until pipes are written. @returns the error that kept output from being written */
export async function flushOutput(): Promise<Error | undefined> {
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) =>
        new Promise<void>((resolve) => (stream.writableLength > 0 ? stream.write('', () => resolve()) : resolve())),
    ),
  );
  return failure;
}
