/** The tab with the steps as a collapsible tree. */
import { ProgressError } from '../../../core/base/errors.js';
import type { Step } from '../../../core/execution.js';
import { isFinal } from '../../../core/execution.js';
import { branchesOf, stepLine } from '../../tree.js';
import type { Branch } from '../../tree.js';
import { paint } from '../../paint.js';
import type { Style } from '../../style.js';
import type { KeyBinding, Page, PageSize } from '../page.js';
import { clamp, movement, scrollTo } from '../scroll.js';
import type { TabContext } from './tab-context.js';

export function createStepsTab(context: TabContext): Page {
  return new StepsPage(context);
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
    const options = { now: source.now(), columns: columns - 2, style };
    return this.#branches.slice(this.#first, this.#first + rows).map((branch, index) => {
      const isSelected = this.#first + index === selected;
      const cursor = isSelected ? paint(style.ascii ? '>' : '❯', 'strong', style) : ' ';
      const fold = this.#collapsed.has(branch.step.id) ? '+' : ' ';
      return cursor + fold + stepLine(execution, branch, options);
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
