/** Newest lines of the log of an execution, and how the box and the summary draw them. */
import { activityTail } from '../core/events/activity.js';
import type { ExecutionEvent } from '../core/events/event.js';
import { textOf } from '../core/events/event.js';
import { parseInstant } from '../core/estimates/durations.js';
import type { Execution } from '../core/execution.js';
import { subagentDepth } from '../core/fold/output.js';
import { messageOf } from '../core/lists/visible-steps.js';
import { formatClock } from '../core/text/format.js';
import type { Tone } from './paint.js';
import { cleanOutput, cleanText, ellipsisOf, paint } from './paint.js';
import type { Style } from './style.js';
import { truncate, wrap } from './width.js';

/** A line of output, a message, or what an agent says and does. */
export interface TailLine {
  /** RFC 3339; absent if it is not known. */
  time?: string;
  step?: string;
  /** Level of a message. */
  level?: string;
  text: string;
  /** Text of an agent, which is wrapped; only programs know the width of their lines. */
  isProse?: true;
}

/** Types of events that have such lines. */
export const TAIL_TYPES: readonly string[] = ['output', 'log', 'activity'];
export const ASCII_CALL_MARK = '> ';

const CALL_LEAD = /^ *(▸ )?/;
const LEVEL_TONES: ReadonlyMap<string, Tone> = new Map([
  ['error', 'bad'],
  ['warning', 'warn'],
]);

/** Returns the lines of an event; debug output has none. */
export function tailLinesOf(event: ExecutionEvent, execution: Execution | undefined): TailLine[] {
  const { time, step, data, type } = event;
  const head = { time, ...(step !== undefined && { step }) };
  const text = textFor(event, execution);
  if (text === undefined) return [];
  const level = type === 'log' ? (textOf(data, 'level') ?? 'info') : undefined;
  return text
    .replace(/\r?\n$/, '')
    .split('\n')
    .map((line) => ({
      ...head,
      ...(level !== undefined && { level }),
      text: line,
      ...(type === 'activity' && { isProse: true as const }),
    }));
}

function textFor({ type, step, data }: ExecutionEvent, execution: Execution | undefined): string | undefined {
  if (type === 'output') return data['stream'] === 'debug' ? undefined : textOf(data, 'text');
  if (type === 'log') return data['level'] === 'debug' ? undefined : messageOf(data);
  if (type !== 'activity') return undefined;
  return activityTail(data, execution ? subagentDepth(execution, step) : 0);
}

/** Lines that the execution itself keeps, without their times. */
export function keptLines({ tail, kind }: Execution): TailLine[] {
  return tail.map((text) => ({ text, ...(kind === 'agent' && { isProse: true as const }) }));
}

/** Draws the newest lines in at most `rows` rows, each with its time of day and level if they are known. */
export function tailRows(lines: readonly TailLine[], rows: number, cells: number, style: Style): string[] {
  if (rows <= 0) return [];
  return lines
    .slice(-rows)
    .flatMap((line) => tailRow(line, cells, style))
    .slice(-rows);
}

function tailRow({ time, level, text, isProse }: TailLine, cells: number, style: Style): string[] {
  const at = parseInstant(time);
  const clock = at === undefined ? '' : `${formatClock(at)} `;
  const tone = LEVEL_TONES.get(level ?? '');
  const word = truncate(cleanText(level ?? '').toUpperCase(), MAX_LEVEL_CELLS, ellipsisOf(style));
  const label = word === '' ? '' : paint(`${word} `, tone ?? 'dim', style);
  const shown = cleanOutput(text, isProse || tone !== undefined ? { ...style, color: false } : style);
  const bodies = isProse ? wrapProse(shown, cells - clock.length, style) : [shown];
  return bodies.map((body, index) => {
    const lead = index === 0 ? paint(clock, 'dim', style) : ' '.repeat(clock.length);
    return lead + label + paint(body, tone, style);
  });
}

/** Cells of a level, which is a producer's text. */
const MAX_LEVEL_CELLS = 8;

/** Indents below the first line. A tool call takes one line. */
function wrapProse(line: string, cells: number, style: Style): string[] {
  const [indent = '', mark] = CALL_LEAD.exec(line) ?? [];
  const lead = mark !== undefined && style.ascii ? indent.replace(mark, ASCII_CALL_MARK) : indent;
  const room = Math.max(1, cells - indent.length);
  const [first = '', ...others] = wrap(line.slice(indent.length), room, mark === undefined ? Infinity : 1);
  return [lead + first, ...others.map((other) => ' '.repeat(indent.length) + other)];
}
