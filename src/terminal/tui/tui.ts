/** The full screen as a model: a stack of pages, dialogs above it, keys in, lines out. Knows no terminal. */
import type { ExecutionEvent } from '../../core/events/event.js';
import { formatClock } from '../../core/text/format.js';
import { cleanText, ellipsisOf, paint, repaint, separatorOf } from '../paint.js';
import type { Style } from '../style.js';
import { alignRight, cellsOf, fit, truncate } from '../width.js';
import type { ActionContext } from './actions.js';
import { TuiExecutionPage } from './execution-page.js';
import { HelpPage, keyName } from './help-page.js';
import { ListPage, sectionCounts } from './list-page.js';
import type { KeyBinding, Page, PageSize, TuiSource } from './page.js';
import { noticeOf } from './notice.js';
import { QueuesPage } from './queues-page.js';
import { TextField } from './text-field.js';

export interface TuiOptions {
  source: TuiSource;
  /** Asks for a new frame. */
  onChange: () => void;
  onQuit: () => void;
  /** Puts a text into the clipboard of the terminal. */
  copy: (text: string) => void;
  onMouseToggle: (isOn: boolean) => void;
  /** Rings the bell of the terminal, unless it is off. */
  ring: () => void;
  /** Lets another program use the terminal. @returns what it had to report */
  leaveFor: (program: () => Promise<string>) => Promise<string>;
}

export interface MouseInput {
  row: number;
  column: number;
  /** Lines of the wheel; 0 for a click. */
  delta: number;
}

const HINT_GAP = '  ';
/** Time for which a notice stays. */
const NOTICE_MS = 8_000;
/** Below it the screen shows how large it must be. */
const MIN_COLUMNS = 20;
const MIN_ROWS = 4;

export class Tui {
  readonly #options: TuiOptions;
  readonly #list: ListPage;
  readonly #stack: Page[];
  #question: { text: string; then: () => void } | undefined;
  #prompt: { label: string; field: TextField; then: (text: string) => void } | undefined;
  #message: { text: string; isError: boolean; until: number } | undefined;
  #isMouseOn = true;

  constructor(options: TuiOptions) {
    this.#options = options;
    const context: ActionContext = {
      source: options.source,
      confirm: (text, then) => this.#confirm(text, then),
      ask: (label, text, then) => (this.#prompt = { label, field: new TextField(text), then }),
      report: (text, isError) => this.#report(text, isError),
      leaveFor: options.leaveFor,
      copy: (text) => this.#copy(text),
    };
    const open = (id: string) => this.#open(context, id);
    const { onChange } = options;
    const openQueues = () => this.#push(new QueuesPage({ context, open, onChange }));
    this.#list = new ListPage({ context, open, openQueues });
    this.#stack = [this.#list];
    this.openExecution = open;
  }

  /** Shows an execution above the list. */
  readonly openExecution: (id: string) => void;

  lines({ columns, rows }: PageSize, style: Style): string[] {
    if (columns < MIN_COLUMNS || rows < MIN_ROWS)
      return [truncate(`at least ${MIN_COLUMNS}x${MIN_ROWS}`, columns, ellipsisOf(style))];
    const body = this.#page.lines({ columns, rows: rows - 2 }, style);
    const filled = Array.from({ length: rows - 2 }, (_, row) => body[row] ?? '');
    const isLost = this.#options.source.connection().state === 'lost';
    const shown = isLost ? filled.map((line) => repaint(line, 'dim', style)) : filled;
    return [this.#headLine(columns, style), ...shown, this.#footLine(columns, style)];
  }

  onKey(key: string): void {
    this.#message = undefined;
    if (this.#question) this.#answer(key);
    else if (this.#prompt) this.#type(key);
    else if (!this.#takeKey(key)) this.#takeGeneral(key);
    this.#options.onChange();
  }

  /** Reports what has ended or needs a person, except what the user looks at, until the next key or for a while. */
  onEvents(events: readonly ExecutionEvent[]): void {
    const { source, ring } = this.#options;
    const page = this.#page;
    const shown = page instanceof TuiExecutionPage ? page.id : undefined;
    const notice = noticeOf(events, { find: (id) => source.find(id), shown, now: Date.now() });
    if (!notice) return;
    if (notice.rings) ring();
    this.#report(notice.text, notice.isError, Date.now() + NOTICE_MS);
  }

  /** Milliseconds until a notice disappears, if one is shown. */
  untilNoticeEnds(): number | undefined {
    const until = this.#message?.until ?? Infinity;
    return until === Infinity ? undefined : Math.max(0, until - Date.now());
  }

  onMouse({ row, column, delta }: MouseInput): void {
    if (this.#question || this.#prompt) return;
    this.#page.onMouse?.({ row: row - 1, column, delta });
    this.#options.onChange();
  }

  get #page(): Page {
    return this.#stack.at(-1) ?? this.#list;
  }

  /** Typed text first, so that a letter in a field is no command. */
  #takeKey(key: string): boolean {
    const page = this.#page;
    if (page.onText?.(key)) return true;
    const binding = page.bindings().find(({ keys, when }) => keys.includes(key) && (when?.() ?? true));
    binding?.run();
    return binding !== undefined;
  }

  #takeGeneral(key: string): void {
    this.#general()
      .find(({ keys }) => keys.includes(key))
      ?.run();
  }

  #general(): readonly KeyBinding[] {
    const back = this.#stack.length > 1 ? 'Go back' : 'Leave (everything keeps running)';
    const footer = this.#stack.length > 1 ? 'back' : 'quit';
    return [
      { keys: ['q', 'escape'], help: back, footer, run: () => this.#back() },
      { keys: ['C-c'], help: 'Leave', run: this.#options.onQuit },
      { keys: ['M'], help: 'Turn the mouse on or off', run: () => this.#toggleMouse() },
      { keys: ['?'], help: 'Show the keys', footer: 'help', run: () => this.#help() },
    ];
  }

  #open(context: ActionContext, id: string): void {
    // leaving it returns to it, whatever opened it: the next key may act on what is selected
    this.#list.select(id);
    this.#push(new TuiExecutionPage({ context, id, onChange: this.#options.onChange }));
  }

  #push(page: Page): void {
    this.#stack.push(page);
  }

  #back(): void {
    const page = this.#page;
    if (page.clear?.() === true) return;
    if (this.#stack.length === 1) return this.#options.onQuit();
    this.#stack.pop()?.close?.();
  }

  #help(): void {
    if (!(this.#page instanceof HelpPage)) this.#push(new HelpPage(this.#page.bindings(), this.#general()));
  }

  #toggleMouse(): void {
    this.#isMouseOn = !this.#isMouseOn;
    this.#options.onMouseToggle(this.#isMouseOn);
    this.#report(this.#isMouseOn ? 'The mouse is on' : 'The mouse is off: select and copy as usual');
  }

  #confirm(text: string, then: () => void): void {
    this.#question = { text, then };
  }

  #answer(key: string): void {
    const question = this.#question;
    this.#question = undefined;
    if (key === 'y' || key === 'Y') question?.then();
  }

  /** Enter takes the text, Esc drops it. */
  #type(key: string): void {
    const prompt = this.#prompt;
    if (key === 'enter' || key === 'escape') this.#prompt = undefined;
    if (key === 'enter') prompt?.then(prompt.field.text);
    else prompt?.field.take(key);
  }

  #report(text: string, isError = false, until = Infinity): void {
    this.#message = { text, isError, until };
    this.#options.onChange();
  }

