/** Writes events as plain lines in fixed columns: one screen line for each event of a terminal, all of it in a pipe. */
import { elapsedOf, parseInstant } from '../core/estimates/durations.js';
import { estimate } from '../core/estimates/estimate.js';
import type { ExecutionEvent } from '../core/events/event.js';
import { executionEndOf, stepEndOf, textOf } from '../core/events/event.js';
import type { Execution } from '../core/execution.js';
import { stepTitle, visibleStepsOf } from '../core/lists/visible-steps.js';
import {
  formatClock,
  formatDate,
  formatDuration,
  formatPercent,
  formatQuantity,
  remainingText,
} from '../core/text/format.js';
import { stateWord } from '../core/text/state-text.js';
import type { Tone } from './paint.js';
import { cleanText, ellipsisOf, paint, toneOf } from './paint.js';
import { describeEvent, quoteName, resourceParts } from './plain.js';
import type { Style } from './style.js';
import { cellsOf, fit, fitParts, truncate, wrap } from './width.js';

export interface LineOptions {
  style: Style;
  /** Width that no line exceeds; Infinity in a pipe or a file, where nothing is cut. */
  columns: number;
  /** All lines are of one execution: they do not name it. */
  isSingle?: boolean;
  /** Times are RFC 3339 in UTC, and IDs are complete, for other programs. */
  isUtc?: boolean;
  /** Wrap long texts, and add the full ID and the data. */
  isVerbose?: boolean;
  /** Local date of the line before; a line with the date precedes the first event of another one. */
  date?: string;
  /** Names of executions whose start is not among the events, by ID. */
  names?: ReadonlyMap<string, string>;
}

/** Width of generated IDs; longer ones are not cut and shift their line. */
const ID_CELLS = 10;
const WORD_CELLS = 10;
/** Cells of the short ID and name of an execution, as a share of the width, and their bounds. */
const WHO_SHARE = 0.2;
const WHO_CELLS = { least: 8, most: 24 };
/** Minimum length of a short ID. */
const SHORT_ID_CHARS = 4;
/** Cells that texts keep on a narrow terminal. */
const MIN_TEXT_CELLS = 8;
/** Fields of data that the text of an event has already. */
const TEXT_FIELDS: ReadonlySet<string> = new Set(['text', 'message', 'base64', 'raw']);

