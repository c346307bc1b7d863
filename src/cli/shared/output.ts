/** What commands print: lines on stdout, JSON as NDJSON, complaints on stderr; a reader that leaves is no error. */
import { sanitize } from '../../core/ansi.js';

let broken = false;
let failure: Error | undefined;

/** Lines to stdout. Resolves when the reader has taken them, so that a slow one is not outrun. */
export async function printLines(lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await print(`${lines.join('\n')}\n`);
}

export async function print(text: string | Buffer): Promise<void> {
  if (broken || process.stdout.write(text)) return;
  drained ??= waitForRoom().finally(() => (drained = undefined));
  await drained;
}

/** One for all who wait: of those who print there may be hundreds at once. */
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

/** Each value as one line of JSON. */
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

/** To stderr, with the name of the program. */
export function complain(message: string): void {
  process.stderr.write(`progress: ${sanitize(message, { color: false })}\n`);
}

/** Says at a terminal what the command waits for. What reads stderr otherwise gets errors alone. */
export function noteWaiting(what: string): void {
  if (process.stderr.isTTY) complain(`waiting for ${what}; Ctrl-C leaves`);
}

/** Has whoever read our output gone? */
export function isPipeBroken(): boolean {
  return broken;
}

/** `| head` leaves before we are done: then the rest is for nobody. Anything else is told in the end. */
export function watchOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    broken = true;
    if (error.code !== 'EPIPE') failure ??= error;
  });
  process.stderr.on('error', () => undefined);
}

/** Before the process ends: pipes are written in the background. Returns what kept output from being written. */
export async function flushOutput(): Promise<Error | undefined> {
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) =>
        new Promise<void>((resolve) => (stream.writableLength > 0 ? stream.write('', () => resolve()) : resolve())),
    ),
  );
  return failure;
}
