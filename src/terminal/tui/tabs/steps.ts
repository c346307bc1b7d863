/** The tab with the steps as a collapsible tree. */
import { ProgressError } from '../../../core/base/errors.js';
import { elapsedOf } from '../../../core/estimates/durations.js';
import { formatDuration } from '../../../core/text/format.js';
import type { Step } from '../../../core/execution.js';
import { isFinal } from '../../../core/execution.js';
import { branchesOf, stepLine } from '../../tree.js';
import type { Branch } from '../../tree.js';
import { paint } from '../../paint.js';
import type { Style } from '../../style.js';
import type { KeyBinding, Page, PageSize } from '../page.js';
import { clamp, movement, scrollTo } from '../scroll.js';
import { usualDurations } from './usual-steps.js';
import type { UsualDuration } from './usual-steps.js';
import type { TabContext } from './tab-context.js';

export function createStepsTab(context: TabContext): Page {
  return new StepsPage(context);
}

/** Cells of the cursor and the mark of a folded step, and of the usual duration. */
const LEAD_CELLS = 2;
const USUAL_CELLS = 18;
const MIN_COLUMNS_FOR_USUAL = 56;

/** ` / usual 4:02`; `!` after it marks a step that takes longer than four of five did. */
function usualText(step: Step, usual: UsualDuration | undefined, now: number, style: Style): string {
  if (!usual) return '';
  const elapsedMs = elapsedOf(step, now);
  const isOverdue = step.status === 'running' && (elapsedMs ?? 0) > usual.highMs;
  const separator = elapsedMs === undefined ? '  ' : '/ ';
  const text = ` ${separator}usual ${formatDuration(usual.medianMs)}${isOverdue ? ' !' : ''}`;
  return paint(text, isOverdue ? 'warn' : 'dim', style);
}

class StepsPage implements Page {
  readonly #context: TabContext;
  readonly #collapsed = new Set<string>();
  #branches: Branch[] = [];
  #selected: string | undefined;
  #first = 0;
  #rows = 1;

  constructor(context: TabContext) {
    this.#context = context;
  }

  lines({ columns, rows }: PageSize, style: Style): string[] {
    const { source, id } = this.#context;
    const execution = source.find(id);
    if (!execution) return [];
    this.#rows = rows;
    this.#branches = this.#visible(branchesOf(execution));
    const selected = this.#selectedIndex();
    this.#first = scrollTo(selected, this.#first, rows, this.#branches.length);
    const usualOf = usualDurations(execution);
    const hasUsual = columns >= MIN_COLUMNS_FOR_USUAL && this.#branches.some(({ step }) => usualOf(step) !== undefined);
    const now = source.now();
    const options = { now, columns: Math.max(1, columns - LEAD_CELLS - (hasUsual ? USUAL_CELLS : 0)), style };
    return this.#branches.slice(this.#first, this.#first + rows).map((branch, index) => {
      const isSelected = this.#first + index === selected;
      const cursor = isSelected ? paint(style.ascii ? '>' : '❯', 'strong', style) : ' ';
      const fold = this.#collapsed.has(branch.step.id) ? '+' : ' ';
      const usual = hasUsual ? usualText(branch.step, usualOf(branch.step), now, style) : '';
      return cursor + fold + stepLine(execution, branch, options) + usual;
    });
  }

  bindings(): readonly KeyBinding[] {
    return [
      { keys: ['enter'], help: 'Show the log of the step', footer: 'log', run: () => this.#showStep() },
      { keys: ['s'], help: 'Go to where the step begins in the log', run: () => void this.#goToStep() },
      { keys: ['-', 'z'], help: 'Fold or unfold the parts of the step', run: () => this.#toggleFold() },
      { keys: ['Z'], help: 'Fold or unfold all finished steps', footer: 'fold', run: () => this.#foldFinished() },
    ];
  }

  onText(key: string): boolean {
    const delta = movement(key, this.#rows);
    if (delta === undefined) return false;
    const index = clamp(this.#selectedIndex() + delta, 0, this.#branches.length - 1);
    this.#selected = this.#branches[index]?.step.id;
    return true;
  }

  onMouse({ row, delta }: { row: number; delta: number }): void {
    const target = delta === 0 ? this.#first + row : this.#selectedIndex() + delta;
    this.#selected = this.#branches[clamp(target, 0, this.#branches.length - 1)]?.step.id;
  }

  /** Leaves out what is below a folded step. */
  #visible(branches: readonly Branch[]): Branch[] {
    let hiddenBelow = Infinity;
    return branches.filter(({ step, depth }) => {
      if (depth > hiddenBelow) return false;
      hiddenBelow = this.#collapsed.has(step.id) ? depth : Infinity;
      return true;
    });
  }

  /** Until the user selects a step, the running one is selected. */
  #selectedIndex(): number {
    const own = this.#branches.findIndex(({ step }) => step.id === this.#selected);
    if (own !== -1) return own;
    const running = this.#branches.findLastIndex(({ step }) => step.status === 'running');
    return running === -1 ? 0 : running;
  }

  #step(): Step | undefined {
    return this.#branches[this.#selectedIndex()]?.step;
  }

  #showStep(): void {
    const step = this.#step();
    if (step) this.#context.showLog({ step: step.id });
  }

  async #goToStep(): Promise<void> {
    const { source, id, showLog, report, onChange } = this.#context;
    const step = this.#step();
    try {
      const { steps } = await source.timeline(id);
      const line = steps.find((one) => one.step === step?.id)?.line;
      if (line === undefined) report('This step has no lines in the log');
      else showLog({ line });
    } catch (error) {
      report(ProgressError.from(error).message, true);
    }
    onChange();
  }

  #toggleFold(): void {
    const step = this.#step();
    if (step && !this.#collapsed.delete(step.id)) this.#collapsed.add(step.id);
    this.#selected = step?.id;
  }

  #foldFinished(): void {
    const execution = this.#context.source.find(this.#context.id);
    const finished = [...(execution?.steps.values() ?? [])].filter(({ status }) => isFinal(status));
    const isFolded = finished.every(({ id }) => this.#collapsed.has(id));
    for (const { id } of finished) {
      if (isFolded) this.#collapsed.delete(id);
      else this.#collapsed.add(id);
    }
  }
}
