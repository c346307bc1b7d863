/** Runs: their attached runners, the remaining processes of killed runners, and control. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionEvent } from '../../core/events/event.js';
import type { Execution } from '../../core/execution.js';
import { STARTS } from '../../core/events/event.js';
import type { State } from '../../core/state/state.js';
import { findExecution } from '../../core/state/state.js';
import { ProgressError } from '../../core/base/errors.js';
import type { Paths } from '../../platform/paths.js';
import type { ProcessIdentity } from '../../platform/processes.js';
import { bootId, isAlive } from '../../platform/processes.js';
import type { ControlCommand } from '../../api/messages.js';
import type { ProcessGroup } from '../../runner/group.js';
import { createProcessGroup, findProcessGroup } from '../../runner/group.js';
import { launchRunner } from '../../runner/launch.js';
import type { RunRecord } from '../../runner/store.js';
import { eraseRun, hasSpec, readRecord, removeRun, runsBefore } from '../../runner/store.js';
import { RUN_KIND } from '../../spool/names.js';
import type { Component } from '../component.js';
import type { RecordEvent } from '../intake/recorder.js';
import type { Attachment } from './run-control.js';
import { RunControl } from './run-control.js';

export interface RunsOptions {
  paths: Pick<Paths, 'runs' | 'spool'>;
  state: State;
  record: RecordEvent;
  /** Reads what a source has in the spool. Returns true when nothing is left. */
  readSpool: (source: string) => boolean;
  log: (message: string) => void;
}

/** Time for the first event of a run to come out of the spool. */
const APPEAR_MS = 2_000;
const POLL_MS = 20;
const LAST_POLL_MS = 500;
/** Interval of checks whether the processes of a killed runner still exist. */
const ORPHAN_POLL_MS = 1_000;