export class LineWriter {
  readonly #options: LineOptions;
  readonly #shortIds = new Map<string, string>();
  #date: string | undefined;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#date = options.date;
  }

  /** Lines of an event. `execution` is its state after the event, if known. */
  lines(event: ExecutionEvent, execution: Execution | undefined): string[] {
    const { style, columns, isVerbose } = this.#options;
    const described = describeEvent(event, execution, style);
    if (described.lines.length === 0) return [];
    const lead = this.#lead(event.time, event.execution, execution, described.word, toneOfEvent(event));
    const room = Math.max(MIN_TEXT_CELLS, columns - cellsOf(lead) - 1);
    const date = this.#dateLines(event.time);
    if (isVerbose) {
      const texts = [...described.lines.map((parts) => parts.join(' ')), ...detailsOf(event)];
      const rows = texts.flatMap((text) => wrap(text, room, Infinity));
      const indent = ' '.repeat(cellsOf(lead));
      return [...date, ...rows.map((row, index) => this.#join(index === 0 ? lead : indent, row))];
    }
    const isWhole = columns === Infinity || event.type === 'output';
    const [first = [], ...others] = described.lines;
    const more = others.length === 0 ? [] : [`(and ${formatQuantity(others.length, 'line')} more)`];
    const shown = isWhole ? described.lines : [[...first, ...more]];
    return [...date, ...shown.map((parts) => this.#join(lead, fitParts(parts, room, ellipsisOf(style))))];
  }

  /** Line that reports a running execution while nothing happens. */
  heartbeat(execution: Execution, now: number): string {
    const { share, ...rest } = estimate(execution, now);
    const left = remainingText(rest);
    const elapsedMs = elapsedOf(execution, now);
    const last = visibleStepsOf(execution).current.at(-1);
    const parts = [
      last?.position,
      last && quoteName(stepTitle(last.step)),
      stateWord(execution, now),
      share === undefined ? undefined : formatPercent(share),
      elapsedMs === undefined ? undefined : `elapsed=${formatDuration(elapsedMs)}`,
      left === '' ? undefined : `left=${left}`,
      ...resourceParts(execution.resources),
    ];
    const time = new Date(now).toISOString();
    const text = parts.filter((part) => part !== undefined).join(' ');
    return this.#join(this.#lead(time, execution.id, execution, 'heartbeat', 'dim'), text);
  }

  #join(lead: string, text: string): string {
    return truncate(`${lead} ${text}`.trimEnd(), this.#options.columns, ellipsisOf(this.#options.style));
  }

  /** Time, execution and word, in columns. */
  #lead(time: string, id: string | undefined, execution: Execution | undefined, word: string, tone?: Tone): string {
    const { style, isUtc, isSingle } = this.#options;
    const ms = parseInstant(time);
    const clock = ms === undefined ? cleanText(time) : isUtc ? utcTime(ms) : formatClock(ms);
    const who = isSingle ? [] : [isUtc ? cleanText(id ?? '-').padEnd(ID_CELLS) : this.#who(id, execution)];
    const label = fit(word, WORD_CELLS, ellipsisOf(style));
    return [paint(clock, 'dim', style), ...who, paint(label, tone, style)].join(' ');
  }

  /** Short ID and name: `7hq2 ship-login`. */
  #who(id: string | undefined, execution: Execution | undefined): string {
    const { columns, names, style } = this.#options;
    const cells = Math.min(WHO_CELLS.most, Math.max(WHO_CELLS.least, Math.floor(columns * WHO_SHARE)));
    if (id === undefined) return fit('-', cells);
    const known = execution?.implicit ? undefined : execution?.name;
    const name = known ?? names?.get(id) ?? execution?.name ?? id;
    const text = name === id ? id : `${this.#shortId(id)} ${name}`;
    return fit(cleanText(text), cells, ellipsisOf(style));
  }

  /** Prefix that no earlier execution has. */
  #shortId(id: string): string {
    const known = this.#shortIds.get(id);
    if (known !== undefined) return known;
    const others = [...this.#shortIds.keys()];
    let length = SHORT_ID_CHARS;
    while (length < id.length && others.some((other) => other.startsWith(id.slice(0, length)))) length += 1;
    const short = id.slice(0, length);
    if (this.#shortIds.size >= MAX_SHORT_IDS) this.#shortIds.clear();
    this.#shortIds.set(id, short);
    return short;
  }

  #dateLines(time: string): string[] {
    const ms = parseInstant(time);
    if (this.#options.isUtc || ms === undefined) return [];
    const date = formatDate(ms);
    if (date === this.#date) return [];
    this.#date = date;
    return [paint(date, 'strong', this.#options.style)];
  }
}

/** Maximum number of short IDs that are remembered. */
const MAX_SHORT_IDS = 1_000;

function toneOfEvent({ type, data }: ExecutionEvent): Tone | undefined {
  const ended = executionEndOf(type) ?? stepEndOf(type);
  if (ended !== undefined) return toneOf(ended);
  if (type === 'attention' && data['state'] === 'waiting') return 'warn';
  const level = type === 'log' ? textOf(data, 'level') : undefined;
  return level === 'error' ? 'bad' : level === 'warning' ? 'warn' : undefined;
}

/** Full ID, position and data of an event, without the text, which output consists of. */
function detailsOf({ type, seq, execution, step, data }: ExecutionEvent): string[] {
  if (type === 'output') return [];
  const rest = Object.entries(data).filter(([key]) => !TEXT_FIELDS.has(key));
  const parts = [
    `seq=${seq}`,
    ...(execution === undefined ? [] : [`execution=${execution}`]),
    ...(step === undefined ? [] : [`step=${step}`]),
    ...(rest.length === 0 ? [] : [JSON.stringify(Object.fromEntries(rest))]),
  ];
  return [cleanText(parts.join(' '))];
}

/** RFC 3339 to the second. */
function utcTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
