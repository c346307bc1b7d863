/** Runs the program of a channel in its own process group, so that it can be killed with its children. */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { maskText } from '../../core/mask/mask.js';
import { toSingleLine } from '../single-line.js';

export interface ProgramOptions {
  argv: readonly [string, ...string[]];
  env: NodeJS.ProcessEnv;
  /** Text for its stdin. */
  input: string;
  timeoutMs: number;
  /** Aborting kills it. */
  signal: AbortSignal;
}

/** `late`: it was killed after its timeout. `said`: the end of its stderr. */
export type ProgramEnd =
  | { end: 'status'; status: number; said: string }
  | { end: 'signal'; signal: NodeJS.Signals; said: string }
  | { end: 'late' | 'aborted'; said: string }
  | { end: 'not started'; error: unknown };

/** Bounds of the stored end of stderr, and of its last line in an error. */
const SAID_CHARS = 2_000;
const LINE_CHARS = 200;
/** Delay before its stderr is closed, which children may keep open. */
const STDERR_MS = 200;

/** Never rejects. */
export function runProgram(options: ProgramOptions): Promise<ProgramEnd> {
  const { signal, timeoutMs, input } = options;
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ end: 'aborted', said: '' });
    const child = start(options);
    if (child instanceof Error) return resolve({ end: 'not started', error: child });
    child.once('error', (error) => resolve({ end: 'not started', error }));
    // a process that failed to start has no streams
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
    child.stdin.on('error', () => undefined); // it has ended, or does not read its stdin
    child.stdin.end(input);
    child.once('exit', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      setTimeout(() => child.stderr.destroy(), STDERR_MS).unref();
    });
    child.once('close', (status, name) => {
      if (killed) resolve({ end: killed, said });
      else if (name !== null) resolve({ end: 'signal', signal: name, said });
      else resolve({ end: 'status', status: status ?? 0, said });
    });
  });
}

/** @returns the reason in one line; undefined after success */
export function whyItFailed(what: string, end: ProgramEnd, timeoutMs: number): string | undefined {
  switch (end.end) {
    case 'status':
      return end.status === 0 ? undefined : `${what} ended with ${end.status}${lastLine(end.said)}`;
    case 'signal':
      return `${what} was ended by ${end.signal}${lastLine(end.said)}`;
    case 'late':
      return `${what} did not end within ${timeoutMs / 1_000} seconds${lastLine(end.said)}`;
    case 'aborted':
      return `${what} was interrupted`;
    case 'not started':
      return `${what} could not be started: ${toSingleLine(String(end.error), LINE_CHARS)}`;
  }
}

function lastLine(said: string): string {
  const line = said.trimEnd().split('\n').at(-1) ?? '';
  return line === '' ? '' : `: ${toSingleLine(maskText(line), LINE_CHARS)}`;
}

function start({ argv: [file, ...args], env }: ProgramOptions): ChildProcessByStdio<Writable, null, Readable> | Error {
  try {
    return spawn(file, args, { detached: true, stdio: ['pipe', 'ignore', 'pipe'], env });
  } catch (error) {
    // arguments with NUL, or too long
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Kills the group, whose ID is valid because its leader has not been reaped. */
function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended just now
  }
}
