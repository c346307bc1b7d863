/** Waits for a condition, with a timeout. */
import { setTimeout as delay } from 'node:timers/promises';

const INTERVAL_MS = 10;

/** Resolves when the condition is true, or after the timeout. */
export async function waitFor(isTrue: () => boolean, milliseconds: number): Promise<void> {
  for (const deadline = Date.now() + milliseconds; !isTrue() && Date.now() < deadline;) await delay(INTERVAL_MS);
}
