/** Printer of `progress logs`: output unchanged, other events as readable lines. */
import { sanitize, stripAnsi } from '../../../core/text/ansi.js';
import type { EventData, ExecutionEvent } from '../../../core/events/event.js';
import { textOf } from '../../../core/events/event.js';
import { messageOf } from '../../../core/lists/visible-steps.js';
import type { Pattern } from '../../../platform/patterns.js';
import { activityLines } from '../../../terminal/activity.js';
import { paint } from '../../../terminal/paint.js';
import { LineWriter } from '../../../terminal/line-writer.js';
import type { OutputStyle } from '../../../terminal/style.js';
import { BREAK, type Unit } from './grep.js';
import { print, printJson, printLines } from '../../shared/output.js';
import { columnsOf } from '../../shared/output-options.js';

export type Printer = (units: readonly (Unit | typeof BREAK)[]) => Promise<void>;

export interface PrinterOptions {
  form: 'json' | 'raw' | 'text';
  style: OutputStyle;
  /** Whether all events are of one execution. */
  single: boolean;
  /** Pattern whose matches are highlighted. */
  pattern: Pattern | undefined;
}

/** Time, ID and word at the start of a line. */
const LEAD = /^\S+ +\S+ +\S+ +/;

export function createPrinter({ form, style, single, pattern }: PrinterOptions): Printer {
  if (form === 'json')
    return async (units) => await printJson(units.flatMap((unit) => (unit === BREAK ? [] : [unit.event])));
  const writer = new LineWriter({ style, columns: Infinity, isUtc: true });
  const mark = (line: string, { matched }: Unit, lead = 0) =>
    matched && pattern && style.color ? highlight(line, lead, pattern, style) : line;
  const printUnit = async (unit: Unit) => {
    const { event } = unit;
    const { type, data } = event;
    if (form === 'raw') await printOutput(type === 'output' ? data : { ...data, text: data['raw'] }, style);
    else if (single && type === 'output') await printOutput(data, style, (line) => mark(line, unit));
    else if (single && type === 'log') await printLines([mark(messageLine(event, style), unit)]);
    else if (single && type === 'activity')
      await printLines(
        activityLines(event, undefined, { columns: columnsOf(), style, times: true }).map((line) => mark(line, unit)),
      );
    else await printLines(writer.lines(event, undefined).map((line) => mark(line, unit, LEAD.exec(line)?.[0].length)));
  };
  return async (units) => {
    for (const unit of units) await (unit === BREAK ? printLines([paint('--', 'dim', style)]) : printUnit(unit));
  };
}

/** Highlights matches; the colours of the line itself are removed. */
function highlight(line: string, lead: number, pattern: Pattern, style: OutputStyle): string {
  const plain = stripAnsi(line);
  const parts = [plain.slice(0, lead)];
  const text = plain.slice(lead);
  let at = 0;
  for (const [start, end] of pattern.find(text)) {
    parts.push(text.slice(at, start), paint(text.slice(start, end), 'match', style));
    at = end;
  }
  return at === 0 ? line : [...parts, text.slice(at)].join('');
}

/** Prints output: to a terminal without control sequences, otherwise byte for byte. */
async function printOutput(data: EventData, style: OutputStyle, mark = (line: string) => line): Promise<void> {
  const isCut = data['continued'] === true || (data['unterminated'] === true && !process.stdout.isTTY);
  const end = isCut ? '' : '\n';
  const bytes = textOf(data, 'base64');
  const text = textOf(data, 'text') ?? '';
  if (process.stdout.isTTY)
    await print(mark(sanitize(bytes === undefined ? text : '(bytes that are not UTF-8)', style)) + end);
  else if (bytes === undefined) await print(mark(text) + end);
  else await print(Buffer.concat([Buffer.from(bytes, 'base64'), Buffer.from(end)]));
}

/** Types of events that are printed by default: output, messages and activity. */
export const SHOWN_TYPES: readonly string[] = ['output', 'log', 'activity'];

/** Whether it is debug output of an agent. */
export function isForDebuggers({ type, data }: ExecutionEvent): boolean {
  return type === 'output' && data['stream'] === 'debug' && data['as'] === undefined;
}

/** Whether it notes that an execution became silent, which lists show and logs do not. */
export function isSilence({ type, data }: ExecutionEvent): boolean {
  return type === 'attention' && data['state'] === 'silent';
}

/** Formats an event of one execution, of SHOWN_TYPES, for a file. */
export function textFor(event: ExecutionEvent, style: OutputStyle, columns: number): string | Buffer {
  const { type, data } = event;
  if (type === 'log') return `${messageLine(event, style)}\n`;
  if (type === 'activity')
    return activityLines(event, undefined, { columns, style, times: true })
      .map((line) => `${line}\n`)
      .join('');
  const end = data['continued'] === true || data['unterminated'] === true ? '' : '\n';
  const bytes = textOf(data, 'base64');
  return bytes === undefined
    ? (textOf(data, 'text') ?? '') + end
    : Buffer.concat([Buffer.from(bytes, 'base64'), Buffer.from(end)]);
}

function messageLine({ data }: ExecutionEvent, style: OutputStyle): string {
  return `${sanitize(textOf(data, 'level') ?? 'info', { color: false })}: ${sanitize(messageOf(data), style)}`;
}
