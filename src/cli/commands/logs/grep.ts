/** What of a log stands around the lines that a pattern finds, as grep(1) has it: pure, fed with events in order. */
import { activityText } from '../../../core/activity.js';
import { stripAnsi } from '../../../core/ansi.js';
import type { ExecutionEvent } from '../../../core/event.js';
import { textOf } from '../../../core/event.js';
import type { Pattern } from '../../../platform/patterns.js';

/** What is shown or not shown as a whole: one line of output, or any other event. */
export interface Unit {
  /** Of output an event that holds this line alone. */
  event: ExecutionEvent;
  /** The pattern was found in it, or with --invert-match not; else it stands there for another one. */
  matched: boolean;
}

/** Between units that do not follow each other. */
export const BREAK = 'break';

export interface GrepOptions {
  pattern: Pattern;
  invert: boolean;
  /** Units in front of a match, and behind one. */
  before: number;
  after: number;
}

export interface Grep {
  matches(unit: ExecutionEvent): boolean;
  /** What is to be shown now that this unit has come. */
  take(unit: ExecutionEvent): (Unit | typeof BREAK)[];
  /** Units that matched. */
  readonly count: number;
}

export function createGrep({ pattern, invert, before, after }: GrepOptions): Grep {
  let count = 0;
  /** The newest that did not match, and may have to be shown yet. */
  let waiting: ExecutionEvent[] = [];
  /** Came so long ago that they are not known any more. */
  let isBroken = false;
  let owed = 0;
  const matches = (event: ExecutionEvent) => pattern.test(searchable(event)) !== invert;
  return {
    matches,
    take(event) {
      const matched = matches(event);
      if (!matched && owed === 0) {
        waiting.push(event);
        if (waiting.length > before) {
          waiting.shift();
          isBroken = true;
        }
        return [];
      }
      if (!matched) {
        owed--;
        return [{ event, matched }];
      }
      const isApart = isBroken && count > 0 && before + after > 0;
      const shown = [...waiting.map((one) => ({ event: one, matched: false })), { event, matched }];
      count++;
      waiting = [];
      isBroken = false;
      owed = after;
      return isApart ? [BREAK, ...shown] : shown;
    },
    get count() {
      return count;
    },
  };
}

/** Lines of output one by one; any other event as it is. */
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

/** What a pattern is looked for in: what a terminal shows, so that colours neither split a word nor hide a line's end. */
function searchable({ data }: ExecutionEvent): string {
  const bytes = textOf(data, 'base64');
  if (bytes !== undefined) return stripAnsi(Buffer.from(bytes, 'base64').toString());
  const text = activityText(data) ?? textOf(data, 'message');
  return text === undefined ? JSON.stringify(data) : stripAnsi(text);
}
