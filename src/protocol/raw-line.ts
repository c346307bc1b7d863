/** The text that an event came in, used again in the journal: what need not be written anew costs nothing. */
import type { NewEvent } from '../core/event.js';
import { MAX_LINE_BYTES } from '../api/messages.js';

/** So short that it stays below the bound of a line however many bytes a character takes. */
const MAX_CHARS = MAX_LINE_BYTES / 8;

/**
 * May the text stand in the journal, behind seq and time? It must say exactly what the event says, and have type and
 * execution written as we write them, because readers search for them so. `value` is what the text holds.
 */
export function isReusable(text: string, value: Readonly<Record<string, unknown>>, event: NewEvent): boolean {
  return (
    value['seq'] === undefined &&
    value['time'] === undefined &&
    value['type'] === event.type &&
    value['execution'] === event.execution &&
    value['step'] === event.step &&
    value['source'] === event.source &&
    value['n'] === event.n &&
    value['sender'] === undefined &&
    value['approximate'] === event.approximate &&
    value['data'] === event.data &&
    event.lookup === undefined &&
    event.inherited === undefined &&
    text.length <= MAX_CHARS &&
    text.startsWith(`{"type":"${event.type}",`) &&
    text.endsWith('}') &&
    (event.execution === undefined || text.includes(`"execution":"${event.execution}"`))
  );
}

/** The line of the journal, without its newline. */
export function stampText(text: string, seq: number, time: string): string {
  return `{"seq":${seq},"time":"${time}",${text.slice(1)}`;
}
