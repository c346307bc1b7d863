/** Waiting for something to become true, never for a time. */
import { setTimeout as delay } from 'node:timers/promises';

/** Only something that hangs takes this long. */
const DEADLINE_MS = 60_000;
/** Between two questions: a tenth of the time waited so far, so that asking takes little from what is awaited. */
const INTERVAL_MS = { least: 10, most: 100 };

/** In a shell: until the file $1 is there. Rarely, since each question starts a process. */
export const WAIT_FOR_FILE = 'while [ ! -e "$1" ]; do sleep 0.2; done';

/** Asks until the answer is neither undefined nor false; the error says what was awaited in vain. */
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
