/** Programs that tell somebody something: each in a group of its own, so that it can be killed with all that it starts. */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { maskText } from '../../core/mask/mask.js';
import { toSingleLine } from '../single-line.js';

export interface ProgramOptions {
  argv: readonly [string, ...string[]];
  env: NodeJS.ProcessEnv;
  /** For its stdin, whether it reads that or not. */
  input: string;
  timeoutMs: number;
  /** Ends it, too. */
  signal: AbortSignal;
}

/** `late`: it was killed after its time. `said`: the end of what it wrote to stderr. */
export type ProgramEnd =
  | { end: 'status'; status: number; said: string }
  | { end: 'signal'; signal: NodeJS.Signals; said: string }
  | { end: 'late' | 'aborted'; said: string }
  | { end: 'not started'; error: unknown };

/** Of the end of what it has to say; and of its last line, which a person gets to see. */
const SAID_CHARS = 2_000;
const LINE_CHARS = 200;
/** What it has left behind may hold its stderr open for as long as it likes. */
const LAST_WORDS_MS = 200;

/** Never rejects. */
export function runProgram(options: ProgramOptions): Promise<ProgramEnd> {
  const { signal, timeoutMs, input } = options;
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ end: 'aborted', said: '' });
    const child = start(options);
    if (child instanceof Error) return resolve({ end: 'not started', error: child });
    child.once('error', (error) => resolve({ end: 'not started', error }));
    // one that cannot be made has no streams either
    if (child.pid === undefined) return;

    let said = '';
    let killed: 'late' | 'aborted' | undefined;
    const kill = (why: 'late' | 'aborted') => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      killed = why;
      killGroup(child.pid);
    };
    const abort = () => kill('aborted');
    const timer = setTimeout(() => kill('late'), timeoutMs);
    signal.addEventListener('abort', abort);
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-SAID_CHARS)));
    child.stdin.on('error', () => undefined); // it has ended, or does not care
    child.stdin.end(input);
    child.once('exit', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      setTimeout(() => child.stderr.destroy(), LAST_WORDS_MS).unref();
    });
    child.once('close', (status, name) => {
      if (killed) resolve({ end: killed, said });
      else if (name !== null) resolve({ end: 'signal', signal: name, said });
      else resolve({ end: 'status', status: status ?? 0, said });
    });
  });
}

/** In a line; undefined where it has succeeded. */
export function whyItFailed(what: string, end: ProgramEnd, timeoutMs: number): string | undefined {
  switch (end.end) {
    case 'status':
      return end.status === 0 ? undefined : `${what} ended with ${end.status}${lastWords(end.said)}`;
    case 'signal':
      return `${what} was ended by ${end.signal}${lastWords(end.said)}`;
    case 'late':
      return `${what} did not end within ${timeoutMs / 1_000} seconds${lastWords(end.said)}`;
    case 'aborted':
      return `${what} was interrupted`;
    case 'not started':
      return `${what} could not be started: ${toSingleLine(String(end.error), LINE_CHARS)}`;
  }
}

function lastWords(said: string): string {
  const line = said.trimEnd().split('\n').at(-1) ?? '';
  return line === '' ? '' : `: ${toSingleLine(maskText(line), LINE_CHARS)}`;
}

function start({ argv: [file, ...args], env }: ProgramOptions): ChildProcessByStdio<Writable, null, Readable> | Error {
  try {
    return spawn(file, args, { detached: true, stdio: ['pipe', 'ignore', 'pipe'], env });
  } catch (error) {
    // what no program can be given: a NUL, or too much
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Its leader has not been waited for yet: the number is still its own. */
function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended just now
  }
}
