/** Runs one command as an execution: start, output, outcome as events; its streams and its signals passed through. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { constants, hostname } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import type { EventData } from '../core/event.js';
import { errnoOf } from '../errors.js';
import { createOutputEvents } from './output.js';

export interface RunOptions {
  id: string;
  argv: readonly [string, ...string[]];
  name?: string | undefined;
  labels?: Record<string, string>;
  /** The execution that this one runs in. */
  parent?: string | undefined;
  env: NodeJS.ProcessEnv;
  emit: (event: { type: string; execution: string; time?: string; data: EventData }) => void;
  /** Where the child's output goes besides; nowhere when it is drawn by somebody else. */
  output?: { stdout: Writable; stderr: Writable };
  /** In a session of its own, without a terminal to read from. */
  apart: boolean;
}

export interface Run {
  /** Passes a signal on; an execution that dies of it counts as cancelled. */
  signal(name: NodeJS.Signals): void;
  /** The command gets this signal from somebody else: dying of it counts as cancelled too. */
  expect(name: NodeJS.Signals): void;
  /** Stops reading the child's output: it waits when its pipe is full. */
  pause(): void;
  resume(): void;
  /** Gives the rest of the output to these streams as well. */
  show(output: { stdout: Writable; stderr: Writable }): void;
  /** Resolves when the outcome is emitted, with the exit status that a shell would show. */
  readonly ended: Promise<number>;
}

/** After the child's end, for what its own children still write to its pipes. */
const DRAIN_MS = 2_000;

export function startRun(options: RunOptions): Run {
  const { id, argv, env, emit, apart } = options;
  const [file, ...args] = argv;
  const startedAt = Date.now();
  const child = spawn(file, args, {
    env,
    stdio: [apart ? 'ignore' : 'inherit', 'pipe', 'pipe'],
    detached: apart,
  });
  emit({ type: 'execution_started', execution: id, data: describe(options, child) });

  let shown = options.output;
  const pumps = (['stdout', 'stderr'] as const).map((stream) => {
    const events = createOutputEvents({
      stream,
      emit: (data, time) => emit({ type: 'output', execution: id, time, data }),
    });
    return pump(
      child[stream],
      (chunk) => {
        events.push(chunk);
        return shown?.[stream].write(chunk) ?? true;
      },
      () => shown?.[stream],
      () => events.end(),
    );
  });

  let asked: NodeJS.Signals | undefined;
  const ended = new Promise<number>((resolve) => {
    const finish = async (outcome: Outcome) => {
      await Promise.race([Promise.all(pumps.map((stream) => stream.ended)), delayUnref(DRAIN_MS)]);
      for (const stream of pumps) stream.stop();
      emit({
        type: typeOf(outcome, asked),
        execution: id,
        data: { ...reported(outcome), durationMs: Date.now() - startedAt },
      });
      resolve(statusOf(outcome));
    };
    child.once('error', (error) => void finish({ error }));
    child.once('exit', (exitCode, signal) => void finish(signal ? { signal } : { exitCode: exitCode ?? 0 }));
  });

  return {
    ended,
    signal(name) {
      asked = name;
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      try {
        process.kill(apart ? -child.pid : child.pid, name);
      } catch {
        // ESRCH: it has just ended
      }
    },
    expect: (name) => (asked = name),
    pause: () => pumps.forEach((stream) => stream.pause()),
    resume: () => pumps.forEach((stream) => stream.resume()),
    show: (output) => (shown = output),
  };
}

type Outcome = { exitCode: number } | { signal: NodeJS.Signals } | { error: Error };

function describe({ argv, name, labels, parent }: RunOptions, child: ChildProcess): EventData {
  return {
    kind: 'run',
    argv,
    cwd: process.cwd(),
    host: hostname(),
    ...(child.pid !== undefined && { pid: child.pid }),
    ...(name !== undefined && { name }),
    ...(labels && { labels }),
    ...(parent !== undefined && { parent }),
  };
}

/** What was asked for is cancelled; what died of itself failed. */
function typeOf(outcome: Outcome, asked: NodeJS.Signals | undefined): string {
  if ('exitCode' in outcome && outcome.exitCode === 0) return 'execution_completed';
  const died =
    'signal' in outcome || ('exitCode' in outcome && asked && outcome.exitCode === 128 + constants.signals[asked]);
  return asked && died ? 'execution_cancelled' : 'execution_failed';
}

function reported(outcome: Outcome): EventData {
  if (!('error' in outcome)) return { ...outcome };
  return { error: outcome.error.message, exitCode: statusOf(outcome) };
}

/** As a shell has it: 127 not found, 126 not executable, 128 + n for a signal. */
function statusOf(outcome: Outcome): number {
  if ('exitCode' in outcome) return outcome.exitCode;
  if ('signal' in outcome) return 128 + constants.signals[outcome.signal];
  return errnoOf(outcome.error) === 'ENOENT' ? 127 : 126;
}

interface Pump {
  readonly ended: Promise<void>;
  pause(): void;
  resume(): void;
  stop(): void;
}

/** Reads at the pace of the slower of its two readers: the caller, and the stream that the output is shown on. */
function pump(
  source: Readable,
  take: (chunk: Buffer) => boolean,
  target: () => Writable | undefined,
  done: () => void,
): Pump {
  let held = false;
  let finished = false;
  const finish = () => {
    if (!finished) done();
    finished = true;
  };
  source.on('data', (chunk: Buffer) => {
    if (take(chunk)) return;
    source.pause();
    target()?.once('drain', () => {
      if (!held) source.resume();
    });
  });
  return {
    ended: new Promise((resolve) => {
      source.once('close', () => {
        finish();
        resolve();
      });
    }),
    pause() {
      held = true;
      source.pause();
    },
    resume() {
      held = false;
      source.resume();
    },
    stop() {
      finish();
      source.destroy();
    },
  };
}

function delayUnref(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
