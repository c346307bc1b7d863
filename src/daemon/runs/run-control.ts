/**
 * Executes commands for runs: through the runner, or on the process group if no runner can. The result of a command is in
 * the events that follow; a failure is a `control` event with `error`.
 *
 * A stopped runner is continued first, or bypassed: then the daemon signals the process group.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Execution } from '../../core/execution.js';
import { isFinal } from '../../core/execution.js';
import { endedText } from '../../core/text/state-text.js';
import type { State } from '../../core/state/state.js';
import { ProgressError } from '../../core/base/errors.js';
import { isAlive, readProcess } from '../../platform/processes.js';
import type { CommandMessage, ControlCommand } from '../../api/messages.js';
import { CONTROL } from '../../api/run-commands.js';
import type { ControlFailure } from '../../runner/failure.js';
import type { ProcessGroup } from '../../runner/group.js';
import { createProcessGroup, isFrozen, thaw } from '../../runner/group.js';
import { signalGroup, untilStopped } from '../../runner/pause.js';
import { isSignal } from '../../runner/signals.js';
import { stopGroup } from '../../runner/stop.js';
import type { RunRecord } from '../../runner/store.js';

/** A connected runner: receives commands for its run. */
export interface Attachment {
  send(line: CommandMessage): void;
  readonly closed: Promise<void>;
}

export interface RunControlOptions {
  state: Pick<State, 'alive'>;
  /** Records an event of this execution. */
  record: (id: string, type: string, data: Record<string, unknown>) => void;
  isRun: (id: string) => boolean;
  recordOf: (id: string) => RunRecord | undefined;
  /** Process group of a run whose runner has ended. */
  orphanOf: (id: string) => ProcessGroup | undefined;
  attachmentOf: (id: string) => Attachment | undefined;
  /** Called when processes of a run without a runner have ended. */
  onStopped: () => void;
}

/** Time for a live runner to find a daemon that has just started. */
const ATTACH_MS = 5_000;
/** Time for a runner that has received a command to show that it is not stuck. */
const ANSWER_MS = 3_000;
const POLL_MS = 20;

export class RunControl {
  readonly #options: RunControlOptions;

  constructor(options: RunControlOptions) {
    this.#options = options;
  }

  /**
   * Passes a command to the run's runner, or carries it out. Resolves when that has begun.
   *
   * @throws ProgressError for a command that the run cannot receive
   */
  async control(execution: Execution, command: ControlCommand): Promise<void> {
    const { record, isRun, recordOf, attachmentOf } = this.#options;
    const { id } = execution;
    check(execution, command);
    const found = recordOf(id);
    if (!found && execution.status === 'queued' && isRun(id) && !attachmentOf(id)) {
      record(id, 'control', { ...command });
      return record(id, 'execution_cancelled', command.by === undefined ? {} : { by: command.by });
    }
    if (found) return await this.#pass(execution, command, found);
    if (isRun(id)) throw new ProgressError('unavailable', `the record of the run ${id} cannot be read`);
    this.#dismiss(id, command);
  }

