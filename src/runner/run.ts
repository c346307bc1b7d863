/** Runs one command as an execution: start, output, outcome as events; its streams and its signals passed through. */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { constants, hostname } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { clip, clipAll, NAME_CHARS } from '../core/data.js';
import type { EventData } from '../core/event.js';
import { errnoOf } from '../errors.js';
import type { OutputEvents } from './output.js';
import { createOutputEvents } from './output.js';

export interface Output {
  stdout: Writable;
  stderr: Writable;
}

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
  output?: Output;
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
  show(output: Output): void;
  /** Resolves when the outcome is emitted, with the exit status that a shell would show. */
  readonly ended: Promise<number>;
}

/** Of a command line, in the journal: a system takes megabytes of it, an event does not. */
const ARGV_CHARS = 16 * 1024;
/** After the child's end, for what its own children still write to its pipes; not counting the time when nobody reads. */
const DRAIN_MS = 2_000;
const DRAIN_POLL_MS = 5;

export function startRun(options: RunOptions): Run {
  const { id, emit, apart } = options;
  const startedAt = Date.now();
  const child = launch(options);
  emit({ type: 'execution_started', execution: id, data: describe(options, child) });

  const asked = new Set<NodeJS.Signals>();
  const end = (outcome: Outcome): number => {
    const durationMs = Date.now() - startedAt;
    emit({ type: typeOf(outcome, asked), execution: id, data: { ...reported(outcome), durationMs } });
    return statusOf(outcome);
  };
  if (child instanceof Error) {
    const ended = Promise.resolve(end({ error: child }));
    return { ended, signal: nothing, expect: nothing, pause: nothing, resume: nothing, show: nothing };
  }

  const pumps = STREAMS.map((stream) => {
    const events = createOutputEvents({
      stream,
      emit: (data, time) => emit({ type: 'output', execution: id, time, data }),
    });
    return createPump(child[stream], events);
  });
  const show = (output: Output) => pumps.forEach((pump, index) => pump.show(output[STREAMS[index] ?? 'stdout']));
  if (options.output) show(options.output);

  const outcome = new Promise<Outcome>((resolve) => {
    child.once('error', (error) => resolve({ error }));
    child.once('exit', (exitCode, signal) => resolve(signal ? { signal } : { exitCode: exitCode ?? 0 }));
  });
  const drain = async (known: Outcome) => {
    const isDone = () => pumps.every((pump) => pump.ended);
    for (let waited = 0; !isDone() && waited < DRAIN_MS;) {
      await delay(DRAIN_POLL_MS);
      if (!pumps.some((pump) => pump.blocked)) waited += DRAIN_POLL_MS;
    }
    for (const pump of pumps) pump.stop();
    return end(known);
  };

  return {
    ended: outcome.then(drain),
    signal(name) {
      asked.add(name);
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      try {
        process.kill(apart ? -child.pid : child.pid, name);
      } catch {
        // ESRCH: it has just ended
      }
    },
    expect: (name) => void asked.add(name),
    pause: () => pumps.forEach((pump) => pump.hold(true)),
    resume: () => pumps.forEach((pump) => pump.hold(false)),
    show,
  };
}

const STREAMS = ['stdout', 'stderr'] as const;

function nothing(): void {
  // there is no child
}

/** Some errors are thrown, such as arguments that are too long; others come as an event. */
function launch({ argv: [file, ...args], env, apart }: RunOptions): Child | Error {
  try {
    return spawn(file, args, { env, stdio: [apart ? 'ignore' : 'inherit', 'pipe', 'pipe'], detached: apart });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

type Child = ChildProcessByStdio<null, Readable, Readable>;
type Outcome = { exitCode: number } | { signal: NodeJS.Signals } | { error: Error };

function describe({ argv, name, labels, parent }: RunOptions, child: Child | Error): EventData {
  const pid = child instanceof Error ? undefined : child.pid;
  return {
    kind: 'run',
    argv: clipAll(argv, ARGV_CHARS),
    cwd: process.cwd(),
    host: hostname(),
    ...(pid !== undefined && { pid }),
    ...(name !== undefined && { name: clip(name, NAME_CHARS) }),
    ...(labels && { labels }),
    ...(parent !== undefined && { parent }),
  };
}

/** What was asked for is cancelled; what died of itself failed. */
function typeOf(outcome: Outcome, asked: ReadonlySet<NodeJS.Signals>): string {
  if ('exitCode' in outcome && outcome.exitCode === 0) return 'execution_completed';
  const status = statusOf(outcome);
  const obeyed = [...asked].some((signal) => status === 128 + constants.signals[signal]);
  return obeyed ? 'execution_cancelled' : 'execution_failed';
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
  readonly ended: boolean;
  /** It reads no further for now. */
  readonly blocked: boolean;
  hold(held: boolean): void;
  show(target: Writable): void;
  stop(): void;
}

/** Reads at the pace of the slower of its two readers: whoever holds it, and the stream that the output is shown on. */
function createPump(source: Readable, events: OutputEvents): Pump {
  let target: Writable | undefined;
  let held = false;
  let draining = false;
  let ended = false;
  const follow = () => {
    if (held || draining) source.pause();
    else source.resume();
  };
  const drained = () => {
    draining = false;
    follow();
  };
  const finish = () => {
    if (!ended) events.end();
    ended = true;
  };
  source.on('data', (chunk: Buffer) => {
    events.push(chunk);
    if (!target || target.write(chunk)) return;
    draining = true;
    follow();
    target.once('drain', drained);
  });
  source.once('close', finish);
  return {
    get ended() {
      return ended;
    },
    get blocked() {
      return held || draining;
    },
    hold(asked) {
      held = asked;
      follow();
    },
    show(stream) {
      target = stream;
      stream.once('error', (error) => {
        target = undefined;
        drained();
        // nobody reads any more: the command is told as it would be without us
        if (errnoOf(error) === 'EPIPE') source.destroy();
      });
    },
    stop() {
      finish();
      source.destroy();
    },
  };
}
