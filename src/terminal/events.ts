/** Formats the events of an execution for `progress show --timeline`, each with an icon for its kind. */
import { OUR_KINDS } from '../core/events/activity.js';
import { parseInstant } from '../core/estimates/durations.js';
import type { EventData, ExecutionEvent } from '../core/events/event.js';
import { EXECUTION_ENDS, STEP_ENDS, textOf } from '../core/events/event.js';
import type { Execution } from '../core/execution.js';
import { formatClock, statusIcon } from '../core/text/format.js';
import type { Tone } from './paint.js';
import { cleanText, ellipsisOf, paint, toneOf } from './paint.js';
import { describeEvent } from './plain.js';
import type { Style } from './style.js';
import { cellsOf, fitParts, truncate } from './width.js';

/** Cells that texts keep on a narrow terminal. */
const MIN_TEXT_CELLS = 8;

export interface EventLineOptions {
  columns: number;
  style: Style;
}

interface Sign {
  icon: string;
  ascii: string;
  tone?: Tone;
}

/** Icons by type; ends have the icons of their status. */
const SIGNS: Readonly<Record<string, Sign>> = {
  execution_queued: { icon: '◦', ascii: '.', tone: 'dim' },
  execution_started: { icon: '▶', ascii: '>', tone: 'active' },
  execution_paused: { icon: '‖', ascii: '=', tone: 'warn' },
  execution_resumed: { icon: '▶', ascii: '>', tone: 'active' },
  execution_orphaned: { icon: '?', ascii: '?', tone: 'bad' },
  step_planned: { icon: '○', ascii: 'o', tone: 'dim' },
  step_started: { icon: '▶', ascii: '>', tone: 'active' },
  progress: { icon: '⟳', ascii: '%', tone: 'active' },
  output: { icon: '│', ascii: '|', tone: 'dim' },
  attention: { icon: '!', ascii: '!', tone: 'warn' },
  resource_update: { icon: '∿', ascii: '~', tone: 'dim' },
  control: { icon: '»', ascii: '@', tone: 'warn' },
  alert_triggered: { icon: '♪', ascii: '*', tone: 'warn' },
};

const LEVELS: Readonly<Record<string, Sign>> = {
  debug: { icon: '·', ascii: '-', tone: 'dim' },
  warning: { icon: '▲', ascii: '!', tone: 'warn' },
  error: { icon: '✗', ascii: 'x', tone: 'bad' },
};
const MESSAGE: Sign = { icon: '•', ascii: '-' };
const CALL: Sign = { icon: '⚡', ascii: '$', tone: 'active' };
const ACTIVITY: Sign = { icon: '✎', ascii: '-' };
const UNKNOWN: Sign = { icon: '·', ascii: '-', tone: 'dim' };

/** Lines of one event; `execution` is its state after the event. */
export function eventLines(
  event: ExecutionEvent,
  execution: Execution | undefined,
  { columns, style }: EventLineOptions,
): string[] {
  const { lines, word } = describeEvent(event, execution, style);
  const at = parseInstant(event.time);
  const time = paint(at === undefined ? cleanText(event.time) : formatClock(at), 'dim', style);
  return lines.map((parts) => {
    const lead = `${time} ${signOf(event, style)}`;
    const [first = '', ...others] = parts;
    const said = [wordOf(event, word) + first, ...others];
    const text = fitParts(said, Math.max(MIN_TEXT_CELLS, columns - cellsOf(lead) - 1), ellipsisOf(style));
    return truncate(`${lead} ${text}`.trimEnd(), columns, ellipsisOf(style));
  });
}

/** Keeps the type where the icon does not identify it; for a known activity its kind is more specific. */
function wordOf({ type, data }: ExecutionEvent, word: string): string {
  if (type === 'output' || type === 'log') return '';
  return type === 'activity' && OUR_KINDS.has(textOf(data, 'kind') ?? '') ? '' : `${word} `;
}

function signOf(event: ExecutionEvent, style: Style): string {
  const { type, data } = event;
  const status = valueOf(EXECUTION_ENDS, type) ?? valueOf(STEP_ENDS, type);
  if (status !== undefined) return paint(statusIcon(status, style.ascii), toneOf(status), style);
  const { icon, ascii, tone } = valueOf(SIGNS, type) ?? otherSign(type, data);
  return paint(style.ascii ? `[${ascii}]` : icon, tone, style);
}

function otherSign(type: string, data: EventData): Sign {
  if (type === 'log') return valueOf(LEVELS, textOf(data, 'level') ?? '') ?? MESSAGE;
  if (type !== 'activity') return UNKNOWN;
  return data['kind'] === 'tool-call' ? CALL : ACTIVITY;
}

/** Formats a type, which is a text of the producer. */
function valueOf<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
