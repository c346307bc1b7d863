/** Stopping a run: asked first, and killed when it does not go. */
import { setTimeout as delay } from 'node:timers/promises';
import { formatDuration } from '../core/format.js';
import type { Group } from './group.js';
import type { Tell } from './tell.js';

export interface StopOptions {
  group: Group;
  /** Milliseconds until it is killed; 0 kills at once. */
  graceMs: number;
  /** Stopped processes take no signal until they go on. */
  paused: boolean;
  /** Tells of each signal that was sent. */
  onSignal: (name: NodeJS.Signals) => void;
  /** Ends the time of grace. */
  hurry?: AbortSignal;
  /** What asks it to end. @default SIGINT */
  first?: NodeJS.Signals;
}

export const DEFAULT_GRACE_MS = 5_000;
const FIRST_POLL_MS = 10;
const LAST_POLL_MS = 100;
/** What SIGKILL does not end within this waits for a device, and is beyond us. */
const KILL_MS = 5_000;

/** Resolves when nothing of the group is left, or nothing helps, and tells what it took. */
export async function stopGroup({
  group,
  graceMs,
  paused,
  onSignal,
  hurry,
  first = 'SIGINT',
}: StopOptions): Promise<string> {
  const send = (name: NodeJS.Signals) => {
    if (group.signal(name)) onSignal(name);
  };
  const startedAt = performance.now();
  const took = () => formatDuration(performance.now() - startedAt);
  if (graceMs > 0) {
    send(first);
    if (paused) send('SIGCONT');
    if (await isGone(group, graceMs, hurry)) return `stopped by ${first} after ${took()}`;
  }
  send('SIGKILL');
  const gone = await isGone(group, KILL_MS);
  const ended = graceMs > 0 ? `${first} did not end it: killed by SIGKILL after ${took()}` : 'killed by SIGKILL';
  return gone ? ended : `${ended}, and still ${group.members().length} processes are left`;
}

async function isGone(group: Group, withinMs: number, hurry?: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  for (let wait = FIRST_POLL_MS; ; wait = Math.min(wait * 2, LAST_POLL_MS)) {
    if (group.members().length === 0) return true;
    const left = deadline - performance.now();
    if (left <= 0 || hurry?.aborted) return false;
    await delay(Math.min(wait, left), undefined, { signal: hurry }).catch(() => undefined);
  }
}

export interface Stopping {
  begun: boolean;
  /** Resolves when nothing is being stopped any more. */
  readonly done: Promise<void>;
  /** What it took. */
  readonly text: string | undefined;
  begin(how: { group: Group; by: string | undefined; graceMs: number; paused: boolean }): void;
}

/** One stop, however often it is asked for; one without grace ends the grace of another. */
export function createStopping(emit: Tell, first: NodeJS.Signals = 'SIGINT'): Stopping {
  const hurry = new AbortController();
  let done = Promise.resolve();
  let text: string | undefined;
  /** Of the stop, and then of the kill. */
  let asker: string | undefined;
  const stopping: Stopping = {
    begun: false,
    get done() {
      return done;
    },
    get text() {
      return text;
    },
    begin({ group, by, graceMs, paused }) {
      if (graceMs === 0) hurry.abort();
      if (!stopping.begun || graceMs === 0) asker = by;
      if (stopping.begun) return;
      stopping.begun = true;
      const onSignal = (signal: NodeJS.Signals) =>
        emit('control', { action: 'signal', signal, ...(asker !== undefined && { by: asker }) });
      done = stopGroup({ group, graceMs, paused, onSignal, hurry: hurry.signal, first }).then((took) => {
        text = asker === undefined ? took : `${took}, asked by ${asker}`;
      });
    },
  };
  return stopping;
}
