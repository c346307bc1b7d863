/** From a child's bytes to output events: whole lines, several in one event, none late. */
import { isUtf8 } from 'node:buffer';
import type { EventData } from '../core/event.js';

export interface OutputEvents {
  push(chunk: Buffer): void;
  /** The last line, if it has no newline, and whatever waits. */
  end(): void;
}

export interface OutputOptions {
  stream: 'stdout' | 'stderr';
  emit: (data: EventData, time: string) => void;
}

/** How long a line may wait for others. */
const LATE_MS = 100;
/** One event's text, well below the bound of a line even when every byte is escaped. A longer line is continued. */
const EVENT_BYTES = 32 * 1024;

const NEWLINE = 0x0a;

export function createOutputEvents({ stream, emit }: OutputOptions): OutputEvents {
  let waiting: Buffer[] = [];
  let bytes = 0;
  let line = 1;
  let since: string | undefined;
  let timer: NodeJS.Timeout | undefined;

  /** Whole lines, or a part of one: one that goes on, or the last one without its newline. */
  const say = (content: Buffer, part?: 'continued' | 'unterminated') => {
    const text = part ? content : content.subarray(0, -1);
    const data: EventData = { stream, line };
    if (isUtf8(text)) data['text'] = text.toString('utf8');
    else data['base64'] = text.toString('base64');
    if (part) data[part] = true;
    emit(data, since ?? new Date().toISOString());
    for (let at = -1; (at = content.indexOf(NEWLINE, at + 1)) !== -1;) line++;
  };

  /** Says all whole lines; what follows the last newline waits on, unless it is too long. */
  const flush = (all: boolean) => {
    clearTimeout(timer);
    timer = undefined;
    let rest = Buffer.concat(waiting);
    while (rest.length > 0) {
      const window = rest.subarray(0, EVENT_BYTES);
      const end = window.lastIndexOf(NEWLINE) + 1;
      if (end > 0) say(rest.subarray(0, end));
      else if (rest.length < EVENT_BYTES && !all) break;
      const cut = end > 0 ? end : characterBorder(window);
      if (end === 0) say(rest.subarray(0, cut), cut < rest.length || !all ? 'continued' : 'unterminated');
      rest = rest.subarray(cut);
    }
    // a copy: the rest of a line must not hold on to the chunk that it came in
    waiting = rest.length > 0 ? [Buffer.from(rest)] : [];
    bytes = rest.length;
    since = rest.length > 0 ? new Date().toISOString() : undefined;
  };

  return {
    push(chunk) {
      since ??= new Date().toISOString();
      waiting.push(chunk);
      bytes += chunk.length;
      if (bytes >= EVENT_BYTES) flush(false);
      else if (chunk.includes(NEWLINE)) timer ??= setTimeout(() => flush(false), LATE_MS);
    },
    end: () => flush(true),
  };
}

/** Where to cut so that no UTF-8 character is torn: before the lead byte of the last one, if that is incomplete. */
function characterBorder(window: Buffer): number {
  if (window.length < EVENT_BYTES || isUtf8(window)) return window.length;
  for (let back = 1; back <= 3; back++) {
    if (isUtf8(window.subarray(0, -back))) return window.length - back;
  }
  return window.length;
}
