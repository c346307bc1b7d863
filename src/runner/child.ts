/** Starts the command of a run as a session leader, on pipes or on a pseudo-terminal. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { accessSync, closeSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import type { Stdio } from '../platform/spawn-background.js';
import { withholding } from '../platform/spawn-background.js';
import { errnoOf } from '../core/base/errors.js';
import type { Inherited } from '../platform/inherited.js';
import { NOTHING_INHERITED } from '../platform/inherited.js';
import { DEFAULT_PATH, findInPath } from '../platform/paths.js';
import { throughShell, withDispositions } from './dispositions.js';
import type { Pty } from './pty.js';
import { ourEnds } from './pty.js';
import type { CommandStream } from './output.js';
import { openPipes } from './pipe.js';
import type { PumpSource } from './pump.js';
import { pumpSourceOf } from './pump.js';
import { statusOfSignal } from './signals.js';

export type ChildExit = { exitCode: number } | { signal: NodeJS.Signals } | { error: string; exitCode: number };

export interface Child {
  pid: number;
  outputs: { stream: CommandStream; source: PumpSource }[];
  /** Resolves when the process exits; its pipes may still hold output then. */
  exited: Promise<ChildExit>;
}

export interface ChildOptions {
  argv: readonly [string, ...string[]];
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Standard input of a command without a pseudo-terminal. */
  stdin: 'inherit' | 'ignore' | number;
  pty?: Pty | undefined;
  /** Controlling terminal of a command on pipes. */
  terminal?: Pty | undefined;
  /** Private directory in which named pipes are created. */
  directory: string;
  /** For a command in the foreground: its ignored and blocked signals, and its descriptors above 2. */
  inherited?: Inherited;
  /**
   * Destination of standard error: the pseudo-terminal, if there is one; one pipe with standard output, which keeps the
   * order between them; or a separate pipe.
   */
  stderr: 'terminal' | 'shared' | 'apart';
}

/** Exit statuses of a shell. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

/** Starts the command. @returns The outcome if nothing could be started. */
export async function startChild(options: ChildOptions): Promise<Child | ChildExit> {
  const { argv, cwd, env } = options;
  const problem = findProblem(argv[0], cwd, env);
  if (problem) return problem;
  try {
    const child = options.pty ? onTerminal(options, options.pty) : onPipes(options);
    return await child;
  } catch (error) {
    // the file exists, so ENOENT is about the interpreter in its first line
    if (errnoOf(error) === 'ENOENT') return { error: `${argv[0]}: its interpreter was not found`, exitCode: NOT_FOUND };
    return { error: `cannot start ${argv[0]}: ${(error as Error).message}`, exitCode: NOT_EXECUTABLE };
  }
}

async function begun(child: ChildProcess, outputs: Child['outputs']): Promise<Child> {
  const exited = new Promise<ChildExit>((resolve) => {
    child.once('exit', (exitCode, signal) => resolve(signal ? { signal } : { exitCode: exitCode ?? 0 }));
  });
  const { pid } = child;
  if (pid !== undefined) return { pid, outputs, exited };
  throw await new Promise<Error>((resolve) => child.once('error', resolve));
}

async function onPipes(options: ChildOptions): Promise<Child> {
  const { cwd, env, directory } = options;
  const { words, stdin, others, detached } = planOnPipes(options);
  const [file, ...args] = words;
  const isShared = options.stderr === 'shared';
  return await withPipes(
    directory,
    isShared ? ['stdout'] : ['stdout', 'stderr'],
    async ([stdout = 'pipe', stderr = stdout], sourcesOf) => {
      const child = withholding(ourEnds(), stdioOf([stdin, stdout, stderr], others), (stdio) =>
        spawn(file, args, { cwd, env, stdio, detached }),
      );
      return await begun(child, sourcesOf(child));
    },
  );
}

interface Plan {
  words: readonly [string, ...string[]];
  stdin: Standard;
  /** Descriptors above 2: number in the command, number in this process. */
  others: [number, number][];
  detached: boolean;
}

