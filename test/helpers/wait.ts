/** Waits for conditions, never for a fixed time. */
import { setTimeout as delay } from 'node:timers/promises';

/** Exceeded only by a hang. */
const DEADLINE_MS = 60_000;
/** Polling interval: a tenth of the elapsed time, so that polling takes little from what is awaited. */
const INTERVAL_MS = { least: 10, most: 100 };

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