export class Runs implements Component {
  readonly #options: RunsOptions;
  readonly #control: RunControl;
  readonly #attached = new Map<string, Attachment>();
  /** Processes of runs whose runner was killed. */
  readonly #orphans = new Map<string, ProcessGroup>();
  readonly #records = new Map<string, RunRecord>();
  /** Runs whose end is being written. */
  readonly #ending = new Set<string>();
  /** Runs that are checked until their runner is attached or they have ended. */
  readonly #awaited = new Set<string>();
  /** Queued runs that were to start when their runner was not attached. */
  readonly #called = new Set<string>();
  readonly #liveListeners: (() => void)[] = [];
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RunsOptions) {
    this.#options = options;
    this.#control = new RunControl({
      state: options.state,
      record: (id, type, data) => this.#record(id, type, data),
      isRun: (id) => this.isRun(id),
      recordOf: (id) => this.#recordOf(id),
      orphanOf: (id) => this.#orphans.get(id),
      attachmentOf: (id) => this.#attached.get(id),
      onStopped: () => this.#checkOrphans(),
    });
  }

  /** Searches the runners of runs that are alive in the state. */
  start(): void {
    for (const id of this.#options.state.alive.keys()) if (this.isRun(id)) void this.#awaitRunner(id);
  }

  onBatch(events: readonly ExecutionEvent[]): void {
    for (const { type, source, execution } of events) {
      const isStart = STARTS.has(type) && source?.startsWith(`${RUN_KIND}-`);
      // a runner that is killed soon is never attached, so its end would not be noticed
      if (isStart && execution !== undefined && !this.#attached.has(execution)) void this.#awaitRunner(execution);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#stopTimer();
  }

  /** Registers a listener for runs that become live. */
  onLive(listener: () => void): void {
    this.#liveListeners.push(listener);
  }

  attach(id: string, attachment: Attachment): void {
    this.#attached.set(id, attachment);
    for (const listener of this.#liveListeners) listener();
    if (this.#called.delete(id)) attachment.send({ command: { run: id, action: 'start' } });
    void attachment.closed.then(() => {
      if (this.#attached.get(id) === attachment) this.#attached.delete(id);
      return this.#awaitRunner(id);
    });
  }

  /** Passes a command to the runner, or carries it out when there is none. */
  async control(execution: Execution, command: ControlCommand): Promise<void> {
    await this.#control.control(execution, command);
  }

  /** Whether `progress run` made it, so that the daemon may start it. */
  isRun(id: string): boolean {
    return hasSpec(this.#options.paths, id);
  }

  /** Waits for a run that was requested just now. Returns whether it is known; false at once for anything else. */
  async waitUntilKnown(id: string): Promise<boolean> {
    if (!this.isRun(id)) return false;
    const { state } = this.#options;
    const deadline = performance.now() + APPEAR_MS;
    while (!findExecution(state, id) && performance.now() < deadline) await delay(POLL_MS);
    return findExecution(state, id) !== undefined;
  }

  /** Starts a queued run. */
  begin({ id }: Execution): void {
    if (this.#recordOf(id)) {
      const attachment = this.#attached.get(id);
      if (attachment) return attachment.send({ command: { run: id, action: 'start' } });
      this.#called.add(id);
      return void this.#awaitRunner(id);
    }
    void launchRunner(id).then((problem) => {
      // an earlier daemon may have launched a runner as well: the first one to claim the run has it
      if (this.#recordOf(id)) return this.#awaitRunner(id);
      if (problem !== undefined && this.#aliveOne(id)?.status === 'queued') {
        this.#end(id, 'execution_failed', problem);
      }
    });
  }

  /**
   * Records what has become of a run when its runner has ended and all its events are in the journal. Returns false for
   * an execution that has no runner.
   */
  runnerGone(id: string): boolean {
    const execution = this.#aliveOne(id);
    const found = this.#recordOf(id);
    if (!execution || !found) return false;
    const isHandled = this.#orphans.has(id) || this.#ending.has(id);
    if (!isAlive(found.runner) && !isHandled) this.#loseRunner(execution, found);
    return true;
  }

  /** Runs whose processes exist, with the process of the command. */
  live(): { id: string; child: ProcessIdentity }[] {
    return [...new Set([...this.#attached.keys(), ...this.#orphans.keys()])].flatMap((id) => {
      const execution = this.#aliveOne(id);
      const child = !execution || execution.status === 'queued' ? undefined : this.#recordOf(id)?.child;
      return child ? [{ id, child }] : [];
    });
  }

  /** Removes the files of a run that has ended. */
  erase(id: string): void {
    eraseRun(this.#options.paths, id);
  }

  /** Removes the files of runs that began before `time` and are in no state any more. */
  forget(time: number): void {
    const { paths, state } = this.#options;
    for (const id of runsBefore(paths, time)) if (!findExecution(state, id)) removeRun(paths, id);
  }

  #aliveOne(id: string): Execution | undefined {
    return this.#options.state.alive.get(id);
  }

  #record(id: string, type: string, data: Record<string, unknown>): void {
    this.#options.record({ type, execution: id, data });
  }

  /** Records the end of a run once, and again when it could not be written. */
  #end(id: string, type: string, error: string): void {
    if (this.#ending.has(id)) return;
    this.#ending.add(id);
    this.#options.record({ type, execution: id, data: { error } }, () => this.#ending.delete(id));
  }

  #recordOf(id: string): RunRecord | undefined {
    const known = this.#records.get(id);
    if (known?.child) return known;
    const found = this.#readRecord(id);
    if (found) this.#records.set(id, found);
    return found;
  }

  #readRecord(id: string): RunRecord | undefined {
    const { paths, log } = this.#options;
    try {
      return readRecord(paths, id);
    } catch (thrown) {
      // not_found: the ID of no run, or a file that was removed
      const { code, message } = ProgressError.from(thrown);
      if (code !== 'not_found') log(`run ${id}: ${message}`);
      return undefined;
    }
  }

  /** Records what is left of a run whose runner has ended. */
  #loseRunner(execution: Execution, { runner, child }: RunRecord): void {
    const { id, status } = execution;
    const isSameBoot = runner.boot === bootId();
    // the runner may have started its command, and done nothing after that
    const group = !isSameBoot ? undefined : child ? createProcessGroup(child, id) : findProcessGroup(id);
    if (group && group.members().length > 0) this.#adopt(execution, group);
    else if (status === 'queued' && !child)
      this.#end(id, 'execution_cancelled', 'its runner was killed before it started the command');
    else this.#end(id, 'execution_lost', isSameBoot ? 'its runner was killed' : 'the machine was started again');
  }

  /** Watches the processes that a killed runner has left. */
  #adopt({ id, status, orphaned }: Execution, group: ProcessGroup): void {
    this.#orphans.set(id, group);
    const count = group.members().length;
    const { pid } = group.leader;
    // the runner was killed before it recorded the start
    if (status === 'queued') this.#record(id, 'execution_started', { pid });
    // an earlier daemon may have recorded it
    if (!orphaned) {
      const error = `its runner was killed; ${count} of its processes still run`;
      this.#record(id, 'execution_orphaned', { error, pid });
    }
    this.#timer ??= setInterval(() => this.#checkOrphans(), ORPHAN_POLL_MS);
  }

  #checkOrphans(): void {
    for (const [id, group] of this.#orphans) {
      if (!this.#aliveOne(id)) this.#orphans.delete(id);
      else if (group.members().length === 0) this.#end(id, 'execution_lost', 'its runner was killed before it ended');
    }
    if (this.#orphans.size === 0) this.#stopTimer();
  }

  /**
   * Waits until the runner of a run is attached again, or the run has ended. The runner may have lost its connection only;
   * or it has ended, and its last events are still in the spool.
   */
  async #awaitRunner(id: string): Promise<void> {
    if (this.#awaited.has(id)) return;
    this.#awaited.add(id);
    for (let wait = POLL_MS; !this.#isClosed && this.#aliveOne(id); wait = Math.min(wait * 2, LAST_POLL_MS)) {
      const found = this.#recordOf(id);
      if (!found || this.#attached.has(id) || this.#orphans.has(id)) break;
      if (!isAlive(found.runner) && this.#options.readSpool(found.source)) this.runnerGone(id);
      await delay(wait, undefined, { ref: false });
    }
    this.#awaited.delete(id);
    if (!this.#aliveOne(id)) this.#records.delete(id);
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
