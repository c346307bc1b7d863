/**
 * Runs one command as an execution, from its queueing to its end, and records it as events.
 *
 * Before the command is spawned, the run is in the journal and `runs/ID/runner.json` is claimed by a hard link, which
 * only one runner can create. A process that was spawned and not yet recorded is found by PROGRESS_EXECUTION in its
 * environment. All events go through a spool file of the runner, so each reaches the journal exactly once, whichever
 * process is killed at whatever time.
 */
import { closeSync } from 'node:fs';
import { createDeferred } from '../core/base/deferred.js';
import type { EventData, FinalStatus } from '../core/events/event.js';
import { ProgressError } from '../core/base/errors.js';
import type { Paths } from '../platform/paths.js';
import type { ProcessIdentity } from '../platform/processes.js';
import { identityOf, readProcess } from '../platform/processes.js';
import type { RunCommand } from '../api/messages.js';
import { CONTROL } from '../api/run-commands.js';
import { resolveOutcome } from '../formats/parser.js';
import type { TimedEvent } from '../formats/interpreter.js';
import { RUN_KIND } from '../spool/names.js';
import type { SpoolWriter } from '../spool/spool-writer.js';
import { openSpoolWriter } from '../spool/spool-writer.js';
import type { Child, ChildExit, ChildOptions } from './child.js';
import { exitStatusOfChild, startChild } from './child.js';
import type { Output } from './command-output.js';
import { CommandOutput } from './command-output.js';
import type { Emit } from './emit.js';
import type { ProcessGroup } from './group.js';
import { createProcessGroup } from './group.js';
import { outputData } from './output.js';
import { createPausing, signalGroup } from './pause.js';
import { watchPeakRss } from './peak-rss.js';
import { noPtyMessage } from './pty.js';
import { reportRemaining } from './remaining-processes.js';
import { isSignal, statusOfSignal } from './signals.js';
import { describe } from './spec.js';
import { createStopping } from './stop.js';
import type { RunRecord, RunSpec } from './store.js';
import { claimRun, directoryOf, updateRecord } from './store.js';

export interface RunOptions extends Pick<ChildOptions, 'stdin' | 'pty' | 'terminal' | 'stderr' | 'inherited'> {
  paths: Pick<Paths, 'runs' | 'spool'>;
  spec: RunSpec;
  /** `execution_queued` is in the journal already, and the scheduler has started this runner. */
  announced: boolean;
  /** Start the command only when the `start` command arrives. */
  waits: boolean;
  /** Maximum number of bytes of output to record. */
  outputLimit: number;
  /** Streams to copy the output to. @default it is only recorded */
  output?: Output;
  /** Formats an agent's events for people, instead of copying its lines. */
  render?: (event: TimedEvent) => string;
  /** No client waits for the run: spend time on finding remaining processes and on retrying until the end is written. */
  thorough: boolean;
  /** Called when nothing can be recorded; the command runs all the same. @default the constructor throws */
  onUnrecorded?: (error: unknown) => void;
}

type Command = RunCommand;

const MAX_TIMER_MS = 2 ** 31 - 1;
/** Exit status of timeout(1). */
const TIMED_OUT = 124;

export class Run {
  /** Resolves when the outcome is written, with the exit status that a shell would report. */
  readonly ended: Promise<number>;
  /** Records an event of this run. */
  readonly emit: Emit;
  readonly #options: RunOptions;
  readonly #record: RunRecord;
  readonly #spool: SpoolWriter;
  readonly #turn = createDeferred<'start' | ChildExit>();
  /** Signals whose death counts as cancelled. */
  readonly #requested = new Set<NodeJS.Signals>();
  readonly #stopping;
  readonly #pausing;
  #shown: Output | undefined;
  #output: CommandOutput | undefined;
  #group: ProcessGroup | undefined;
  /** Commands that arrived before the process was started; undefined afterwards. */
  #buffered: (() => void)[] | undefined = [];
  #isTimedOut = false;
  #unwritten = 0;
  #problem: string | undefined;
  #diedOf: NodeJS.Signals | undefined;

