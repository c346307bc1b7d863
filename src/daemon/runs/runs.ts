/** What the daemon knows of runs beyond their events: who is attached, who is alive, who takes orders. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionEvent, NewEvent } from '../../core/event.js';
import type { Execution } from '../../core/execution.js';
import { STARTS } from '../../core/fold.js';
import type { State } from '../../core/state.js';
import { findExecution } from '../../core/state.js';
import { ProgressError } from '../../core/errors.js';
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
import type { Attachment } from './run-control.js';
import { createRunControl } from './run-control.js';

export interface Runs {
  /** Looks for those that the state has as alive. */
  start(): void;
  /** These were written, and are in the state. */
  onBatch(events: readonly ExecutionEvent[]): void;
  attach(id: string, attachment: Attachment): void;
  /** Registers a listener for runs that become live. */
  onLive(listener: () => void): void;
  /** Passes the order on, or carries it out where there is no runner any more. */
  control(execution: Execution, order: ControlCommand): Promise<void>;
  /** Was it made by `progress run`, so that it is ours to start? */
  isRun(id: string): boolean;
  /** One that has been asked for a moment ago: is it known now? False for everything else. */
  waitUntilKnown(id: string): Promise<boolean>;
  /** Its turn has come. */
  begin(execution: Execution): void;
  /** The runner is said to be gone, and everything that it wrote is in the journal. False when that was no runner. */
  runnerGone(id: string): boolean;
  /** Runs whose processes are there, with the command's. */
  live(): { id: string; child: ProcessIdentity }[];
  /** Removes what is kept of this one, which is over. */
  erase(id: string): void;
  /** Removes what is kept of runs that began before `time`, and that nobody knows any more. */
  forget(time: number): void;
  close(): void;
}

export interface RunsOptions {
  paths: Pick<Paths, 'runs' | 'spool'>;
  state: State;
  /** `settled` is called when it is in the state, or could not be written. */
  record: (event: NewEvent, settled?: () => void) => void;
  /** Takes what a source has in the spool: true when nothing is left. */
  readSpool: (source: string) => boolean;
  log: (message: string) => void;
}

/** For its first event to come out of the spool. */
const APPEAR_MS = 2_000;
const POLL_MS = 20;
const LAST_POLL_MS = 500;
/** Is what a killed runner has left behind still there? */
const ORPHAN_POLL_MS = 1_000;

