/**
 * Carries out commands for runs: through the runner, or on the process group where no runner does it. What came of a
 * command is in the events that follow; where it fails, a `control` event has `error`.
 *
 * A stopped runner is continued first, or bypassed: then the daemon signals the process group.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Execution } from '../../core/execution.js';
import { isFinal } from '../../core/execution.js';
import type { State } from '../../core/state.js';
import { ProgressError } from '../../core/errors.js';
import { isAlive, readProcess } from '../../platform/processes.js';
import type { ControlCommand, RunCommand } from '../../api/messages.js';
import type { ControlFailure } from '../../runner/failure.js';
import type { ProcessGroup } from '../../runner/group.js';
import { createProcessGroup, isFrozen, thaw } from '../../runner/group.js';
import { signalGroup, untilStopped } from '../../runner/pause.js';
import { isSignal } from '../../runner/signals.js';
import { DEFAULT_GRACE_MS, stopGroup } from '../../runner/stop.js';
import type { RunRecord } from '../../runner/store.js';

/** A connected runner: receives commands for its run. */
export interface Attachment {
  send(line: RunCommand): void;
  readonly closed: Promise<void>;
}

export interface RunControlOptions {
  state: Pick<State, 'alive'>;
  /** Records an event of this execution. */
  say: (id: string, type: string, data: Record<string, unknown>) => void;
  isRun: (id: string) => boolean;
  recordOf: (id: string) => RunRecord | undefined;
  /** The processes of a run whose runner is gone. */
  orphanOf: (id: string) => ProcessGroup | undefined;
  attachmentOf: (id: string) => Attachment | undefined;
  /** Processes of a run without a runner have ended. */
  onStopped: () => void;
}

/** For a runner that lives to find a daemon that has just started. */
const ATTACH_MS = 5_000;
/** For a runner that has received a command to show that it is not stuck. */
const ANSWER_MS = 3_000;
const POLL_MS = 20;

