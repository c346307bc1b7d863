/** Waiting for something that may never come. */
import { setTimeout as delay } from 'node:timers/promises';

const INTERVAL_MS = 10;

/** Resolves when it is true, or when the time is over. */
export async function waitFor(isTrue: () => boolean, milliseconds: number): Promise<void> {
  for (const deadline = Date.now() + milliseconds; !isTrue() && Date.now() < deadline;) await delay(INTERVAL_MS);
}