export function createRuns({ paths, state, record, readSpool: look, log }: RunsOptions): Runs {
  const attached = new Map<string, Attachment>();
  const orphans = new Map<string, ProcessGroup>();
  const records = new Map<string, RunRecord>();
  /** Their end is being written. */
  const ending = new Set<string>();
  /** Looked after until their runner is attached, or they are over. */
  const awaited = new Set<string>();
  /** Waiting for their turn in a terminal, and not attached when it came. */
  const called = new Set<string>();
  const liveListeners: (() => void)[] = [];
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  const say = (id: string, type: string, data: Record<string, unknown>) => record({ type, execution: id, data });
  const aliveOne = (id: string) => state.alive.get(id);
  /** Once, however many notice it; and again later when it could not be written. */
  const end = (id: string, type: string, error: string) => {
    if (ending.has(id)) return;
    ending.add(id);
    record({ type, execution: id, data: { error } }, () => ending.delete(id));
  };

  const recordOf = (id: string): RunRecord | undefined => {
    const known = records.get(id);
    if (known?.child) return known;
    const found = readRecordOf(id);
    if (found) records.set(id, found);
    return found;
  };
  const readRecordOf = (id: string) => {
    try {
      return readRecord(paths, id);
    } catch (error) {
      // an id that no run has, or a file that is no longer readable
      if (ProgressError.from(error).code !== 'not_found') log(`run ${id}: ${ProgressError.from(error).message}`);
      return undefined;
    }
  };

  const pollOrphans = () => {
    for (const [id, group] of orphans) {
      if (!aliveOne(id)) orphans.delete(id);
      else if (group.members().length === 0) end(id, 'execution_lost', 'its runner was killed before it ended');
    }
    if (orphans.size === 0) timer = clearTimer(timer);
  };

  const adopt = ({ id, status, orphaned }: Execution, group: ProcessGroup) => {
    orphans.set(id, group);
    const count = group.members().length;
    const { pid } = group.leader;
    // killed before it could tell
    if (status === 'queued') say(id, 'execution_started', { pid });
    // a daemon before this one has told
    if (!orphaned)
      say(id, 'execution_orphaned', { error: `its runner was killed; ${count} of its processes go on`, pid });
    timer ??= setInterval(pollOrphans, ORPHAN_POLL_MS);
  };

  /** Its runner is dead: what is left of it? */
  const bury = (execution: Execution, found: RunRecord) => {
    const { id, status } = execution;
    const isSameBoot = found.runner.boot === bootId();
    // it may have started its command, and nothing else after that
    const group = !isSameBoot ? undefined : found.child ? createProcessGroup(found.child, id) : findProcessGroup(id);
    if (group && group.members().length > 0) adopt(execution, group);
    else if (status === 'queued' && !found.child)
      end(id, 'execution_cancelled', 'its runner was killed before it began');
    else end(id, 'execution_lost', isSameBoot ? 'its runner was killed' : 'the machine was started again');
  };

  const runnerGone = (id: string): boolean => {
    const execution = aliveOne(id);
    const found = recordOf(id);
    if (!execution || !found) return false;
    if (!isAlive(found.runner) && !orphans.has(id) && !ending.has(id)) bury(execution, found);
    return true;
  };

  /** It may have lost the connection alone, and come back; or be gone, and its last words still lie in the spool. */
  const awaitRunner = async (id: string) => {
    if (awaited.has(id)) return;
    awaited.add(id);
    for (let wait = POLL_MS; !closed && aliveOne(id); wait = Math.min(wait * 2, LAST_POLL_MS)) {
      const found = recordOf(id);
      if (!found || attached.has(id) || orphans.has(id)) break;
      if (!isAlive(found.runner) && look(found.source)) runnerGone(id);
      await delay(wait, undefined, { ref: false });
    }
    awaited.delete(id);
    if (!aliveOne(id)) records.delete(id);
  };

  const control = createRunControl({
    state,
    say,
    isRun: (id) => hasSpec(paths, id),
    recordOf,
    orphanOf: (id) => orphans.get(id),
    attachmentOf: (id) => attached.get(id),
    onStopped: pollOrphans,
  });

  return {
    start() {
      for (const id of state.alive.keys()) if (hasSpec(paths, id)) void awaitRunner(id);
    },

    onBatch(events) {
      for (const { type, source, execution } of events) {
        const isStart = STARTS.has(type) && source?.startsWith(`${RUN_KIND}-`);
        // killed soon, it would never be attached, and so never be missed
        if (isStart && execution !== undefined && !attached.has(execution)) void awaitRunner(execution);
      }
    },

    onLive: (listener) => void liveListeners.push(listener),

    attach(id, attachment) {
      attached.set(id, attachment);
      for (const listener of liveListeners) listener();
      if (called.delete(id)) attachment.send({ order: { run: id, action: 'start' } });
      void attachment.closed.then(() => {
        if (attached.get(id) === attachment) attached.delete(id);
        return awaitRunner(id);
      });
    },

    control,

    isRun: (id) => hasSpec(paths, id),

    async waitUntilKnown(id) {
      if (!hasSpec(paths, id)) return false;
      const deadline = performance.now() + APPEAR_MS;
      while (!findExecution(state, id) && performance.now() < deadline) await delay(POLL_MS);
      return findExecution(state, id) !== undefined;
    },

    begin(execution) {
      const { id } = execution;
      if (recordOf(id)) {
        const attachment = attached.get(id);
        if (attachment) return attachment.send({ order: { run: id, action: 'start' } });
        called.add(id);
        return void awaitRunner(id);
      }
      void launchRunner(id).then((problem) => {
        // a daemon before this one may have started one, too: the first to claim it runs it, and the other says no
        if (recordOf(id)) return awaitRunner(id);
        if (problem !== undefined && aliveOne(id)?.status === 'queued')
          end(id, 'execution_failed', `its runner did not start: ${problem}`);
      });
    },

    runnerGone,

    live: () =>
      [...new Set([...attached.keys(), ...orphans.keys()])].flatMap((id) => {
        const execution = aliveOne(id);
        const child = !execution || execution.status === 'queued' ? undefined : recordOf(id)?.child;
        return child ? [{ id, child }] : [];
      }),

    erase: (id) => eraseRun(paths, id),

    forget(time) {
      for (const id of runsBefore(paths, time)) if (!findExecution(state, id)) removeRun(paths, id);
    },

    close() {
      closed = true;
      timer = clearTimer(timer);
    },
  };
}

function clearTimer(timer: NodeJS.Timeout | undefined): undefined {
  clearInterval(timer);
}