  #copy(text: string): void {
    this.#options.copy(text);
    this.#report('Copied');
  }

  #headLine(columns: number, style: Style): string {
    const { source } = this.#options;
    const right = this.#connectionText(style);
    const room = Math.max(0, columns - cellsOf(right) - 1);
    let left = paint('progress', 'strong', style);
    for (const count of sectionCounts(source.executions(), source.now())) {
      const longer = left + separatorOf(style) + count;
      if (cellsOf(longer) > room) break;
      left = longer;
    }
    return `${fit(left, room, ellipsisOf(style))} ${alignRight(right, cellsOf(right))}`;
  }

  #connectionText(style: Style): string {
    const connection = this.#options.source.connection();
    if (connection.state === 'live') return paint('live', 'good', style);
    const since = formatClock(connection.since);
    if (connection.state === 'snapshots') return paint(`snapshots since ${since}`, 'warn', style);
    return paint(`no daemon since ${since}: progress daemon start`, 'bad', style);
  }

  #footLine(columns: number, style: Style): string {
    const ellipsis = ellipsisOf(style);
    if (this.#question) return fit(paint(`${cleanText(this.#question.text)} y/N`, 'warn', style), columns, ellipsis);
    if (this.#prompt) {
      const label = truncate(paint(cleanText(this.#prompt.label), 'strong', style), Math.floor(columns / 2), ellipsis);
      return `${label} ${this.#prompt.field.line(columns - cellsOf(label) - 1, style)}`;
    }
    if (this.#message && Date.now() >= this.#message.until) this.#message = undefined;
    if (this.#message) {
      const { text, isError } = this.#message;
      return fit(paint(cleanText(text), isError ? 'bad' : 'good', style), columns, ellipsis);
    }
    return fit(this.#hints(columns, style).join(HINT_GAP), columns, ellipsis);
  }

  /** The keys that work now, as many as fit. The last ones stay: how to leave, and where the others are listed. */
  #hints(columns: number, style: Style): string[] {
    const hintsOf = (bindings: readonly KeyBinding[]) =>
      bindings
        .filter(({ when }) => when?.() ?? true)
        .flatMap(({ keys: [key = ''], footer }) =>
          footer === undefined ? [] : [`${paint(keyName(key), 'strong', style)} ${paint(footer, 'dim', style)}`],
        );
    const last = hintsOf(this.#general());
    const cellsFor = (hints: readonly string[]) => cellsOf(hints.join(HINT_GAP));
    const first = hintsOf(this.#page.bindings());
    while (first.length > 0 && cellsFor([...first, ...last]) > columns) first.pop();
    return [...first, ...last];
  }
}
