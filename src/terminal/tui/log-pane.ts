/** The log of one execution: follows its end or stays where it is read, finds, filters, and jumps. */
import { ProgressError } from '../../core/base/errors.js';
import { parseInstant } from '../../core/estimates/durations.js';
import { LEVELS } from '../../core/events/filter.js';
import { formatCount } from '../../core/text/format.js';
import type { LogLine } from '../../core/events/log.js';
import { cleanOutput, cleanText, ellipsisOf, paint, separatorOf } from '../paint.js';
import type { Style } from '../style.js';
import { fit, truncate } from '../width.js';
import type { ActionContext } from './actions.js';
import { LineSet } from './line-set.js';
import { LogLines } from './log-lines.js';
import { dropCells, lineClock, renderLogLine } from './log-rows.js';
import type { KeyBinding, TuiLogSearch, Page, PageSize } from './page.js';
import { clamp, movement } from './scroll.js';
import { FilteredLines } from './filtered-lines.js';
import { timeOfDay } from './time-of-day.js';

const STREAMS = [undefined, 'stdout', 'stderr'] as const;
const TIMES = ['clock', 'none'] as const;
/** Cells that left and right move a line by. */
const SHIFT_CELLS = 16;

/** Draws a line without its time, as rows of at most `cells` cells. */
export type LineRenderer = (line: LogLine, cells: number, style: Style, isWrapped: boolean) => string[];

export interface LogPaneOptions {
  context: ActionContext;
  id: string;
  onChange: () => void;
  render?: LineRenderer;
  isWrapped?: boolean;
  /** Only lines of events of these types. @default all */
  types?: readonly string[];
  /** Keys in addition to those of every log. */
  bindings?: readonly KeyBinding[];
}

export class TuiLogPane implements Page {
  readonly #options: LogPaneOptions;
  readonly #lines: LogLines;
  readonly #filteredLines: FilteredLines;
  #shown = new LineSet();
  /** Following the end is a state, not a position: output never moves a line that is being read. */
  #isFollowing = true;
  /** Index of the first row, while it is not following. */
  #top = 0;
  #rows = 1;
  #shift = 0;
  #isWrapped: boolean;
  #times = 0;
  #level = 0;
  #stream = 0;
  #step: string | undefined;
  #find: { text: string; matches: LineSet; matched: number; current: number } | undefined;
  #newestSeen = 0;

  constructor(options: LogPaneOptions) {
    this.#options = options;
    this.#isWrapped = options.isWrapped ?? false;
    this.#filteredLines = new FilteredLines(options);
    this.#lines = new LogLines(options.context.source, options.id, options.onChange);
  }

