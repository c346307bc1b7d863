/** Recognises events that a producer sends again, by their IDs. */
import type { NewEvent } from './event.js';

/** Number of event IDs remembered: a resend follows its event closely. */
const MAX_IDS = 10_000;

/**
 * Returns a fingerprint by which a resend of an event with an ID is recognised; undefined without an ID. Producers count
 * IDs from 1 in each of their runs, so the data, the step and the execution that the event names are included.
 *
 * @param isNamed Whether the event names its execution, rather than being routed to it.
 */
export function fingerprint({ id, data, step, execution = '' }: NewEvent, isNamed: boolean): string | undefined {
  if (id === undefined) return undefined;
  const [first] = execution.split('~');
  // routing may have set the type and the error of an end
  const given = { ...data, error: undefined };
  return `${id} ${hash(JSON.stringify([given, step, isNamed ? first : undefined]))}`;
}

/** Returns all possible fingerprints of a written event, of which it is unknown whether it named its execution. */
export function fingerprints(event: NewEvent): string[] {
  return [true, false].flatMap((isNamed) => fingerprint(event, isNamed) ?? []);
}

/** Adds the fingerprints of an event to the remembered ones; evicts the oldest. */
export function rememberId(ids: Set<string>, event: NewEvent): void {
  if (event.id === undefined) return;
  for (const print of fingerprints(event)) ids.add(print);
  for (const oldest of ids) {
    if (ids.size <= 2 * MAX_IDS) break;
    ids.delete(oldest);
  }
}

/** Hashes a text to 53 bits (cyrb53), to distinguish events of the same ID; works in a browser. */
function hash(text: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return (4_294_967_296 * (2_097_151 & low) + (high >>> 0)).toString(36);
}
