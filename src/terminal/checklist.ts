/** List of steps in the box: finished ones are folded into a count, failed and running ones stay in view. */
import { elapsedOf } from '../core/estimates/durations.js';
import { partsOf } from '../core/estimates/work.js';
import type { Execution, Status, Step } from '../core/execution.js';
import { isFailure, isFinal } from '../core/execution.js';
import { countByStatus } from '../core/steps.js';
import { errorOf, stepTitle } from '../core/lists/visible-steps.js';
import { formatCount, formatDuration, statusMark } from '../core/text/format.js';
import type { Row } from './layout.js';
import { cleanText, paint, separatorOf } from './paint.js';
import type { Style } from './style.js';

/** Priority of rows by status when not all fit. */
const RANKS: Readonly<Record<Status, number>> = {
  running: 0,
  paused: 0,
  failed: 1,
  timeout: 1,
  lost: 1,
  pending: 2,
  queued: 2,
  cancelled: 3,
  skipped: 3,
  completed: 3,
};

/** Fewer finished steps are listed by name. */
const MIN_FOLDED = 2;
/** With fewer rows than this, hidden steps are not counted. */
const MIN_ROWS_TO_COUNT = 3;

type Counts = ReadonlyMap<Status, number>;

export class Checklist {
  readonly #execution: Execution;
  readonly #steps: readonly Step[];
  /** Finished steps that are counted in any case. */
  readonly #folded: ReadonlySet<Step>;
  /** Steps that the execution has evicted, by status. */
  readonly #dropped: Counts;

  /** @param steps criteria of a step, or the plan of the execution */
  constructor(execution: Execution, steps: readonly Step[]) {
    this.#execution = execution;
    this.#steps = steps;
    const isPlan = !steps.some(({ kind }) => kind === 'criterion');
    this.#dropped = new Map(isPlan ? (Object.entries(execution.droppedSteps ?? {}) as [Status, number][]) : []);
    const finished = steps.filter(({ status }) => isFinal(status) && !isFailure(status));
    this.#folded = new Set(finished.length + this.#dropped.size >= MIN_FOLDED ? finished : []);
  }

  /** Rows that it takes if no unfinished step is hidden. */
  get size(): number {
    return this.#steps.length - this.#folded.size + (this.#folded.size + this.#dropped.size > 0 ? 1 : 0);
  }

  /** The steps in their order, in at most `room` rows; the hidden ones are counted by status. */
  rows(room: number, now: number, style: Style): Row[] {
    if (room <= 0 || this.#steps.length === 0) return [];
    const ranked = rankSteps(this.#steps.filter((step) => !this.#folded.has(step)));
    if (room < MIN_ROWS_TO_COUNT && this.size > room) {
      return ranked.slice(0, room).map((step) => this.#row(step, now, style));
    }
    for (let count = Math.min(ranked.length, room); ; count -= 1) {
      const hidden = new Set([...this.#folded, ...ranked.slice(count)]);
      const ended = countByStatus(
        [...hidden].filter(({ status }) => isFinal(status)),
        this.#dropped,
      );
      const open = countByStatus([...hidden].filter(({ status }) => !isFinal(status)));
      const counts = (ended.size > 0 ? 1 : 0) + (open.size > 0 ? 1 : 0);
      if (count > 0 && count + counts > room) continue;
      const kept = this.#steps.filter((step) => !hidden.has(step));
      return [...endedRow(ended, style), ...kept.map((step) => this.#row(step, now, style)), ...openRow(open, style)];
    }
  }

  #row(step: Step, now: number, style: Style): Row {
    const { status } = step;
    const tone = status === 'pending' ? 'dim' : isFailure(status) ? 'bad' : undefined;
    const error = isFailure(status) ? errorOf(step) : undefined;
    const title = stepTitle(step, separatorOf(style)) + (error === undefined ? '' : `: ${error}`);
    const left = `${statusMark(status, style.ascii)} ${paint(cleanText(title), tone, style)}`;
    const elapsed = elapsedOf(step, now);
    const right = [
      status === 'running' ? this.#partsOf(step) : '',
      elapsed === undefined ? '' : formatDuration(elapsed),
    ].filter((text) => text !== '');
    return right.length === 0 ? { left } : { left, right: paint(right.join('  '), 'dim', style) };
  }

  /** Finished parts of a running step: `1/4`. */
  #partsOf(step: Step): string {
    const parts = partsOf(this.#execution).get(step.id) ?? [];
    const total = Math.max(parts.length, step.total ?? 0);
    const done = parts.filter(({ status }) => isFinal(status)).length;
    return total === 0 ? '' : `${formatCount(done)}/${formatCount(total)}`;
  }
}

/** Order by priority: newest first among ended steps, next first among planned ones. */
function rankSteps(steps: readonly Step[]): Step[] {
  const position = new Map(steps.map((step, index) => [step, isFinal(step.status) ? -index : index]));
  return [...steps].sort(
    (a, b) => RANKS[a.status] - RANKS[b.status] || (position.get(a) ?? 0) - (position.get(b) ?? 0),
  );
}

/** `✅ 12 completed, 2 skipped`; with the mark of a failure if one is among them. */
function endedRow(counts: Counts, style: Style): Row[] {
  const statuses = [...counts.keys()];
  return countRow(statuses.find(isFailure) ?? statuses[0], counts, style);
}

/** `○  4 pending`. */
function openRow(counts: Counts, style: Style): Row[] {
  return countRow('pending', counts, style);
}

function countRow(mark: Status | undefined, counts: Counts, style: Style): Row[] {
  if (mark === undefined || counts.size === 0) return [];
  const words = [...counts].map(([status, count]) => `${formatCount(count)} ${status}`);
  return [{ left: paint(`${statusMark(mark, style.ascii)} ${words.join(', ')}`, 'dim', style) }];
}
