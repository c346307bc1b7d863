/** How `progress logs` prints events: output as it was written, everything else as lines for people. */
import { sanitize, stripAnsi } from '../../../core/ansi.js';
import type { EventData, ExecutionEvent } from '../../../core/event.js';
import { textOf } from '../../../core/event.js';
import { messageOf } from '../../../core/visible-steps.js';
import type { Pattern } from '../../../platform/patterns.js';
import { activityLines } from '../../../terminal/activity.js';
import { paint } from '../../../terminal/paint.js';
import { plainLine } from '../../../terminal/plain.js';
import type { OutputStyle } from '../../../terminal/style.js';
import { BREAK, type Unit } from './grep.js';
import { print, printJson, printLines } from '../../shared/output.js';
import { columnsOf } from '../../shared/output-options.js';

export type Printer = (units: readonly (Unit | typeof BREAK)[]) => Promise<void>;

export interface PrinterOptions {
  form: 'json' | 'raw' | 'text';
  style: OutputStyle;
  /** All is of one execution. */
  single: boolean;
  /** What was looked for, to be shown where it was found. */
  pattern: Pattern | undefined;
}

/** Time, id and word of a line that says where it is from. */
const LEAD = /^\S+ +\S+ +\S+ +/;

export function createPrinter({ form, style, single, pattern }: PrinterOptions): Printer {
  if (form === 'json')
    return async (units) => await printJson(units.flatMap((unit) => (unit === BREAK ? [] : [unit.event])));
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
    else
      await printLines(plainLine(event, undefined, style).map((line) => mark(line, unit, LEAD.exec(line)?.[0].length)));
  };
  return async (units) => {
    for (const unit of units) await (unit === BREAK ? printLines([paint('--', 'dim', style)]) : printUnit(unit));
  };
}

/** The colours of the line itself would stand in the way, and are left out. */
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

/** To a terminal without what would command it; to anything else byte for byte. */
async function printOutput(data: EventData, style: OutputStyle, mark = (line: string) => line): Promise<void> {
  const isCut = data['continued'] === true || (data['unterminated'] === true && !process.stdout.isTTY);
  const end = isCut ? '' : '\n';
  const bytes = textOf(data, 'base64');
  const text = textOf(data, 'text') ?? '';
  if (process.stdout.isTTY)
    await print(mark(sanitize(bytes === undefined ? text : '(bytes that are no UTF-8)', style)) + end);
  else if (bytes === undefined) await print(mark(text) + end);
  else await print(Buffer.concat([Buffer.from(bytes, 'base64'), Buffer.from(end)]));
}

/** What is printed of one execution without asking for more: what it writes, says and does. */
export const SHOWN_TYPES: readonly string[] = ['output', 'log', 'activity'];

/** What an agent prints that means nothing to people. */
export function isForDebuggers({ type, data }: ExecutionEvent): boolean {
  return type === 'output' && data['stream'] === 'debug' && data['as'] === undefined;
}

/** The state that an execution became silent is shown by lists, with a clock; it is no line of a log. */
export function isSilence({ type, data }: ExecutionEvent): boolean {
  return type === 'attention' && data['state'] === 'silent';
}

/** What is printed of an event of one execution, of these types, where no terminal reads. */
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
