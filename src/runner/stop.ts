/** Stops a run: SIGINT, then SIGKILL for processes that remain after the grace period. */
import { setTimeout as delay } from 'node:timers/promises';
import { formatDuration } from '../core/text/format.js';
import type { ControlFailure } from './failure.js';
import { notPermitted, stillThere } from './failure.js';
import type { ProcessGroup } from './group.js';
import type { Emit } from './emit.js';

export interface StopOptions {
  group: ProcessGroup;
  /** Milliseconds until SIGKILL; 0 kills at once. */
  graceMs: number;
  /** Called for each signal that was sent. */
  onSignal: (name: NodeJS.Signals) => void;
  /** Ends the grace period. */
  hurry?: AbortSignal;
  /** First signal. @default SIGINT */
  first?: NodeJS.Signals;
}

export interface StopResult {
  /** Description for the log; absent if nothing was sent. */
  text?: string;
  /** Why processes remain. */
  failure?: ControlFailure;
}

const FIRST_POLL_MS = 10;
const LAST_POLL_MS = 100;
/** A process that outlives SIGKILL for this long waits for a device. */
const KILL_MS = 5_000;

/** Stops the group. Resolves when no process is left, or nothing more can be done. */
export async function stopGroup({
  group,
  graceMs,
  onSignal,
  hurry,
  first = 'SIGINT',
}: StopOptions): Promise<StopResult> {
  const sent = new Set<NodeJS.Signals>();
  const send = (name: NodeJS.Signals) => {
    if (!group.signal(name)) return;
    sent.add(name);
    onSignal(name);
  };
  const startedAt = performance.now();
  const took = () => formatDuration(performance.now() - startedAt);
  if (graceMs > 0) {
    // a stopped process handles no signal but SIGKILL until it continues
    const isStopped = group.members().some(({ state }) => state === 'T');
    send(first);
    if (isStopped) send('SIGCONT');
    // if no process received the first signal, none receives SIGKILL
    if (sent.size > 0 && (await isGone(group, graceMs, hurry))) return { text: `stopped by ${first} after ${took()}` };
  }
  if (graceMs === 0 || sent.size > 0) send('SIGKILL');
  const foreign = group.foreign();
  if (sent.size === 0) return foreign.length > 0 ? { failure: notPermitted(foreign) } : {};
  const text = sent.has(first) ? `${first} did not end it: killed by SIGKILL after ${took()}` : 'killed by SIGKILL';
  if (await isGone(group, KILL_MS, undefined, () => group.members().length === group.foreign().length)) return { text };
  const left = group.members();
  const denied = group.foreign();
  const failure = denied.length > 0 ? notPermitted(denied) : stillThere('SIGKILL did not end', left);
  return { text: `${text}; ${left.length} processes remain`, failure };
}

/** Polls until no member is left. @returns False at the timeout, or once `isHopeless`. */
async function isGone(
  group: ProcessGroup,
  withinMs: number,
  hurry?: AbortSignal,
  isHopeless: () => boolean = () => false,
): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  for (let wait = FIRST_POLL_MS; ; wait = Math.min(wait * 2, LAST_POLL_MS)) {
    if (group.members().length === 0) return true;
    const left = deadline - performance.now();
    if (left <= 0 || hurry?.aborted || isHopeless()) return false;
    await delay(Math.min(wait, left), undefined, { signal: hurry }).catch(() => undefined);
  }
}

export interface Stopping {
  /** Whether a signal was sent, or will be. */
  begun: boolean;
  /** Resolves when no stop is under way. */
  readonly done: Promise<void>;
  /** Description for the log. */
  readonly text: string | undefined;
  begin(how: { group: ProcessGroup; by: string | undefined; graceMs: number }): void;
}

/** Runs one stop at a time; a stop without grace ends the grace period of another. */
export function createStopping(emit: Emit, first: NodeJS.Signals = 'SIGINT'): Stopping {
  let hurry = new AbortController();
  let done = Promise.resolve();
  let text: string | undefined;
  let isRunning = false;
  /** Requester of the stop, and then of the kill. */
  let asker: string | undefined;
  const stopping: Stopping = {
    begun: false,
    get done() {
      return done;
    },
    get text() {
      return text;
    },
    begin({ group, by, graceMs }) {
      if (graceMs === 0) hurry.abort();
      if (!isRunning || graceMs === 0) asker = by;
      if (isRunning) return;
      isRunning = true;
      stopping.begun = true;
      hurry = new AbortController();
      const askedBy = () => (asker === undefined ? {} : { by: asker });
      const onSignal = (signal: NodeJS.Signals) => emit('control', { action: 'signal', signal, ...askedBy() });
      done = stopGroup({ group, graceMs, onSignal, hurry: hurry.signal, first }).then((result) => {
        isRunning = false;
        const { failure } = result;
        text = asker === undefined || result.text === undefined ? result.text : `${result.text}, requested by ${asker}`;
        // the run may only end by itself
        if (result.text === undefined && failure) stopping.begun = false;
        if (failure) emit('control', { action: graceMs === 0 ? 'kill' : 'stop', ...failure, ...askedBy() }, 'now');
      });
    },
  };
  return stopping;
}