  lines({ columns, rows }: PageSize, style: Style): string[] {
    this.#rows = Math.max(1, rows - 1);
    this.#shown = this.#filteredLines.refresh(this.#total, this.#filter());
    const body = this.#bodyLines(columns, style);
    const filler = Array.from({ length: this.#rows - body.length }, () => '');
    return [...body, ...filler, this.#statusLine(columns, style)];
  }

  bindings(): readonly KeyBinding[] {
    const hasOutput = () => this.#options.types?.includes('output') !== false;
    const isFinding = () => this.#find !== undefined;
    return [
      { keys: ['f'], help: 'Follow the end, or stop', footer: 'follow', run: () => this.#toggleFollow() },
      { keys: ['/'], help: 'Find a text, or /RE/ a regular expression', footer: 'find', run: () => this.#askFind() },
      { keys: ['n'], help: 'Next match', when: isFinding, run: () => this.#nextMatch(1) },
      { keys: ['N'], help: 'Previous match', when: isFinding, run: () => this.#nextMatch(-1) },
      { keys: ['e'], help: 'Go to the first error', run: () => void this.#firstError() },
      { keys: ['@'], help: 'Go to a time of day', run: () => this.#askTime() },
      { keys: ['L'], help: 'Change the lowest level', run: () => this.#cycle('level') },
      { keys: ['o'], help: 'Show stdout, stderr or both', when: hasOutput, run: () => this.#cycle('stream') },
      { keys: ['w'], help: 'Wrap long lines, or cut them', run: () => (this.#isWrapped = !this.#isWrapped) },
      { keys: ['t'], help: 'Show or hide times', run: () => (this.#times = (this.#times + 1) % TIMES.length) },
      { keys: ['left'], help: 'Scroll left', when: () => this.#shift > 0, run: () => this.#scrollSideways(-1) },
      { keys: ['right'], help: 'Scroll right', when: () => !this.#isWrapped, run: () => this.#scrollSideways(1) },
      ...(this.#options.bindings ?? []),
      { keys: ['Y'], help: 'Copy the line at the top (OSC 52)', run: () => this.#copyTop() },
    ];
  }

  onText(key: string): boolean {
    const delta = movement(key, this.#rows);
    if (delta === undefined) return false;
    this.#scrollBy(delta);
    return true;
  }

  onMouse({ delta }: { delta: number }): void {
    if (delta !== 0) this.#scrollBy(delta);
  }

  /** Shows the log from a line on, or only the lines of a step. */
  goTo(line: number): void {
    this.#isFollowing = false;
    this.#top = clamp(this.#shown.indexOf(line), 0, Math.max(0, this.#shown.size - 1));
  }

  /** ID of the step whose lines are shown. */
  get step(): string | undefined {
    return this.#step;
  }

  filterStep(step: string | undefined): void {
    this.#step = step;
    this.#isFollowing = true;
  }

  clear(): boolean {
    const had = this.#find !== undefined || this.#step !== undefined || this.#level > 0 || this.#stream > 0;
    this.#find = undefined;
    this.#step = undefined;
    this.#level = 0;
    this.#stream = 0;
    return had;
  }

  get #total(): number {
    const { context, id } = this.#options;
    return context.source.find(id)?.lines ?? 0;
  }

  #filter(): TuiLogSearch | undefined {
    const level = LEVELS[this.#level];
    const stream = STREAMS[this.#stream];
    const { types } = this.#options;
    const isFiltered = this.#level > 0 || stream !== undefined || this.#step !== undefined || types !== undefined;
    if (!isFiltered) return undefined;
    return {
      ...(types && { types }),
      ...(this.#level > 0 && level !== undefined && { level }),
      ...(stream !== undefined && { stream }),
      ...(this.#step !== undefined && { step: this.#step }),
    };
  }

  #bodyLines(columns: number, style: Style): string[] {
    const { size } = this.#shown;
    if (this.#isFollowing) {
      this.#newestSeen = this.#total;
      const body: string[] = [];
      for (let index = size - 1; index >= 0 && body.length < this.#rows; index--) {
        body.unshift(...this.#rowsAt(index, columns, style));
      }
      this.#top = Math.max(0, size - this.#rows);
      return body.slice(-this.#rows);
    }
    this.#top = clamp(this.#top, 0, Math.max(0, size - 1));
    const body: string[] = [];
    for (let index = this.#top; index < size && body.length < this.#rows; index++) {
      body.push(...this.#rowsAt(index, columns, style));
    }
    return body.slice(0, this.#rows);
  }

  #rowsAt(index: number, columns: number, style: Style): string[] {
    const number = this.#shown.at(index);
    const line = number === undefined ? undefined : this.#lines.get(number);
    if (!line) return [paint(ellipsisOf(style), 'dim', style)];
    const lead = TIMES[this.#times] === 'clock' ? `${lineClock(line)} ` : '';
    const cells = Math.max(1, columns - lead.length);
    const render = this.#options.render ?? renderLogLine;
    const rows = render(line, this.#isWrapped ? cells : cells + this.#shift, style, this.#isWrapped);
    const isMatch = this.#find?.matches.at(this.#find.current) === line.line;
    return rows.map((row, at) => {
      const visible = this.#shift > 0 && !this.#isWrapped ? dropCells(row, this.#shift) : row;
      const shown = truncate(visible, cells, ellipsisOf(style));
      const before = at === 0 ? lead : ' '.repeat(lead.length);
      return paint(before, isMatch ? 'match' : 'dim', style) + shown;
    });
  }

  #statusLine(columns: number, style: Style): string {
    const behind = this.#total - this.#newestSeen;
    const first = this.#shown.at(this.#top) ?? 0;
    const parts = [
      this.#isFollowing ? paint('FOLLOW', 'good', style) : `line ${formatCount(first)}`,
      `${formatCount(this.#total)} lines`,
      this.#filterText(),
      this.#findText(),
      !this.#isFollowing && behind > 0 ? paint(`${formatCount(behind)} new, f follows`, 'warn', style) : '',
      this.#lines.failure === undefined ? '' : paint(cleanText(this.#lines.failure), 'bad', style),
    ];
    return fit(parts.filter((part) => part !== '').join(separatorOf(style)), columns, ellipsisOf(style));
  }

  #filterText(): string {
    const stream = STREAMS[this.#stream];
    const parts = [
      this.#level > 0 ? `level ${LEVELS[this.#level] ?? ''} and above` : '',
      stream ?? '',
      this.#step === undefined ? '' : `step ${cleanText(this.#stepName(this.#step))}`,
    ].filter((part) => part !== '');
    return parts.length === 0 ? '' : `${parts.join(', ')}: ${formatCount(this.#shown.size)} shown`;
  }

  #stepName(step: string): string {
    const { context, id } = this.#options;
    return context.source.find(id)?.steps.get(step)?.name ?? step;
  }

  #findText(): string {
    if (!this.#find) return '';
    const { text, matched, current } = this.#find;
    return matched === 0 ? `"${text}" not found` : `"${text}" ${current + 1}/${formatCount(matched)}`;
  }

  #toggleFollow(): void {
    this.#isFollowing = !this.#isFollowing;
  }

  #scrollBy(delta: number): void {
    const last = Math.max(0, this.#shown.size - this.#rows);
    if (this.#isFollowing && delta > 0) return;
    this.#isFollowing = false;
    this.#top = clamp(this.#top + delta, 0, Math.max(last, 0));
    // the reader returns to the end by going there
    if (delta > 0 && this.#top >= last) this.#isFollowing = true;
  }

  #scrollSideways(direction: number): void {
    this.#shift = Math.max(0, this.#shift + direction * SHIFT_CELLS);
  }

  #cycle(what: 'level' | 'stream'): void {
    if (what === 'level') this.#level = (this.#level + 1) % LEVELS.length;
    else this.#stream = (this.#stream + 1) % STREAMS.length;
  }

  #askFind(): void {
    this.#options.context.ask('Find:', '', (text) => void this.#startFind(text));
  }

  #askTime(): void {
    this.#options.context.ask('Go to time (14:05 or 14:05:30):', '', (text) => void this.#goToTime(text));
  }

  async #startFind(typed: string): Promise<void> {
    const pattern = /^\/(.+)\/$/.exec(typed)?.[1];
    const text = pattern ?? typed;
    if (text === '') {
      this.#find = undefined;
      return;
    }
    await this.#searchFor({ text, ...(pattern !== undefined && { regex: true }) }, text);
  }

  async #firstError(): Promise<void> {
    await this.#searchFor({ level: 'error', text: '' }, 'error', ({ level }) => level === 'error');
  }

  async #searchFor(search: TuiLogSearch, text: string, isWanted?: (line: LogLine) => boolean): Promise<void> {
    const { context, id, onChange } = this.#options;
    const first = this.#shown.at(this.#top) ?? 1;
    try {
      const { ranges, matched } = await context.source.search(id, { ...this.#filter(), ...search });
      const matches = new LineSet();
      for (const range of ranges) matches.add(range);
      if (isWanted) await this.#goToFirst(matches, isWanted);
      else {
        this.#find = {
          text,
          matches,
          matched,
          current: Math.min(matches.indexOf(first), Math.max(0, matches.size - 1)),
        };
        this.#showMatch();
      }
    } catch (error) {
      this.#report(ProgressError.from(error).message, true);
    }
    onChange();
  }

  /** Output passes a filter by level, so the lines that are found are looked at. */
  async #goToFirst(matches: LineSet, isWanted: (line: LogLine) => boolean): Promise<void> {
    const { source } = this.#options.context;
    for (let index = 0; index < matches.size;) {
      const from = matches.at(index) ?? 1;
      const { lines } = await source.log(this.#options.id, from, 500);
      const found = lines.find(isWanted);
      if (found) return this.goTo(found.line);
      if (lines.length === 0) break;
      index = matches.indexOf((lines.at(-1)?.line ?? from) + 1);
    }
    this.#report('No error in this log');
  }

  #nextMatch(direction: number): void {
    if (!this.#find || this.#find.matches.size === 0) return;
    const { size } = this.#find.matches;
    this.#find.current = (this.#find.current + direction + size) % size;
    this.#showMatch();
  }

  #showMatch(): void {
    const line = this.#find?.matches.at(this.#find.current);
    if (line === undefined) return;
    this.#isFollowing = false;
    this.#top = clamp(this.#shown.indexOf(line) - Math.floor(this.#rows / 3), 0, Math.max(0, this.#shown.size - 1));
  }

  async #goToTime(text: string): Promise<void> {
    const { onChange } = this.#options;
    const { source } = this.#options.context;
    const started = parseInstant(source.find(this.#options.id)?.startedAt) ?? source.now();
    const wanted = timeOfDay(text, started);
    if (wanted === undefined) return this.#report(`"${text}" is not a time of day such as 14:05 or 14:05:30`, true);
    let low = 0;
    let high = this.#shown.size;
    while (low < high) {
      const middle = (low + high) >> 1;
      const line = await this.#lines.load(this.#shown.at(middle) ?? 1);
      if ((parseInstant(line?.time) ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    this.#isFollowing = false;
    this.#top = low;
    onChange();
  }

  #copyTop(): void {
    const number = this.#shown.at(this.#top);
    const line = number === undefined ? undefined : this.#lines.get(number);
    if (line) this.#options.context.copy(cleanOutput(line.text, { color: false, ascii: false }));
  }

  #report(text: string, isError = false): void {
    this.#options.context.report(text, isError);
  }
}
