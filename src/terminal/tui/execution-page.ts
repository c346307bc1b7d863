/** One execution: its header, and one of its tabs. */
import type { Execution } from '../../core/execution.js';
import { ellipsisOf, paint } from '../paint.js';
import { executionHead } from '../detail.js';
import type { Style } from '../style.js';
import { fit, truncate } from '../width.js';
import { actionBindings } from './actions.js';
import type { ActionContext } from './actions.js';
import { TuiLogPane } from './log-pane.js';
import type { KeyBinding, Page, PageSize } from './page.js';
import { TUI_TABS } from './tabs/tab.js';
import type { TabName } from './tabs/tab.js';
import type { TabContext } from './tabs/tab-context.js';

export interface ExecutionPageOptions {
  context: ActionContext;
  id: string;
  onChange: () => void;
}

const NAMES = Object.keys(TUI_TABS) as TabName[];
/** Rows of the header; fewer on a low screen. */
const MAX_HEAD_ROWS = 5;

export class TuiExecutionPage implements Page {
  readonly id: string;
  readonly #context: TabContext;
  readonly #pages = new Map<TabName, Page>();
  #tab: TabName | undefined;
  #headRows = 0;

  constructor({ context, id, onChange }: ExecutionPageOptions) {
    this.id = id;
    this.#context = { ...context, id, onChange, showLog: (target) => this.#showLog(target) };
    context.source.follow(id);
  }

  lines({ columns, rows }: PageSize, style: Style): string[] {
    const execution = this.#execution();
    if (!execution) return [paint('This execution is not in memory any more. Esc goes back', 'dim', style)];
    const head = executionHead(execution, this.#context.source.now(), columns, style).slice(
      0,
      Math.max(1, Math.min(MAX_HEAD_ROWS, rows - 6)),
    );
    this.#headRows = head.length + 1;
    const page = this.#page(execution);
    const body = page.lines({ columns, rows: Math.max(1, rows - this.#headRows) }, style);
    return [
      ...head.map((line) => truncate(line, columns, ellipsisOf(style))),
      this.#tabLine(execution, columns, style),
      ...body,
    ];
  }

  bindings(): readonly KeyBinding[] {
    const execution = this.#execution();
    const tabs = this.#tabs(execution);
    const own = execution ? this.#page(execution).bindings() : [];
    return [
      ...own,
      { keys: ['tab', ']'], help: 'Next tab', footer: 'tab', run: () => this.#nextTab(1) },
      { keys: ['S-tab', '['], help: 'Previous tab', run: () => this.#nextTab(-1) },
      ...tabs.map((name, index): KeyBinding => ({
        keys: [String(index + 1)],
        help: `Show ${TUI_TABS[name].title}`,
        run: () => (this.#tab = name),
      })),
      ...actionBindings(this.#context, () => (execution ? [execution] : [])),
    ];
  }

  onText(key: string): boolean {
    const execution = this.#execution();
    return execution !== undefined && (this.#page(execution).onText?.(key) ?? false);
  }

  onMouse({ row, column, delta }: { row: number; column: number; delta: number }): void {
    const execution = this.#execution();
    if (!execution) return;
    const inBody = row - this.#headRows;
    if (inBody >= 0 || delta !== 0) this.#page(execution).onMouse?.({ row: Math.max(0, inBody), column, delta });
    else if (inBody === -1) this.#clickTab(execution, column);
  }

  clear(): boolean {
    const page = this.#tab && this.#pages.get(this.#tab);
    return page instanceof TuiLogPane && page.clear();
  }

  close(): void {
    this.#context.source.follow(undefined);
  }

  #execution(): Execution | undefined {
    return this.#context.source.find(this.#context.id);
  }

  #tabs(execution: Execution | undefined): TabName[] {
    return execution ? NAMES.filter((name) => TUI_TABS[name].isFor(execution)) : [];
  }

  #page(execution: Execution): Page {
    const tabs = this.#tabs(execution);
    const name = this.#tab !== undefined && tabs.includes(this.#tab) ? this.#tab : (tabs[0] ?? 'log');
    this.#tab = name;
    const known = this.#pages.get(name);
    if (known) return known;
    const page = TUI_TABS[name].create(this.#context);
    this.#pages.set(name, page);
    return page;
  }

  #tabLine(execution: Execution, columns: number, style: Style): string {
    const titles = this.#tabs(execution).map((name, index) => {
      const title = ` ${index + 1} ${TUI_TABS[name].title} `;
      if (name === this.#tab) return style.color ? paint(title, 'selected', style) : `[${title.trim()}]`;
      return paint(title, 'dim', style);
    });
    return fit(titles.join(' '), columns, ellipsisOf(style));
  }

  #clickTab(execution: Execution, column: number): void {
    let end = 0;
    for (const [index, name] of this.#tabs(execution).entries()) {
      end += ` ${index + 1} ${TUI_TABS[name].title}  `.length;
      if (column < end) {
        this.#tab = name;
        return;
      }
    }
  }

  #nextTab(step: number): void {
    const tabs = this.#tabs(this.#execution());
    const at = tabs.indexOf(this.#tab ?? 'log');
    this.#tab = tabs[(at + step + tabs.length) % tabs.length];
  }

  #showLog({ line, step }: { line?: number; step?: string }): void {
    const execution = this.#execution();
    if (!execution) return;
    const isSubagent = step !== undefined && execution.steps.get(step)?.kind === 'subagent';
    this.#tab = isSubagent && this.#tabs(execution).includes('transcript') ? 'transcript' : 'log';
    const page = this.#page(execution);
    if (!(page instanceof TuiLogPane)) return;
    if (step !== undefined) page.filterStep(step);
    else if (line !== undefined) page.goTo(line);
  }
}
