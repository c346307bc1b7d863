/** Waits for conditions, never for a fixed time. */
import { setTimeout as delay } from 'node:timers/promises';

/** Exceeded only by a hang. */
const DEADLINE_MS = 60_000;
/** Polling interval: a tenth of the elapsed time, so that polling takes little from what is awaited. */
const INTERVAL_MS = { least: 10, most: 100 };
/** Equal results after which a value counts as stable: about half a second. */
const STABLE_POLLS = 15;

/** Waits in a shell for the file $1. Polls rarely, since each check starts a process. */
export const WAIT_FOR_FILE = 'while [ ! -e "$1" ]; do sleep 0.2; done';

/** Polls until the result is neither undefined nor false; on timeout the error names the condition. */
export async function waitFor<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const begin = Date.now();
  while (Date.now() < begin + deadlineMs) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    await delay(Math.min(INTERVAL_MS.most, Math.max(INTERVAL_MS.least, (Date.now() - begin) / 10)));
  }
  throw new Error(`waited in vain for ${what}`);
}

/** Polls until a value has not changed for several polls, as where backpressure stops a producer. */
export async function waitUntilStable(what: string, read: () => number | Promise<number>): Promise<number> {
  let value = await read();
  let same = 0;
  await waitFor(`${what} to be stable`, async () => {
    const next = await read();
    same = next === value ? same + 1 : 0;
    value = next;
    return same >= STABLE_POLLS;
  });
  return value;
}