/** Throws for a command that cannot be passed on; resolves when it is. */
export function createRunControl(options: RunControlOptions): (run: Execution, order: ControlCommand) => Promise<void> {
  const { state, say, isRun, recordOf, orphanOf, attachmentOf } = options;
  const isOpen = (id: string) => state.alive.has(id);

  const fail = (id: string, { action, by, signal }: ControlCommand, failure: ControlFailure) =>
    say(id, 'control', {
      action,
      ...(signal !== undefined && { signal }),
      ...(by !== undefined && { by }),
      ...failure,
    });

  /** Returns the failure, if it is one. */
  const act = async (id: string, group: ProcessGroup, order: ControlCommand): Promise<ControlFailure | undefined> => {
    const { action, by, signal, graceMs = DEFAULT_GRACE_MS } = order;
    const told = by === undefined ? {} : { by };
    const onSignal = (name: NodeJS.Signals) => say(id, 'control', { action: 'signal', signal: name, ...told });
    if (action === 'signal') return signalGroup(group, signalOf(signal), onSignal);
    if (action === 'pause' || action === 'resume') {
      const failure = signalGroup(group, action === 'pause' ? 'SIGSTOP' : 'SIGCONT', onSignal);
      const problem = failure ?? (action === 'pause' ? await untilStopped(group, onSignal) : undefined);
      if (!problem) say(id, action === 'pause' ? 'execution_paused' : 'execution_resumed', told);
      return problem;
    }
    const { text, failure } = await stopGroup({ group, graceMs: action === 'kill' ? 0 : graceMs, onSignal });
    if (text !== undefined) say(id, 'output', { stream: 'system', text });
    options.onStopped();
    return failure;
  };

  /** On its processes, because its runner is gone or stuck. */
  const actAlone = async (id: string, group: ProcessGroup, order: ControlCommand, runner?: RunRecord['runner']) => {
    const failure = await act(id, group, order);
    if (failure) return fail(id, order, failure);
    const isStop = order.action === 'stop' || order.action === 'kill';
    if (!isStop || !runner || !isAlive(runner) || !isOpen(id)) return;
    const error = `its processes have ended, but ${stuck(runner)}: it records the end when it continues`;
    fail(id, order, { code: 'unavailable', error });
  };

  /** The runner has the command. If it is stuck or dies, the command is carried out without it. */
  const watch = async (id: string, { runner, child }: RunRecord, order: ControlCommand) => {
    const isStop = order.action === 'stop' || order.action === 'kill';
    const deadline = performance.now() + ANSWER_MS;
    while (isOpen(id) && isAlive(runner) && isStuck(runner)) {
      if (performance.now() < deadline) {
        await delay(POLL_MS);
        continue;
      }
      if (isStop && child) return await actAlone(id, createProcessGroup(child, id), order, runner);
      return fail(id, order, { code: 'unavailable', error: `${stuck(runner)}, and does not answer` });
    }
    if (isAlive(runner)) return;
    while (isOpen(id) && !orphanOf(id) && performance.now() < deadline) await delay(POLL_MS);
    const orphan = orphanOf(id);
    if (orphan) await actAlone(id, orphan, order);
  };

  /** It was only recorded, so there is nothing to stop: a user says that it is over. */
  const dismiss = (id: string, order: ControlCommand) => {
    if (order.action !== 'stop' && order.action !== 'kill') {
      const reason = `${id} was not started by \`progress run\`: it can only be dismissed, by \`progress stop\``;
      throw new ProgressError('bad_request', reason);
    }
    say(id, 'control', { ...order });
    const { by = 'a client' } = order;
    say(id, 'execution_cancelled', { by, dismissed: true, error: `dismissed by ${by}` });
  };

  /** Until its runner is attached, or it is known that it has none. */
  const untilAttached = async (id: string) => {
    const deadline = performance.now() + ATTACH_MS;
    const isSettled = () => attachmentOf(id) !== undefined || orphanOf(id) !== undefined || !isOpen(id);
    while (!isSettled() && performance.now() < deadline) await delay(POLL_MS);
  };

  return async (execution, order) => {
    const { id } = execution;
    check(execution, order);
    // a runner that was stopped, by Ctrl-Z for instance, must continue to record what comes of these
    const needsRunner = order.action !== 'pause' && order.action !== 'signal';
    const record = recordOf(id);
    if (!record && execution.status === 'queued' && isRun(id) && !attachmentOf(id)) {
      say(id, 'control', { ...order });
      return say(id, 'execution_cancelled', order.by === undefined ? {} : { by: order.by });
    }
    if (!record) {
      if (isRun(id)) throw new ProgressError('unavailable', `the record of the run ${id} cannot be read`);
      return dismiss(id, order);
    }
    const { runner, child } = record;
    if (needsRunner) thaw(runner);
    const isFrozenOut = !needsRunner && isFrozen(runner);
    if (!isFrozenOut) await untilAttached(id);
    // it may be over by now
    check(execution, order);
    const [attachment, orphan] = [attachmentOf(id), orphanOf(id)];
    const isAlone = isFrozenOut || !attachment;
    const group = orphan ?? (isAlone && child ? createProcessGroup(child, id) : undefined);
    if (!group && !attachment) throw new ProgressError('unavailable', `the runner of ${id} does not answer: try again`);
    say(id, 'control', { ...order });
    if (group) return void actAlone(id, group, order, runner);
    attachment?.send({ order: { run: id, ...order } });
    void watch(id, record, order);
  };
}

/** Stopped, or waiting for a device. */
function isStuck(runner: RunRecord['runner']): boolean {
  return isFrozen(runner) || readProcess(runner.pid)?.state === 'D';
}

function stuck({ pid }: RunRecord['runner']): string {
  const state = readProcess(pid)?.state ?? '?';
  return `its runner, process ${pid}, is ${state === 'T' || state === 't' ? 'stopped' : 'not answering'} (state ${state})`;
}

function check(execution: Execution, { action, signal }: ControlCommand): void {
  const { id, status } = execution;
  if (isFinal(status)) throw new ProgressError('bad_request', `${id} is over: ${status}`);
  if (action === 'signal') signalOf(signal);
  if (status === 'queued' && action !== 'stop' && action !== 'kill') {
    throw new ProgressError('bad_request', `${id} is queued: it can only be stopped`);
  }
}

function signalOf(name: string | undefined): NodeJS.Signals {
  if (name !== undefined && isSignal(name)) return name;
  throw new ProgressError('bad_request', `control: ${name ?? 'no signal'} is no signal: try SIGTERM`);
}
