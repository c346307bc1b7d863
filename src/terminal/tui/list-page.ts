/** The list of all executions. */
import type { Execution } from '../../core/execution.js';
import { formatCount } from '../../core/text/format.js';
import type { Grouping } from '../../core/lists/groups.js';
import { sectionOf } from '../../core/lists/sections.js';
import { executionRows } from '../execution-row.js';
import { cleanText, ellipsisOf, paint, separatorOf } from '../paint.js';
import type { Style } from '../style.js';
import { fit, truncate } from '../width.js';
import { actionBindings } from './actions.js';
import type { ActionContext } from './actions.js';
import { listItems, SORTS } from './list-model.js';
import type { ListItem, Sort } from './list-model.js';
import type { KeyBinding, Page, PageSize } from './page.js';
import { clamp, movement, scrollTo } from './scroll.js';
import { TextField } from './text-field.js';

const GROUPINGS: readonly (Grouping | undefined)[] = [undefined, { by: 'agent' }, { by: 'queue' }, { by: 'label' }];
/** Cells before a row: the cursor and the mark of a selection. */
const LEAD_CELLS = 2;
/** Cells that the filter leaves to the number of matches. */
const COUNT_CELLS = 16;

export interface ListPageOptions {
  context: ActionContext;
  open: (id: string) => void;
  openQueues: () => void;
}

export class ListPage implements Page {
  readonly #options: ListPageOptions;
  readonly #collapsed = new Set<string>();
  readonly #marked = new Set<string>();
  #query = '';
  #field: TextField | undefined;
  #sort: Sort = 'activity';
  #grouping = 0;
  #selected: string | undefined;
  /** Where the selected row was, for when its execution leaves the list. */
  #position = 0;
  #first = 0;
  #rows = 1;
  #items: ListItem[] = [];

  constructor(options: ListPageOptions) {
    this.#options = options;
  }

