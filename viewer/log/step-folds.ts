/** Steps whose lines are hidden: those after the line at which the step begins, until the next step begins. */
import type { Api } from '../api.js';
import type { LineRange } from './ranges.js';

export interface Folds {
  /** Lines of folded steps. */
  hidden: LineRange[];
  /** Lines at which these steps begin. */
  folded: ReadonlySet<number>;
}

export class StepFolds {
  readonly #api: Api;
  readonly #id: string;
  readonly #folded = new Set<number>();

  constructor(api: Api, id: string) {
    this.#api = api;
    this.#id = id;
  }

  /** Folds or unfolds the step that begins at a line. */
  async toggle(line: number): Promise<Folds> {
    if (!this.#folded.delete(line)) this.#folded.add(line);
    const { steps } = await this.#api.timeline(this.#id);
    const starts = steps.map((one) => one.line).sort((a, b) => a - b);
    const hidden = [...this.#folded].map((start): LineRange => {
      const next = starts.find((other) => other > start);
      return [start + 1, next === undefined ? Number.MAX_SAFE_INTEGER : next - 1];
    });
    return { hidden, folded: new Set(this.#folded) };
  }
}
