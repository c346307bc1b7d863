/**
 * One run from its start to its end: its command, its output, its signals, all told as events.
 *
 * Before the command is spawned, the run is in the journal and `runs/ID/runner.json` is claimed by a hard link, which
 * only one runner can create. A process that was spawned and not recorded yet is found by PROGRESS_EXECUTION in its
 * environment. All events go into a spool file of the runner, and from there into the journal once, whichever process
 * is killed at whatever time.
 */
import { closeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { createDeferred } from '../core/deferred.js';
import type { EventData, FinalStatus } from '../core/event.js';
import { ProgressError } from '../core/errors.js';
import type { Paths } from '../platform/paths.js';
import { identityOf, readProcess } from '../platform/processes.js';
import type { RunCommand } from '../api/messages.js';
import { resolveOutcome } from '../formats/parser.js';
import type { TimedEvent } from '../formats/interpreter.js';
import { RUN_KIND } from '../spool/names.js';
import type { SpoolWriter } from '../spool/spool-writer.js';
import { openSpoolWriter } from '../spool/spool-writer.js';
import type { ChildOptions, ChildExit } from './child.js';
import { startChild, exitStatusOfChild } from './child.js';
import type { ProcessGroup } from './group.js';
import { createProcessGroup } from './group.js';
import { createOutputLimit } from './output-limit.js';
import type { CommandStream, OutputPiece } from './output.js';
import { watchPeakRss } from './peak-rss.js';
import { outputData } from './output.js';
import { createPausing, signalGroup } from './pause.js';
import { whyNoPty } from './pty.js';
import type { Pump, Shown } from './pump.js';
import { createPump, drain } from './pump.js';
import type { OutputReader } from './output-reader.js';
import { createOutputReader, createReadOrder } from './output-reader.js';
import { isSignal, statusOfSignal } from './signals.js';
import { describe } from './spec.js';
import { createStopping, DEFAULT_GRACE_MS } from './stop.js';
import type { RunRecord, RunSpec } from './store.js';
import { claimRun, directoryOf, updateRecord } from './store.js';
import type { Emit } from './emit.js';

export interface Output {
  stdout: Writable;
  stderr: Writable;
  /** How standard output shows that of a terminal, where it is a terminal itself. */
  terminal?: Shown | undefined;
}

export interface RunOptions extends Pick<ChildOptions, 'stdin' | 'pty' | 'terminal' | 'stderr' | 'inherited'> {
  paths: Pick<Paths, 'runs' | 'spool'>;
  spec: RunSpec;
  /** Its queueing was told before: it is this process's turn. */
  announced: boolean;
  /** It starts when the order comes. */
  waits: boolean;
  /** Bytes of output that are kept. */
  outputLimit: number;
  /** Where the output goes besides; nowhere when it is drawn by somebody else. */
  output?: Output;
  /** Shows an agent's events for people, instead of its lines. */
  render?: (event: TimedEvent) => string;
  /** Nobody waits for it: it looks for processes that are left, and for room to write its end, whatever that costs. */
  thorough: boolean;
  /** Told where nothing can be written, instead of an error: the command runs all the same. */
  onUnrecorded?: (error: unknown) => void;
}

export interface Run {
  order(order: RunCommand['order']): void;
  /** Records an event of this run. */
  readonly tell: Emit;
  /** Passes a signal on; a command that dies of it counts as cancelled. */
  signal(name: NodeJS.Signals, by: string): void;
  /** The command gets this signal from somebody else: dying of it counts as cancelled, too. */
  expect(name: NodeJS.Signals): void;
  /** Gives the rest of the output to these streams as well. */
  show(output: Output): void;
  /** Resolves when the outcome is written, with the exit status that a shell would show. */
  readonly ended: Promise<number>;
  /** Waits for its turn: there is no command yet. */
  readonly isWaiting: boolean;
  /** Events that could not be written; known at the end. */
  readonly unwritten: number;
  /** The signal that ended the command, if one did; known at the end. */
  readonly diedOf: NodeJS.Signals | undefined;
  /** Why the command could not be started; known at the end. */
  readonly problem: string | undefined;
}

const MAX_TIMER_MS = 2 ** 31 - 1;
/** As timeout(1) has it. */
const TIMED_OUT = 124;

/** Throws where somebody else runs it, or where nothing can be written and nobody is to be told of that. */
export function startRun(options: RunOptions): Run {
  const { paths, spec, waits } = options;
  const { id } = spec;
  const record: RunRecord = {
    runner: identityOf(process.pid) ?? { pid: process.pid, start: 0, boot: '' },
    source: `${RUN_KIND}-${process.pid}-${id}`,
  };
  const file = openRecord(options, record);
  const emit: Emit = (type, data, now) =>
    file.append({ type, execution: id, time: new Date().toISOString(), data }, now);
  if (!options.announced) emit('execution_queued', describe(spec), 'now');
  if (spec.pty && !options.pty) {
    emit('log', { level: 'warning', message: 'no terminal can be given to it on this system: it gets pipes' });
  }
  if (options.stdin === 'ignore') options.pty?.endInput();

  const turn = createDeferred<'start' | ChildExit>();
  if (!waits) turn.resolve('start');
  const asked = new Set<NodeJS.Signals>();
  // one that a script has started in the background ignores SIGINT
  const stopping = createStopping(emit, options.inherited?.ignored.includes('SIGINT') ? 'SIGTERM' : 'SIGINT');
  const pausing = createPausing(emit);
  let timedOut = false;
  let pumps: readonly (Pump & { stream: CommandStream; reading: OutputReader })[] = [];
  let shown = options.output;
  let unwritten = 0;
  let problem: string | undefined;
  let diedOf: NodeJS.Signals | undefined;
  let group: ProcessGroup | undefined;
  /** What is ordered before the command is there waits for it. */
  let early: (() => void)[] | undefined = [];

  const soon = (task: () => void) => {
    if (early) early.push(task);
    else task();
  };
  const send = (name: NodeJS.Signals, by: string | undefined) => {
    if (!group) return;
    const told = { action: 'signal', signal: name, ...(by !== undefined && { by }) };
    const failure = signalGroup(group, name, () => emit('control', told));
    if (failure) emit('control', { ...told, ...failure }, 'now');
  };
  const stop = (by: string | undefined, graceMs: number) => {
    if (group) stopping.begin({ group, by, graceMs });
  };

  const obey = ({ action, by, signal, graceMs = DEFAULT_GRACE_MS }: RunCommand['order']) => {
    if (action === 'start') return turn.resolve('start');
    if (action === 'stop' || action === 'kill') {
      turn.resolve({ signal: 'SIGINT' });
      return soon(() => stop(by, action === 'kill' ? 0 : graceMs));
    }
    soon(() => {
      if (action === 'pause') {
        if (group) pausing.begin(group, by);
      } else if (action === 'resume') {
        if (group) pausing.end(group, by);
      } else if (signal !== undefined && isSignal(signal)) {
        asked.add(signal);
        send(signal, by);
      }
    });
  };

  const showOn = (output: Output) => {
    for (const pump of pumps) {
      const target = output[pump.stream];
      const isFromTerminal = options.pty !== undefined && pump.stream === 'stdout';
      pump.show(target, isFromTerminal ? output.terminal : undefined);
    }
  };

  /** As its process tells. */
  const statusNow = (outcome: ChildExit): FinalStatus => {
    if (timedOut) return 'timeout';
    // an agent may leave in good order when it is interrupted, and say nothing of its turn
    const isCut = asked.has('SIGINT') && !('error' in outcome) && pumps.some(({ reading }) => reading.isOpen);
    return stopping.begun || isCut ? 'cancelled' : judge(outcome, asked);
  };

  const end = async (outcome: ChildExit, measured: EventData): Promise<number> => {
    const claim = pumps.find(({ reading }) => reading.claim)?.reading.claim;
    const { status, ...words } = resolveOutcome(statusNow(outcome), claim);
    emit(`execution_${status}`, { ...words, ...outcome, ...measured }, 'now');
    if ('error' in outcome) problem = outcome.error;
    if ('signal' in outcome) diedOf = outcome.signal;
    if (options.thorough) await file.written();
    unwritten = file.close();
    return timedOut ? TIMED_OUT : exitStatusOfChild(outcome);
  };

  const run = async (): Promise<number> => {
    const go = await turn.promise;
    if (go !== 'start') {
      stopping.begun = true;
      return await end(go, {});
    }
    const startedAt = performance.now();
    const child = await startChild({
      ...options,
      directory: directoryOf(paths, id),
      argv: spec.argv,
      cwd: spec.cwd,
      env: spec.env,
    });
    if (typeof options.stdin === 'number') closeSync(options.stdin);
    if (!('pid' in child)) {
      emit('execution_started', describe(spec));
      return await end(child, { durationMs: 0 });
    }
    if (spec.pty && !options.pty) {
      const message = `it gets pipes, no terminal: ${whyNoPty() ?? 'none could be opened'}`;
      emit('log', { level: 'warning', message });
    }
    const leader = identityOf(child.pid) ?? { pid: child.pid, start: 0, boot: '' };
    try {
      updateRecord(paths, id, { ...record, child: leader });
    } catch (error) {
      // it is there now, and its group is found without this, too
      emit('log', { level: 'warning', message: `not written down: ${ProgressError.from(error).message}` });
    }
    emit('execution_started', { ...describe(spec), pid: child.pid }, 'now');
    group = createProcessGroup(leader, id);
    const limit = createOutputLimit({
      bytes: options.outputLimit,
      keep: (piece) => file.append({ type: 'output', execution: id, time: piece.time, data: outputData(piece) }),
      mark: (text) => emit('output', { stream: 'system', text }),
    });
    const { argv, format } = spec;
    const inOrder = createReadOrder();
    pumps = child.outputs.map(({ stream, source }) => {
      const isTerminal = options.pty !== undefined && stream === 'stdout';
      const onPiece = (piece: OutputPiece) => limit.take(piece);
      const say = (event: TimedEvent) => file.append({ ...event, execution: id });
      const reading = createOutputReader({
        argv,
        cwd: spec.cwd,
        format,
        stream,
        isTerminal,
        onPiece,
        emit: say,
        render: options.render,
      });
      return Object.assign(createPump(source, inOrder(reading)), { stream, reading });
    });
    if (shown) showOn(shown);
    const timer =
      spec.timeoutMs === undefined
        ? undefined
        : setTimeout(
            () => {
              timedOut = true;
              stop('its timeout', DEFAULT_GRACE_MS);
            },
            Math.min(spec.timeoutMs, MAX_TIMER_MS),
          );
    const memory = watchPeakRss(child.pid);
    for (const task of early ?? []) task();
    early = undefined;

    const outcome = await child.exited;
    const durationMs = Math.round(performance.now() - startedAt);
    clearTimeout(timer);
    const waited = readProcess(process.pid)?.waitedCpuMs;
    options.pty?.finish();
    const inTime = await drain(pumps);
    await stopping.done;
    // before they find that nobody reads any more
    if (options.thorough || stopping.begun || !inTime) reportLeft(group, emit);
    for (const pump of pumps) pump.stop(pump.reading.end(statusNow(outcome)));
    pausing.close();
    limit.end();
    if (stopping.text !== undefined) emit('output', { stream: 'system', text: stopping.text });
    const peakRss = memory.stop();
    const cpuSeconds = waited === undefined ? undefined : waited / 1_000;
    return await end(outcome, {
      durationMs,
      ...(cpuSeconds !== undefined && { cpuSeconds }),
      ...(peakRss > 0 && { peakRss }),
    });
  };

  const runAndClose = async () => {
    try {
      return await run();
    } finally {
      // what was typed for a command that was never started as well
      await options.pty?.unread();
      // a terminal that stays open keeps this process alive: without a command nothing else closes it
      options.pty?.close();
    }
  };

  return {
    ended: runAndClose(),
    order: obey,
    tell: emit,
    signal(name, by) {
      asked.add(name);
      turn.resolve({ signal: name });
      soon(() => send(name, by));
    },
    expect: (name) => void asked.add(name),
    show(output) {
      shown = output;
      showOn(output);
    },
    get isWaiting() {
      return early !== undefined;
    },
    get unwritten() {
      return unwritten;
    },
    get diedOf() {
      return diedOf;
    },
    get problem() {
      return problem;
    },
  };
}

/** Claims the run, and opens what it is told in. */
function openRecord({ paths, spec: { id }, pty, onUnrecorded }: RunOptions, record: RunRecord): SpoolWriter {
  try {
    if (!claimRun(paths, id, record)) throw new ProgressError('bad_request', `${id} was started by somebody else`);
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

/** What was asked for is cancelled; what died of itself failed. */
function judge(outcome: ChildExit, asked: ReadonlySet<NodeJS.Signals>): FinalStatus {
  const status = exitStatusOfChild(outcome);
  if (status === 0) return 'completed';
  const obeyed = [...asked].some((signal) => status === statusOfSignal(signal));
  return obeyed ? 'cancelled' : 'failed';
}

/** Logs a warning that names the processes that outlive the command. */
function reportLeft(group: ProcessGroup, emit: Emit): void {
  const message = describeLeft(
    group.members().map(({ pid }) => pid),
    group.escaped(),
  );
  if (message !== undefined) emit('log', { level: 'warning', message });
}

/**
 * Describes the processes that outlive the command of a run.
 *
 * @param members - Process ids within the group of the run.
 * @param escaped - Process ids outside of it, read after `members`: a process that leaves meanwhile is in both lists.
 * @returns Undefined when there is none.
 */
export function describeLeft(members: readonly number[], escaped: readonly number[]): string | undefined {
  const left = [...members.filter((pid) => !escaped.includes(pid)), ...escaped];
  if (left.length === 0) return undefined;
  const word = left.length === 1 ? 'process of this run goes' : 'processes of this run go';
  const where = escaped.length === 0 ? '' : `; outside of its group: ${escaped.join(', ')}`;
  return `${left.length} ${word} on: ${left.join(', ')}${where}`;
}