/** Makes a session; setsid(1) takes its input as the controlling terminal, then a shell replaces that input. */
function planOnPipes({ argv, env, stdin, terminal, inherited = NOTHING_INHERITED }: ChildOptions): Plan {
  const words = withDispositions(argv, inherited, env);
  const others = inPlace(inherited);
  const free = SINGLE_DIGITS.find((fd) => !inherited.descriptors.includes(fd));
  if (!terminal || free === undefined) return { words, stdin, others, detached: true };
  const script = `exec "$@" <&${free} ${free}<&-`;
  return {
    words: [...terminal.setsid, ...throughShell(script, words, env)],
    stdin: terminal.command,
    others: [...others, [free, 0]],
    detached: false,
  };
}

/** Descriptors that every shell can redirect. */
const SINGLE_DIGITS = [3, 4, 5, 6, 7, 8, 9];

/** Makes a session whose controlling terminal is the pseudo-terminal; setsid(1) then becomes the command. */
async function onTerminal(options: ChildOptions, pty: Pty): Promise<Child> {
  const { argv, cwd, env, stderr, directory, inherited = NOTHING_INHERITED } = options;
  const words = withDispositions(argv, inherited, env);
  return await withPipes(directory, stderr === 'apart' ? ['stderr'] : [], async ([apart], sourcesOf) => {
    const [file, ...args] = [...pty.setsid, ...words] as const;
    const child = withholding(
      ourEnds(),
      stdioOf([pty.command, pty.command, apart ?? pty.command], inPlace(inherited)),
      (stdio) => spawn(file, args, { cwd, env, stdio }),
    );
    return await begun(child, [{ stream: 'stdout', source: pty }, ...sourcesOf(child)]);
  });
}

function inPlace({ descriptors }: Inherited): [number, number][] {
  return descriptors.map((fd) => [fd, fd]);
}

function stdioOf(standard: readonly Standard[], others: readonly [number, number][]): Stdio {
  const stdio: Stdio = [...standard];
  for (const [fd, ours] of others) stdio[fd] = ours;
  return stdio;
}

type Standard = End | ChildOptions['stdin'];

/** Output of a command: a descriptor, or the socket that Node creates. */
type End = number | 'pipe';

async function withPipes(
  directory: string,
  streams: readonly CommandStream[],
  use: (ends: End[], sourcesOf: (child: ChildProcess) => Child['outputs']) => Promise<Child>,
): Promise<Child> {
  const pipes = streams.length === 0 ? [] : openPipes(directory, streams.length);
  // a socket of Node serves one stream and cannot be shared
  const read = pipes ? streams : (['stdout', 'stderr'] as const);
  const sourcesOf = (child: ChildProcess) =>
    read.flatMap((stream, index) => {
      const readable = child[stream];
      const source = pipes?.[index]?.source ?? (readable && pumpSourceOf(readable));
      return source ? [{ stream, source }] : [];
    });
  try {
    return await use(
      streams.map((_, index) => pipes?.[index]?.end ?? 'pipe'),
      sourcesOf,
    );
  } catch (error) {
    for (const { source } of pipes ?? []) source.close();
    throw error;
  } finally {
    for (const { end } of pipes ?? []) closeSync(end);
  }
}

/** Explains why a file cannot be executed; the system's error does not distinguish the file from the directory. */
function findProblem(file: string, cwd: string, env: NodeJS.ProcessEnv): ChildExit | undefined {
  const wrong = (error: string, exitCode: number) => ({ error, exitCode });
  try {
    if (!statSync(cwd).isDirectory()) return wrong(`cannot start in ${cwd}: not a directory`, NOT_EXECUTABLE);
  } catch {
    return wrong(`cannot start in ${cwd}: no such directory`, NOT_EXECUTABLE);
  }
  if (!file.includes('/')) {
    return findInPath(file, env['PATH'] ?? DEFAULT_PATH).length > 0
      ? undefined
      : wrong(`${file}: command not found`, NOT_FOUND);
  }
  try {
    const program = path.resolve(cwd, file);
    if (statSync(program).isDirectory()) return wrong(`${file}: is a directory`, NOT_EXECUTABLE);
    accessSync(program, constants.X_OK);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES'
      ? wrong(`${file}: permission denied`, NOT_EXECUTABLE)
      : wrong(`${file}: no such file`, NOT_FOUND);
  }
}

/** Exit status by the convention of shells: 128 plus the number of the signal. */
export function exitStatusOfChild(outcome: ChildExit): number {
  return 'signal' in outcome ? statusOfSignal(outcome.signal) : outcome.exitCode;
}
