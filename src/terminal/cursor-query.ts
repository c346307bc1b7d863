/** Queries the terminal for the position of the cursor, and separates its replies from typed keys. */
import type { Clock } from '../core/base/clock.js';
import type { CursorReport } from './rewrap.js';

/**
 * Requests secondary device attributes, then the position: terminals reply in this order, and all know the second.
 */
const QUESTION = '\u001b[>c\u001b[6n';
const ANSWER = /\u001b\[(?:(\d+);(\d+)R|>([\d;]*)c)/g;
const BEGINNING_OF_ANSWER = /\u001b(?:\[(?:>?[\d;]{0,16})?)?$/;
/** Timeout for a terminal at the other end of a slow connection. */
const ANSWER_MS = 500;
/** A reply arrives in one piece. What looks like the beginning of one is an Escape key after this time. */
const REST_MS = 50;

type OnReport = (report: CursorReport | undefined) => void;

export interface CursorQueryOptions {
  write: (bytes: string) => void;
  /** Receives keys, one character for each byte. */
  onKeys: (keys: string) => void;
  clock: Clock;
}

export class CursorQuery {
  readonly #options: CursorQueryOptions;
  /** A reply is overdue. It is removed from the keys if it still arrives. */
  #isOwed = false;
  #attributes: string | undefined;
  #onReport: OnReport | undefined;
  #onIdle: (() => void)[] = [];
  #cancelDeadline = (): void => {};
  #held = '';
  #cancelHold = (): void => {};

  constructor(options: CursorQueryOptions) {
    this.#options = options;
  }

  get isAsking(): boolean {
    return this.#onReport !== undefined;
  }

  /**
   * Calls back once: with the reply, without one at the deadline, or at once without one while a reply is overdue.
   */
  ask(onReport: OnReport): void {
    // a late reply would be taken for this one; a terminal that never replies is queried once
    if (this.#isOwed) return onReport(undefined);
    this.#onReport = onReport;
    this.#isOwed = true;
    this.#cancelDeadline = this.#options.clock.after(ANSWER_MS, () => this.#settle(undefined));
    this.#options.write(QUESTION);
  }

  /** Calls back when no reply is pending that would reach the next program on the terminal. */
  whenIdle(then: () => void): void {
    if (this.isAsking) this.#onIdle.push(then);
    else then();
  }

  /** Takes input of the terminal, one character for each byte. */
  receive(input: string): void {
    this.#cancelHold();
    let text = this.#held + input;
    this.#held = '';
    if (this.#isOwed) text = this.#takeAnswers(text);
    this.#held = this.#isOwed ? (BEGINNING_OF_ANSWER.exec(text)?.[0] ?? '') : '';
    if (this.#held !== '') this.#cancelHold = this.#options.clock.after(REST_MS, () => this.#flush());
    const keys = text.slice(0, text.length - this.#held.length);
    if (keys !== '') this.#options.onKeys(keys);
  }

  /** Drops queries and buffered input: the terminal now belongs to another program. */
  close(): void {
    this.#cancelHold();
    this.#held = '';
    this.#settle(undefined);
  }

  /** Passes on buffered input. */
  #flush(): void {
    this.#cancelHold();
    const keys = this.#held;
    this.#held = '';
    if (keys !== '') this.#options.onKeys(keys);
  }

  #takeAnswers(text: string): string {
    return text.replaceAll(ANSWER, (answer: string, row?: string, column?: string, attributes?: string) => {
      if (!this.#isOwed) return answer;
      if (attributes !== undefined) {
        this.#attributes = attributes;
        return '';
      }
      this.#isOwed = false;
      if (this.isAsking) this.#settleSoon({ row: Number(row) - 1, column: Number(column) - 1 });
      return '';
    });
  }

  /** Calls back in the next turn: if the size changed before the reply, its signal is delivered in the same turn. */
  #settleSoon(position: CursorReport): void {
    const attributes = this.#attributes;
    this.#cancelDeadline();
    this.#cancelDeadline = this.#options.clock.after(0, () =>
      this.#settle({ ...position, ...(attributes !== undefined && { attributes }) }),
    );
  }

  #settle(report: CursorReport | undefined): void {
    this.#cancelDeadline();
    const onReport = this.#onReport;
    this.#onReport = undefined;
    onReport?.(report);
    if (this.isAsking) return;
    for (const then of this.#onIdle.splice(0)) then();
  }
}