  /**
   * Claims the run, and starts its command now or at the `start` command.
   *
   * @throws ProgressError if another runner has claimed it, or an error if nothing can be recorded.
   */
  constructor(options: RunOptions) {
    const { spec, pty, inherited, stdin } = options;
    this.#options = options;
    this.#shown = options.output;
    this.#record = {
      runner: identityOf(process.pid) ?? { pid: process.pid, start: 0, boot: '' },
      source: `${RUN_KIND}-${process.pid}-${spec.id}`,
    };
    this.#spool = claimAndOpenSpool(options, this.#record);
    this.emit = (type, data, now) =>
      this.#spool.append({ type, execution: spec.id, time: new Date().toISOString(), data }, now);
    // a command that a script has started in the background ignores SIGINT
    this.#stopping = createStopping(this.emit, inherited?.ignored.includes('SIGINT') ? 'SIGTERM' : 'SIGINT');
    this.#pausing = createPausing(this.emit);
    if (!options.announced) this.emit('execution_queued', describe(spec), 'now');
    if (stdin === 'ignore') pty?.endInput();
    if (!options.waits) this.#turn.resolve('start');
    this.ended = this.#runAndClose();
  }

  /** Whether the command has not been started yet. */
  get isWaiting(): boolean {
    return this.#buffered !== undefined;
  }

  /** Number of events that could not be written; known at the end. */
  get unwritten(): number {
    return this.#unwritten;
  }

  /** Signal that ended the command; known at the end. */
  get diedOf(): NodeJS.Signals | undefined {
    return this.#diedOf;
  }

  /** Why the command could not be started; known at the end. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Executes a command of the daemon. */
  control({ action, by, signal, graceMs = CONTROL.graceMs.default }: Command): void {
    if (action === 'start') return this.#turn.resolve('start');
    if (action === 'stop' || action === 'kill') {
      this.#turn.resolve({ signal: 'SIGINT' });
      return this.#whenStarted(() => this.#stop(by, action === 'kill' ? 0 : graceMs));
    }
    this.#whenStarted(() => {
      if (action === 'pause') {
        if (this.#group) this.#pausing.begin(this.#group, by);
      } else if (action === 'resume') {
        if (this.#group) this.#pausing.end(this.#group, by);
      } else if (signal !== undefined && isSignal(signal)) {
        this.#requested.add(signal);
        this.#send(signal, by);
      }
    });
  }

  /** Forwards a signal; a command that dies of it counts as cancelled. */
  signal(name: NodeJS.Signals, by: string): void {
    this.#requested.add(name);
    this.#turn.resolve({ signal: name });
    this.#whenStarted(() => this.#send(name, by));
  }

  /** Announces a signal that the terminal sends; a command that dies of it counts as cancelled. */
  expect(name: NodeJS.Signals): void {
    this.#requested.add(name);
  }

  /** Copies output to these streams from now on. */
  show(output: Output): void {
    this.#shown = output;
    this.#output?.show(output);
  }

  async #runAndClose(): Promise<number> {
    try {
      return await this.#run();
    } finally {
      const { pty } = this.#options;
      // also input for a command that was never started
      await pty?.unread();
      // an open terminal keeps this process alive, and without a command nothing else closes it
      pty?.close();
    }
  }

  async #run(): Promise<number> {
    const turn = await this.#turn.promise;
    if (turn !== 'start') {
      this.#stopping.begun = true;
      return await this.#end(turn, {});
    }
    const startedAt = performance.now();
    const child = await this.#spawn();
    if (!('pid' in child)) {
      this.emit('execution_started', describe(this.#options.spec));
      return await this.#end(child, { durationMs: 0 });
    }
    const group = this.#recordStart(child.pid);
    const output = this.#openOutput(child);
    const timeout = this.#startTimeout();
    const rss = watchPeakRss(child.pid);
    this.#runBuffered();

    const exit = await child.exited;
    const durationMs = Math.round(performance.now() - startedAt);
    clearTimeout(timeout);
    const cpuMs = readProcess(process.pid)?.waitedCpuMs;
    await this.#finish(exit, group, output);
    const peakRss = rss.stop();
    return await this.#end(exit, {
      durationMs,
      ...(cpuMs !== undefined && { cpuSeconds: cpuMs / 1_000 }),
      ...(peakRss > 0 && { peakRss }),
    });
  }

  async #spawn(): Promise<Child | ChildExit> {
    const { paths, spec, stdin } = this.#options;
    const { argv, cwd, env } = spec;
    const child = await startChild({ ...this.#options, directory: directoryOf(paths, spec.id), argv, cwd, env });
    if (typeof stdin === 'number') closeSync(stdin);
    return child;
  }

  #recordStart(pid: number): ProcessGroup {
    const { paths, spec, pty } = this.#options;
    if (spec.pty && !pty) this.#warn(noPtyMessage());
    const leader: ProcessIdentity = identityOf(pid) ?? { pid, start: 0, boot: '' };
    try {
      updateRecord(paths, spec.id, { ...this.#record, child: leader });
    } catch (error) {
      // the group is also found by its environment
      this.#warn(`cannot record the process ID of the command: ${ProgressError.from(error).message}`);
    }
    this.emit('execution_started', { ...describe(spec), pid }, 'now');
    this.#group = createProcessGroup(leader, spec.id);
    return this.#group;
  }

  #openOutput(child: Child): CommandOutput {
    const { spec, pty, outputLimit, render } = this.#options;
    const execution = spec.id;
    const output = new CommandOutput(child.outputs, {
      spec,
      isTerminal: pty !== undefined,
      limit: {
        bytes: outputLimit,
        keep: (piece) => this.#spool.append({ type: 'output', execution, time: piece.time, data: outputData(piece) }),
        mark: (text) => this.emit('output', { stream: 'system', text }),
      },
      emit: (event) => this.#spool.append({ ...event, execution }),
      render,
    });
    this.#output = output;
    if (this.#shown) output.show(this.#shown);
    return output;
  }

  #startTimeout(): NodeJS.Timeout | undefined {
    const { timeoutMs } = this.#options.spec;
    if (timeoutMs === undefined) return undefined;
    const expire = () => {
      this.#isTimedOut = true;
      this.#stop('its timeout', CONTROL.graceMs.default);
    };
    return setTimeout(expire, Math.min(timeoutMs, MAX_TIMER_MS));
  }

  #runBuffered(): void {
    for (const task of this.#buffered ?? []) task();
    this.#buffered = undefined;
  }

  #whenStarted(task: () => void): void {
    if (this.#buffered) this.#buffered.push(task);
    else task();
  }

  /** Reads the rest of the output, and waits for a stop that is under way. */
  async #finish(exit: ChildExit, group: ProcessGroup, output: CommandOutput): Promise<void> {
    const { pty, thorough } = this.#options;
    pty?.finish();
    const isDrained = await output.drain();
    await this.#stopping.done;
    // before their output is closed, which may end them
    if (thorough || this.#stopping.begun || !isDrained) reportRemaining(group, this.emit);
    output.stop(this.#statusOf(exit));
    this.#pausing.close();
    output.end();
    if (this.#stopping.text !== undefined) this.emit('output', { stream: 'system', text: this.#stopping.text });
  }

  async #end(exit: ChildExit, measured: EventData): Promise<number> {
    const { status, ...details } = resolveOutcome(this.#statusOf(exit), this.#output?.claim);
    this.emit(`execution_${status}`, { ...details, ...exit, ...measured }, 'now');
    if ('error' in exit) this.#problem = exit.error;
    if ('signal' in exit) this.#diedOf = exit.signal;
    if (this.#options.thorough) await this.#spool.written();
    this.#unwritten = this.#spool.close();
    return this.#isTimedOut ? TIMED_OUT : exitStatusOfChild(exit);
  }

  /** Status by the evidence of the process alone. */
  #statusOf(exit: ChildExit): FinalStatus {
    if (this.#isTimedOut) return 'timeout';
    // an interrupted agent may exit with 0 and report no outcome
    const isInterrupted = this.#requested.has('SIGINT') && !('error' in exit) && this.#output?.isOpen === true;
    if (this.#stopping.begun || isInterrupted) return 'cancelled';
    const status = exitStatusOfChild(exit);
    if (status === 0) return 'completed';
    return [...this.#requested].some((signal) => status === statusOfSignal(signal)) ? 'cancelled' : 'failed';
  }

  #stop(by: string | undefined, graceMs: number): void {
    if (this.#group) this.#stopping.begin({ group: this.#group, by, graceMs });
  }

  #send(name: NodeJS.Signals, by: string | undefined): void {
    if (!this.#group) return;
    const data = { action: 'signal', signal: name, ...(by !== undefined && { by }) };
    const failure = signalGroup(this.#group, name, () => this.emit('control', data));
    if (failure) this.emit('control', { ...data, ...failure }, 'now');
  }

  #warn(message: string): void {
    this.emit('log', { level: 'warning', message });
  }
}

/** Claims the run, and opens the spool file for its events. */
function claimAndOpenSpool({ paths, spec: { id }, pty, onUnrecorded }: RunOptions, record: RunRecord): SpoolWriter {
  try {
    if (!claimRun(paths, id, record)) throw new ProgressError('bad_request', `${id} was started by another runner`);
    return openSpoolWriter(paths, RUN_KIND, id);
  } catch (error) {
    if (error instanceof ProgressError || !onUnrecorded) {
      pty?.close();
      throw error;
    }
    onUnrecorded(error);
    let unwritten = 0;
    return {
      source: record.source,
      append: () => unwritten++,
      written: () => Promise.resolve(),
      close: () => unwritten,
    };
  }
}
