/** Reuses the received text of an event as its journal line, which saves encoding it again. */
import type { NewEvent } from '../core/events/event.js';
import { MAX_LINE_BYTES } from '../api/messages.js';

/** Length up to which a text stays below the bound of a line, at any number of bytes per character. */
const MAX_CHARS = MAX_LINE_BYTES / 8;

/**
 * Whether a text can be used as a journal line after seq and time: it must be equal to the event, and contain type and
 * execution exactly as `encodeEvent` writes them, because readers search for these texts.
 *
 * @param value The parsed text.
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

/** Returns the journal line, without newline. */
export function stampText(text: string, seq: number, time: string): string {
  return `{"seq":${seq},"time":"${time}",${text.slice(1)}`;
}
