/** Grep over events, with lines of context before and after a match as in grep(1). */
import { activityText } from '../../../core/events/activity.js';
import { stripAnsi } from '../../../core/text/ansi.js';
import type { ExecutionEvent } from '../../../core/events/event.js';
import { textOf } from '../../../core/events/event.js';
import type { Pattern } from '../../../platform/patterns.js';

/** Unit of printing: one line of output, or any other event. */
export interface Unit {
  /** For output, an event with this line only. */
  event: ExecutionEvent;
  /** Whether it matches, or with --invert-match does not; otherwise it is context. */
  matched: boolean;
}

/** Separator between units that are not adjacent. */
export const BREAK = 'break';

export interface GrepOptions {
  pattern: Pattern;
  invert: boolean;
  /** Number of units before and after a match. */
  before: number;
  after: number;
}

export interface Grep {
  matches(unit: ExecutionEvent): boolean;
  /** Adds a unit. @returns what can be printed now */
  take(unit: ExecutionEvent): (Unit | typeof BREAK)[];
  /** Units that matched. */
  readonly count: number;
}

export function createGrep({ pattern, invert, before, after }: GrepOptions): Grep {
  let count = 0;
  /** Newest units without a match, which may become context. */
  let waiting: ExecutionEvent[] = [];
  /** Units were dropped since the last printed one. */
  let hasDropped = false;
  /** Units of context still to be printed after the last match. */
  let remaining = 0;
  const matches = (event: ExecutionEvent) => pattern.test(searchable(event)) !== invert;
  return {
    matches,
    take(event) {
      const matched = matches(event);
      if (!matched && remaining === 0) {
        waiting.push(event);
        if (waiting.length > before) {
          waiting.shift();
          hasDropped = true;
        }
        return [];
      }
      if (!matched) {
        remaining--;
        return [{ event, matched }];
      }
      const isApart = hasDropped && count > 0 && before + after > 0;
      const shown = [...waiting.map((one) => ({ event: one, matched: false })), { event, matched }];
      count++;
      waiting = [];
      hasDropped = false;
      remaining = after;
      return isApart ? [BREAK, ...shown] : shown;
    },
    get count() {
      return count;
    },
  };
}

/** Splits output into lines; returns any other event unchanged. */
export function unitsOf(event: ExecutionEvent): ExecutionEvent[] {
  const { type, data } = event;
  const text = type === 'output' ? textOf(data, 'text') : undefined;
  if (!text?.includes('\n')) return [event];
  const { continued, unterminated, ...whole } = data;
  const lines = text.split('\n');
  const from = typeof data['line'] === 'number' ? data['line'] : undefined;
  return lines.map((line, index) => {
    const rest =
      index < lines.length - 1
        ? {}
        : { ...(continued === true && { continued }), ...(unterminated === true && { unterminated }) };
    return { ...event, data: { ...whole, ...rest, text: line, ...(from !== undefined && { line: from + index }) } };
  });
}

/** Text that a pattern is matched against: without escape sequences, which could split a word. */
function searchable({ data }: ExecutionEvent): string {
  const bytes = textOf(data, 'base64');
  if (bytes !== undefined) return stripAnsi(Buffer.from(bytes, 'base64').toString());
  const text = activityText(data) ?? textOf(data, 'message');
  return text === undefined ? JSON.stringify(data) : stripAnsi(text);
}
