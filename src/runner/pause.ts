/** Pauses and resumes a run, and reports the state that its processes really have. */
import { setTimeout as delay } from 'node:timers/promises';
import { isStandingStill } from '../platform/processes.js';
import type { ControlFailure } from './failure.js';
import { notPermitted, stillThere } from './failure.js';
import type { ProcessGroup } from './group.js';
import type { Emit } from './emit.js';

export interface Pausing {
  readonly isPaused: boolean;
  /** Pauses. Reports before it returns if processes stop soon, since the caller may be about to stop itself. */
  begin(group: ProcessGroup, by: string | undefined): void;
  end(group: ProcessGroup, by: string | undefined): void;
  /** Ends reports. */
  close(): void;
}

/** Interval of checks whether a paused group is still stopped. */
const POLL_MS = 1_000;
/** Timeout for processes to stop: the kernel stops a process when it is scheduled next. */
const STOP_MS = 2_000;
const STOP_POLL_MS = 10;
/** Maximum time for which the event loop is blocked. */
const AT_ONCE_MS = 20;

const SLEEPER = new Int32Array(new SharedArrayBuffer(4));

const moving = (group: ProcessGroup) => group.members().filter((process) => !isStandingStill(process));

/**
 * Waits until the whole group is stopped. If a part of it is not, all of it is resumed. @returns The failure, if
 * any.
 */
export async function untilStopped(
  group: ProcessGroup,
  onSignal: (name: NodeJS.Signals) => void,
  isCancelled: () => boolean = () => false,
): Promise<ControlFailure | undefined> {
  const deadline = performance.now() + STOP_MS;
  for (;;) {
    const left = moving(group);
    if (left.length === 0 || isCancelled()) return undefined;
    const foreign = group.foreign();
    if (performance.now() < deadline && foreign.length < left.length) {
      await delay(STOP_POLL_MS);
      continue;
    }
    if (group.signal('SIGCONT')) onSignal('SIGCONT');
    return foreign.length > 0 ? notPermitted(foreign) : stillThere('SIGSTOP did not stop', left);
  }
}

/** Signals the group. @returns The failure; undefined if it was sent, or no process is left. */
export function signalGroup(
  group: ProcessGroup,
  name: NodeJS.Signals,
  onSignal: (name: NodeJS.Signals) => void,
): ControlFailure | undefined {
  if (group.signal(name)) {
    onSignal(name);
    return undefined;
  }
  const foreign = group.foreign();
  return foreign.length > 0 ? notPermitted(foreign) : undefined;
}

export function createPausing(emit: Emit): Pausing {
  let timer: NodeJS.Timeout | undefined;
  /** Counts requests, since a slow pause may be overtaken by a later request. */
  let turn = 0;
  const close = () => {
    clearInterval(timer);
    timer = undefined;
  };
  const resumed = (by: string | undefined) => {
    emit('execution_resumed', by === undefined ? {} : { by }, 'now');
    close();
  };
  const paused = (group: ProcessGroup, by: string | undefined) => {
    if (timer) return;
    emit('execution_paused', by === undefined ? {} : { by }, 'now');
    timer = setInterval(() => {
      if (moving(group).length > 0) resumed('a signal of another process');
    }, POLL_MS).unref();
  };
  const report = (by: string | undefined) => (signal: NodeJS.Signals) =>
    emit('control', { action: 'signal', signal, ...(by !== undefined && { by }) });
  const fail = (action: 'pause' | 'resume', failure: ControlFailure, by: string | undefined) =>
    emit('control', { action, ...failure, ...(by !== undefined && { by }) }, 'now');
  return {
    get isPaused() {
      return timer !== undefined;
    },
    begin(group, by) {
      const own = ++turn;
      const failure = signalGroup(group, 'SIGSTOP', report(by));
      if (failure) return fail('pause', failure, by);
      if (group.members().length === 0) return;
      for (let waited = 0; waited < AT_ONCE_MS && moving(group).length > 0; waited++) Atomics.wait(SLEEPER, 0, 0, 1);
      if (moving(group).length === 0) return paused(group, by);
      const isOvertaken = () => own !== turn;
      void untilStopped(group, report(by), isOvertaken).then((problem) => {
        if (problem) fail('pause', problem, by);
        else if (!isOvertaken() && group.members().length > 0) paused(group, by);
      });
    },
    end(group, by) {
      turn++;
      const failure = signalGroup(group, 'SIGCONT', report(by));
      if (failure) fail('resume', failure, by);
      // also after a pause by the daemon while this runner was stopped
      else if (group.members().length > 0) resumed(by);
    },
    close() {
      turn++;
      close();
    },
  };
}
