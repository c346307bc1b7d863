/** Waiting for something to become true, never for a time. */
import { setTimeout as delay } from 'node:timers/promises';

/** Only something that hangs takes this long. */
const DEADLINE_MS = 60_000;
const INTERVAL_MS = 10;

/** Asks until the answer is neither undefined nor false; the error says what was awaited in vain. */
export async function waitFor<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  for (const deadline = Date.now() + deadlineMs; Date.now() < deadline; await delay(INTERVAL_MS)) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
  }
  throw new Error(`waited in vain for ${what}`);
}
