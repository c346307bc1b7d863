/** What is true since some time, and matters when it has been true for long enough. */
import type { ExecutionEvent } from '../core/event.js';
import type { Rule } from './rules.js';

export interface Deadline {
  rule: Rule;
  /** ID of the execution. */
  id: string;
  /** When it began and when it matters, by a clock that is never set back. */
  since: number;
  dueAt: number;
  event: ExecutionEvent | undefined;
  fired: boolean;
}

/** Of rules and executions, one each. */
export class Deadlines {
  readonly #deadlines = new Map<string, Deadline>();
  /** Those that ended before the execution did: they may fire for it again. */
  readonly #rearmed = new Set<string>();
  #nextAt: number | undefined;

  /** When `due` is to be called next. */
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

  /** It is not true any more. */
  rearm(rule: Rule, id: string): void {
    const key = keyOf(rule, id);
    if (this.#deadlines.delete(key)) this.#rearmed.add(key);
  }

  delete({ rule, id }: Deadline): void {
    this.#deadlines.delete(keyOf(rule, id));
  }

  /** The execution has ended. */
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
