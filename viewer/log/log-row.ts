/** Fills a row of the log with elements. The text is hostile: it becomes text nodes, and links to http and https only. */
import type { LogLine } from '../../src/core/events/log.js';
import type { Color, TextStyle } from '../../src/core/text/sgr.js';
import { styledRuns } from '../../src/core/text/sgr.js';
import type { MarkSpan } from './marks.js';

export interface RowOptions {
  /** Returns the matches in a text without escape sequences. */
  marksIn: (plain: string) => readonly MarkSpan[];
  /** Text of a row below the line, which shows a part of its detail. */
  detail?: string;
  isOpen: boolean;
  isFolded: boolean;
  /** Returns the name of a step, if it is known. */
  nameOf: (step: string) => string | undefined;
}

const URL_PATTERN = /https?:\/\/[^\s<>"'`)\]}]+/g;
/** Labels of the kinds of an agent's activity. */
const KINDS: Readonly<Record<string, string>> = {
  init: 'init',
  'assistant-text': 'says',
  thinking: 'thinks',
  'tool-call': 'calls',
  'tool-result': 'result',
  result: 'result',
};

/** Fills an empty row. @param line Undefined while it is being fetched. */
export function fillRow(row: HTMLElement, number: number, line: LogLine | undefined, options: RowOptions): void {
  row.className = `row ${classOf(line)}${options.detail === undefined ? '' : ' below'}`;
  row.dataset['line'] = String(number);
  if (options.detail !== undefined) {
    row.append(element('span', 'num'), element('span', 'time'), textOf(options.detail, options));
    return;
  }
  const link = element('a', 'num', String(number)) as HTMLAnchorElement;
  link.href = `#L${number}`;
  link.tabIndex = -1;
  row.append(link, element('span', 'time', line ? clockOf(line.time) : ''));
  if (!line) return;
  const label = labelOf(line);
  if (line.type === 'step_started') row.append(toggle('fold', !options.isFolded, `Steps’ lines`));
  if (line.detail !== undefined) row.append(toggle('open', options.isOpen, 'Details'));
  if (label) row.append(element('span', 'label', label));
  row.append(textOf(withName(line, options.nameOf), options));
  if (line.cut !== undefined) row.append(element('button', 'more', `${line.cut} more characters`));
}

/** Replaces the ID of a step by its name, which events at its end seldom repeat. */
function withName({ type, step, text }: LogLine, nameOf: RowOptions['nameOf']): string {
  const name = step !== undefined && type.startsWith('step_') && text.startsWith(step) ? nameOf(step) : undefined;
  return name === undefined || step === undefined ? text : name + text.slice(step.length);
}

function classOf(line: LogLine | undefined): string {
  if (!line) return 'pending';
  const { type, stream, level, kind } = line;
  if (type === 'output') return stream === 'stderr' ? 'output stderr' : 'output';
  if (type === 'log')
    return level === 'error' || level === 'warning' || level === 'debug' ? `message ${level}` : 'message';
  if (type === 'activity') return kind !== undefined && Object.hasOwn(KINDS, kind) ? `activity ${kind}` : 'activity';
  if (type === 'step_started') return 'milestone step';
  return level === 'error' ? 'milestone error' : 'milestone';
}

function labelOf({ type, level, kind, tool, stream }: LogLine): string {
  if (type === 'log') return level ?? '';
  if (type === 'activity') {
    const word = kind !== undefined && Object.hasOwn(KINDS, kind) ? (KINDS[kind] ?? '') : (kind ?? '');
    return tool === undefined ? word : `${word} ${tool}`;
  }
  if (type === 'output') return stream === undefined || stream === 'stdout' || stream === 'stderr' ? '' : stream;
  return '';
}

function toggle(className: string, isOpen: boolean, label: string): HTMLElement {
  const button = element('button', `toggle ${className}`, isOpen ? '▾' : '▸');
  button.setAttribute('aria-expanded', String(isOpen));
  button.setAttribute('aria-label', label);
  button.tabIndex = -1;
  return button;
}

function textOf(text: string, { marksIn }: RowOptions): HTMLElement {
  const holder = element('span', 'text');
  const runs = styledRuns(text);
  const marks = marksIn(runs.map((run) => run.text).join(''));
  let at = 0;
  for (const run of runs) {
    const target = Object.keys(run.style).length === 0 ? holder : holder.appendChild(styled(run.style));
    appendLinked(target, run.text, marksWithin(marks, at, at + run.text.length));
    at += run.text.length;
  }
  return holder;
}

function styled(style: TextStyle): HTMLElement {
  const span = document.createElement('span');
  const { color, background } = style.inverse ? { color: style.background, background: style.color } : style;
  if (style.inverse) span.classList.add('inverse');
  for (const flag of ['bold', 'dim', 'italic', 'underline', 'strike'] as const) {
    if (style[flag]) span.classList.add(flag);
  }
  paint(span, 'color', 'f', color);
  paint(span, 'backgroundColor', 'b', background);
  return span;
}

/** Sets a color: the sixteen of the terminal by class, since each theme has its own, others by value. */
function paint(
  span: HTMLElement,
  property: 'color' | 'backgroundColor',
  prefix: string,
  color: Color | undefined,
): void {
  if (color === undefined) return;
  if (typeof color === 'number') span.classList.add(`${prefix}${color}`);
  else span.style[property] = `rgb(${color[0]} ${color[1]} ${color[2]})`;
}

function appendLinked(target: HTMLElement, text: string, marks: readonly MarkSpan[]): void {
  let at = 0;
  const append = (to: HTMLElement, end: number) => {
    appendMarked(to, text.slice(at, end), marksWithin(marks, at, end));
    at = end;
  };
  for (const match of text.matchAll(URL_PATTERN)) {
    append(target, match.index);
    const end = match.index + match[0].length;
    const url = safeUrl(match[0]);
    if (url === undefined) append(target, end);
    else {
      const link = element('a', 'link') as HTMLAnchorElement;
      link.href = url;
      link.target = '_blank';
      link.rel = 'noopener noreferrer';
      link.tabIndex = -1;
      append(link, end);
      target.append(link);
    }
  }
  append(target, text.length);
}

function safeUrl(text: string): string | undefined {
  try {
    const { protocol, href } = new URL(text);
    return protocol === 'http:' || protocol === 'https:' ? href : undefined;
  } catch {
    return undefined;
  }
}

function appendMarked(target: HTMLElement, text: string, marks: readonly MarkSpan[]): void {
  let at = 0;
  for (const [start, end] of marks) {
    target.append(text.slice(at, start), element('mark', '', text.slice(start, end)));
    at = end;
  }
  if (at < text.length) target.append(text.slice(at));
}

/** Returns the parts of the marks within a part of the text, relative to its start. */
function marksWithin(marks: readonly MarkSpan[], from: number, to: number): readonly MarkSpan[] {
  if (marks.length === 0) return marks;
  return marks
    .filter(([start, end]) => end > from && start < to)
    .map(([start, end]): MarkSpan => [Math.max(start, from) - from, Math.min(end, to) - from]);
}

function element(tag: string, className: string, text = ''): HTMLElement {
  const created = document.createElement(tag);
  if (className) created.className = className;
  if (text) created.textContent = text;
  return created;
}

/** Formats the local time of day with milliseconds. */
function clockOf(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return '';
  const two = (value: number) => String(value).padStart(2, '0');
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${clock}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}
