/** Deadlines of conditions that must hold for a time before a rule fires. */
import type { ExecutionEvent } from '../core/events/event.js';
import type { Rule } from './rules.js';

export interface Deadline {
  rule: Rule;
  /** ID of the execution. */
  id: string;
  /** Start and due time, by a monotonic clock. */
  since: number;
  dueAt: number;
  event: ExecutionEvent | undefined;
  fired: boolean;
}

/** Deadlines, one for each rule and execution. */
export class Deadlines {
  readonly #deadlines = new Map<string, Deadline>();
  /** Deadlines whose condition ended before the execution: they may fire again for it. */
  readonly #rearmed = new Set<string>();
  #nextAt: number | undefined;

  /** Time of the next call of `due`. */
  get nextAt(): number | undefined {
    return this.#nextAt;
  }

  get(rule: Rule, id: string): Deadline | undefined {
    return this.#deadlines.get(keyOf(rule, id));
  }

  set(deadline: Deadline): Deadline {
    this.#deadlines.set(keyOf(deadline.rule, deadline.id), deadline);
    if (!deadline.fired) this.#nextAt = Math.min(this.#nextAt ?? Infinity, deadline.dueAt);
    return deadline;
  }

  isRearmed(rule: Rule, id: string): boolean {
    return this.#rearmed.has(keyOf(rule, id));
  }

  /** Called when the condition no longer holds. */
  rearm(rule: Rule, id: string): void {
    const key = keyOf(rule, id);
    if (this.#deadlines.delete(key)) this.#rearmed.add(key);
  }

  delete({ rule, id }: Deadline): void {
    this.#deadlines.delete(keyOf(rule, id));
  }

  /** Called when the execution has ended. */
  forget(rules: Iterable<Rule>, id: string): void {
    for (const rule of rules) {
      const key = keyOf(rule, id);
      this.#deadlines.delete(key);
      this.#rearmed.delete(key);
    }
  }

  /** Marks those that are due as fired, and returns them. */
  due(at: number): Deadline[] {
    const due: Deadline[] = [];
    this.#nextAt = undefined;
    for (const deadline of this.#deadlines.values()) {
      if (deadline.fired) continue;
      if (deadline.dueAt > at) this.#nextAt = Math.min(this.#nextAt ?? Infinity, deadline.dueAt);
      else {
        deadline.fired = true;
        due.push(deadline);
      }
    }
    return due;
  }
}

function keyOf({ name }: Rule, id: string): string {
  return `${name}\n${id}`;
}