  lines(size: PageSize, style: Style): string[] {
    const { context } = this.#options;
    const executions = context.source.executions();
    this.#update();
    const head = this.#headLines(executions, size, style);
    this.#rows = Math.max(1, size.rows - head.length);
    const body = this.#bodyLines(size, style);
    return [...head, ...(body.length > 0 ? body : [this.#emptyText(executions.length, style)])];
  }

  bindings(): readonly KeyBinding[] {
    const has = () => this.#selectedExecution() !== undefined;
    return [
      { keys: ['enter', 'right', 'l'], help: 'Open the execution', footer: 'open', when: has, run: () => this.#open() },
      { keys: ['/'], help: 'Filter: status:failed agent:claude text', footer: 'filter', run: () => this.#edit() },
      { keys: ['space'], help: 'Mark for an action on several', when: has, run: () => this.#toggleMark() },
      { keys: ['-', 'z'], help: 'Fold or unfold children', when: has, run: () => this.#toggleFold() },
      { keys: ['S'], help: 'Change the order: activity, name, started, duration', run: () => this.#nextSort() },
      { keys: ['B'], help: 'Group by agent, queue or label', run: () => this.#nextGrouping() },
      { keys: ['Q'], help: 'Show the queues', footer: 'queues', run: this.#options.openQueues },
      ...actionBindings(this.#options.context, () => this.#targets()),
    ];
  }

  /** The filter applies while it is typed; Enter keeps it, Esc drops it. */
  onText(key: string): boolean {
    if (!this.#field) return this.#move(key);
    if (key === 'enter') {
      this.#query = this.#field.text;
      this.#field = undefined;
    } else if (key === 'escape') {
      this.#field = undefined;
      this.#query = '';
    } else if (!this.#field.take(key)) return this.#move(key);
    // keys may arrive faster than frames, and the next one acts on the selection
    this.#update();
    return true;
  }

  onMouse({ row, delta }: { row: number; delta: number }): void {
    if (delta !== 0) {
      this.#moveBy(delta);
      return;
    }
    const item = this.#items[this.#first + row - this.#headRows()];
    if (item?.kind !== 'execution') return;
    if (item.execution.id === this.#selected) this.#open();
    this.#selected = item.execution.id;
  }

  /** Esc removes the filter and the marks before it leaves. */
  clear(): boolean {
    if (this.#query === '' && this.#marked.size === 0) return false;
    this.#query = '';
    this.#marked.clear();
    return true;
  }

  /** Lists what the filter leaves, and selects one of it. */
  #update(): void {
    const { source } = this.#options.context;
    this.#items = listItems(source.executions(), {
      now: source.now(),
      query: this.#field?.text ?? this.#query,
      sort: this.#sort,
      grouping: GROUPINGS[this.#grouping],
      collapsed: this.#collapsed,
    });
    this.#keepSelection();
  }

  #headRows(): number {
    return this.#field !== undefined || this.#query !== '' || this.#marked.size > 0 || this.#settings() !== '' ? 1 : 0;
  }

  #headLines(executions: readonly Execution[], { columns }: PageSize, style: Style): string[] {
    if (this.#headRows() === 0) return [];
    const shown = this.#items.filter(({ kind }) => kind === 'execution').length;
    const parts = [
      this.#field
        ? `/${this.#field.line(Math.max(1, columns - COUNT_CELLS), style)}`
        : this.#query && `/${this.#query}`,
      (this.#field ?? this.#query) && paint(`${shown} of ${executions.length}`, 'dim', style),
      this.#marked.size > 0 && paint(this.#markedText(), 'strong', style),
      paint(this.#settings(), 'dim', style),
    ];
    const text = parts.filter((part) => typeof part === 'string' && part !== '').join('  ');
    return [truncate(text, columns, ellipsisOf(style))];
  }

  /** Marks that the filter hides are counted apart: actions leave them alone. */
  #markedText(): string {
    const hidden = this.#marked.size - this.#markedExecutions().length;
    return `${this.#marked.size} marked${hidden > 0 ? `, ${hidden} hidden` : ''}`;
  }

  #markedExecutions(): Execution[] {
    return this.#items.flatMap((item) =>
      item.kind === 'execution' && this.#marked.has(item.execution.id) ? [item.execution] : [],
    );
  }

  #settings(): string {
    const grouping = GROUPINGS[this.#grouping];
    const parts = [this.#sort !== 'activity' && `by ${this.#sort}`, grouping && `grouped by ${grouping.by}`];
    return parts.filter(Boolean).join(', ');
  }

  #bodyLines({ columns }: PageSize, style: Style): string[] {
    const selected = this.#selectedIndex();
    this.#first = scrollTo(selected, this.#first, this.#rows, this.#items.length);
    // the heading of the first row stays in view
    if (this.#first === 1) this.#first = 0;
    const window = this.#items.slice(this.#first, this.#first + this.#rows);
    const entries = window.flatMap((item) => (item.kind === 'execution' ? [item] : []));
    const now = this.#options.context.source.now();
    const rows = executionRows(entries, now, Math.max(1, columns - LEAD_CELLS), style);
    let next = 0;
    return window.map((item, index) => {
      if (item.kind === 'heading') return this.#heading(item, columns, style);
      const row = rows[next++] ?? '';
      return this.#lead(item.execution.id, this.#first + index === selected, style) + row;
    });
  }

  #heading({ text, count }: { text: string; count: number }, columns: number, style: Style): string {
    const title = `${cleanText(text).toUpperCase()} (${formatCount(count)})`;
    return paint(fit(title, columns, ellipsisOf(style)).trimEnd(), 'dim', style);
  }

  #lead(id: string, isSelected: boolean, style: Style): string {
    const cursor = isSelected ? paint(style.ascii ? '>' : '❯', 'strong', style) : ' ';
    return cursor + (this.#marked.has(id) ? paint('*', 'strong', style) : ' ');
  }

  #emptyText(total: number, style: Style): string {
    const text =
      total === 0
        ? 'Nothing is running. Start something: progress run -- make test'
        : `No execution matches. Esc removes the filter${separatorOf(style)}${formatCount(total)} in all`;
    return paint(text, 'dim', style);
  }

  #selectedIndex(): number {
    const index = this.#items.findIndex((item) => item.kind === 'execution' && item.execution.id === this.#selected);
    return Math.max(0, index);
  }

  #selectedExecution(): Execution | undefined {
    const item = this.#items[this.#selectedIndex()];
    return item?.kind === 'execution' ? item.execution : undefined;
  }

  /** Keeps the execution selected while it moves; if it leaves the list, selects the one that took its place. */
  #keepSelection(): void {
    const items = this.#items;
    const index = items.findIndex((item) => item.kind === 'execution' && item.execution.id === this.#selected);
    if (index === -1) this.#selectAt(this.#position, 1);
    else this.#position = index;
  }

  select(id: string): void {
    this.#selected = id;
  }

  #selectAt(position: number, step: number): void {
    const items = this.#items;
    let at = clamp(position, 0, items.length - 1);
    while (items[at]?.kind === 'heading' && at + step >= 0 && at + step < items.length) at += step;
    // the first row is a heading
    if (items[at]?.kind === 'heading') at = items.findIndex(({ kind }) => kind === 'execution');
    const item = items[at];
    if (item?.kind !== 'execution') return;
    this.#selected = item.execution.id;
    this.#position = at;
  }

  #move(key: string): boolean {
    const delta = movement(key, this.#rows);
    if (delta === undefined) return false;
    this.#moveBy(delta);
    return true;
  }

  #moveBy(delta: number): void {
    this.#selectAt(this.#selectedIndex() + delta, delta < 0 ? -1 : 1);
  }

  #open(): void {
    const execution = this.#selectedExecution();
    if (execution) this.#options.open(execution.id);
  }

  #edit(): void {
    this.#field = new TextField('');
  }

  #toggleMark(): void {
    const id = this.#selectedExecution()?.id;
    if (id === undefined) return;
    if (!this.#marked.delete(id)) this.#marked.add(id);
    this.#moveBy(1);
  }

  #toggleFold(): void {
    const execution = this.#selectedExecution();
    if (!execution) return;
    const hasChildren = this.#options.context.source.executions().some(({ parent }) => parent === execution.id);
    const id = hasChildren ? execution.id : execution.parent;
    if (id === undefined) return;
    if (!this.#collapsed.delete(id)) this.#collapsed.add(id);
    this.#selected = id;
  }

  #nextSort(): void {
    this.#sort = SORTS[(SORTS.indexOf(this.#sort) + 1) % SORTS.length] ?? 'activity';
  }

  #nextGrouping(): void {
    this.#grouping = (this.#grouping + 1) % GROUPINGS.length;
  }

  /** The marked executions that are listed, else the selected one. */
  #targets(): Execution[] {
    const marked = this.#markedExecutions();
    if (marked.length > 0) return marked;
    const selected = this.#selectedExecution();
    return selected ? [selected] : [];
  }
}

/** `2 need you`, `4 running`, `25 finished`: the most important first. */
export function sectionCounts(executions: readonly Execution[], now: number): string[] {
  const counts = new Map<string, number>();
  for (const execution of executions) {
    const section = sectionOf(execution, now);
    const word = section === 'attention' ? 'need you' : section === 'failed' ? 'failed just now' : section;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const order = ['need you', 'failed just now', 'running', 'queued', 'finished'];
  return order.flatMap((word) => (counts.has(word) ? [`${formatCount(counts.get(word) ?? 0)} ${word}`] : []));
}