  /** Passes a command to the runner, or carries it out on the processes when there is no runner or it is stopped. */
  async #pass(execution: Execution, command: ControlCommand, found: RunRecord): Promise<void> {
    const { record, orphanOf, attachmentOf } = this.#options;
    const { id } = execution;
    const { runner, child } = found;
    // a runner that was stopped, by Ctrl-Z for instance, must continue to record the result of these
    const needsRunner = command.action !== 'pause' && command.action !== 'signal';
    if (needsRunner) thaw(runner);
    const isBypassed = !needsRunner && isFrozen(runner);
    if (!isBypassed) await this.#waitUntilAttached(id);
    // it may have ended meanwhile
    check(execution, command);
    const [attachment, orphan] = [attachmentOf(id), orphanOf(id)];
    const isAlone = isBypassed || !attachment;
    const group = orphan ?? (isAlone && child ? createProcessGroup(child, id) : undefined);
    if (!group && !attachment) throw new ProgressError('unavailable', `the runner of ${id} does not answer: try again`);
    record(id, 'control', { ...command });
    if (group) return void this.#actAlone(id, group, command, runner);
    attachment?.send({ command: { run: id, ...command } });
    void this.#watchRunner(id, found, command);
  }

  #isOpen(id: string): boolean {
    return this.#options.state.alive.has(id);
  }

  /** Waits until the runner of a run is attached, or known to have ended. */
  async #waitUntilAttached(id: string): Promise<void> {
    const { attachmentOf, orphanOf } = this.#options;
    const deadline = performance.now() + ATTACH_MS;
    const isSettled = () => attachmentOf(id) !== undefined || orphanOf(id) !== undefined || !this.#isOpen(id);
    while (!isSettled() && performance.now() < deadline) await delay(POLL_MS);
  }

  /** Carries out a command on a run's processes. Returns the failure, if it failed. */
  async #act(id: string, group: ProcessGroup, command: ControlCommand): Promise<ControlFailure | undefined> {
    const { record, onStopped } = this.#options;
    const { action, by, signal, graceMs = CONTROL.graceMs.default } = command;
    const actor = by === undefined ? {} : { by };
    const onSignal = (name: NodeJS.Signals) => record(id, 'control', { action: 'signal', signal: name, ...actor });
    if (action === 'signal') return signalGroup(group, signalOf(signal), onSignal);
    if (action === 'pause' || action === 'resume') {
      const failure = signalGroup(group, action === 'pause' ? 'SIGSTOP' : 'SIGCONT', onSignal);
      const problem = failure ?? (action === 'pause' ? await untilStopped(group, onSignal) : undefined);
      if (!problem) record(id, action === 'pause' ? 'execution_paused' : 'execution_resumed', actor);
      return problem;
    }
    const { text, failure } = await stopGroup({ group, graceMs: action === 'kill' ? 0 : graceMs, onSignal });
    if (text !== undefined) record(id, 'output', { stream: 'system', text });
    onStopped();
    return failure;
  }

  /** Carries out a command without the runner, which has ended or is stuck, and records a failure. */
  async #actAlone(
    id: string,
    group: ProcessGroup,
    command: ControlCommand,
    runner?: RunRecord['runner'],
  ): Promise<void> {
    const failure = await this.#act(id, group, command);
    if (failure) return this.#recordFailure(id, command, failure);
    if (!isStop(command) || !runner || !isAlive(runner) || !this.#isOpen(id)) return;
    const error = `its processes have ended, but ${describeStuck(runner)}: it records the end when it continues`;
    this.#recordFailure(id, command, { code: 'unavailable', error });
  }

  /** Carries out a command that the runner has received without the runner when that is stuck or ends. */
  async #watchRunner(id: string, { runner, child }: RunRecord, command: ControlCommand): Promise<void> {
    const { orphanOf } = this.#options;
    const deadline = performance.now() + ANSWER_MS;
    while (this.#isOpen(id) && isAlive(runner) && isStuck(runner)) {
      if (performance.now() < deadline) {
        await delay(POLL_MS);
        continue;
      }
      if (isStop(command) && child) return await this.#actAlone(id, createProcessGroup(child, id), command, runner);
      const error = `${describeStuck(runner)}, and does not answer`;
      return this.#recordFailure(id, command, { code: 'unavailable', error });
    }
    if (isAlive(runner)) return;
    while (this.#isOpen(id) && !orphanOf(id) && performance.now() < deadline) await delay(POLL_MS);
    const orphan = orphanOf(id);
    if (orphan) await this.#actAlone(id, orphan, command);
  }

  /** Ends an execution that was only recorded: there is no process to stop. */
  #dismiss(id: string, command: ControlCommand): void {
    const { record } = this.#options;
    if (!isStop(command)) {
      const reason = `${id} was not started by \`progress run\`: it can only be dismissed, by \`progress stop\``;
      throw new ProgressError('bad_request', reason);
    }
    record(id, 'control', { ...command });
    const { by = 'a client' } = command;
    record(id, 'execution_cancelled', { by, dismissed: true, error: `dismissed by ${by}` });
  }

  #recordFailure(id: string, { action, by, signal }: ControlCommand, failure: ControlFailure): void {
    this.#options.record(id, 'control', {
      action,
      ...(signal !== undefined && { signal }),
      ...(by !== undefined && { by }),
      ...failure,
    });
  }
}

function isStop({ action }: ControlCommand): boolean {
  return action === 'stop' || action === 'kill';
}

/** Whether a runner is stopped, or waits for a device. */
function isStuck(runner: RunRecord['runner']): boolean {
  return isFrozen(runner) || readProcess(runner.pid)?.state === 'D';
}

function describeStuck({ pid }: RunRecord['runner']): string {
  const state = readProcess(pid)?.state ?? '?';
  return `its runner, process ${pid}, is ${state === 'T' || state === 't' ? 'stopped' : 'not answering'} (state ${state})`;
}

function check(execution: Execution, { action, signal }: ControlCommand): void {
  const { id, status } = execution;
  if (isFinal(status)) throw new ProgressError('bad_request', `${id} ${endedText(status)}`);
  if (action === 'signal') signalOf(signal);
  if (status === 'queued' && action !== 'stop' && action !== 'kill') {
    throw new ProgressError('bad_request', `${id} is queued: it can only be stopped`);
  }
}

function signalOf(name: string | undefined): NodeJS.Signals {
  if (name !== undefined && isSignal(name)) return name;
  throw new ProgressError('bad_request', `control: ${name ?? 'no signal'} is no signal: try SIGTERM`);
}
