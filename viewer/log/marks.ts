/** Positions of matches within lines: of a text found here, of a pattern found by the daemon. */
import { evictOldest } from '../../src/core/base/evict.js';
import type { Api } from '../api.js';

export type MarkSpan = readonly [start: number, end: number];

/** What the user searches for. */
export interface Find {
  text: string;
  /** Match the case of the text. */
  exact: boolean;
  /** The text is a regular expression in the daemon's syntax. */
  regex: boolean;
}

export interface Marks {
  /** Returns the matches in a line, given its text without escape sequences. */
  of(line: number, plain: string): readonly MarkSpan[];
  /** Requests the matches of lines that are about to be drawn. */
  want(from: number, to: number): void;
}

const NONE: readonly MarkSpan[] = [];

export const NO_MARKS: Marks = { of: () => NONE, want: () => undefined };

export function textMarks({ text, exact }: Find): Marks {
  return { of: (_line, plain) => occurrences(plain, text, exact), want: () => undefined };
}

/** Lines requested together. */
const BLOCK_LINES = 500;
/** Blocks kept; beyond it the oldest is evicted. */
const MAX_BLOCKS = 50;
/** Throttle of requests for the same block, such as the end of a log that grows. */
const THROTTLE_MS = 300;

interface Block {
  /** Number of lines that the log had. */
  total: number;
  spans: ReadonlyMap<number, MarkSpan[]>;
}

export class PatternMarks implements Marks {
  readonly #api: Api;
  readonly #id: string;
  readonly #find: Find;
  readonly #onChange: () => void;
  readonly #blocks = new Map<number, Block>();
  /** Blocks that are requested, or were a short time ago. A refused one is not requested again. */
  readonly #requested = new Set<number>();

  /** @param onChange Called when there are new matches. */
  constructor(api: Api, id: string, find: Find, onChange: () => void) {
    this.#api = api;
    this.#id = id;
    this.#find = find;
    this.#onChange = onChange;
  }

  of(line: number): readonly MarkSpan[] {
    return this.#blocks.get(blockOf(line))?.spans.get(line) ?? NONE;
  }

  want(from: number, to: number): void {
    for (let at = blockOf(from); at <= blockOf(to); at++) {
      const isKnown = (this.#blocks.get(at)?.total ?? 0) >= Math.min(to, (at + 1) * BLOCK_LINES);
      if (!isKnown && !this.#requested.has(at)) this.#request(at).catch(() => undefined);
    }
  }

  async #request(at: number): Promise<void> {
    this.#requested.add(at);
    const { text, exact } = this.#find;
    const range = { from: at * BLOCK_LINES + 1, to: (at + 1) * BLOCK_LINES };
    const query = { text, caseSensitive: exact, regex: true, marks: true, ...range };
    const { marks = [], total } = await this.#api.search(this.#id, query);
    const spans = new Map<number, MarkSpan[]>();
    for (const [line, start, end] of marks) spans.set(line, [...(spans.get(line) ?? []), [start, end]]);
    this.#blocks.set(at, { total, spans });
    evictOldest(this.#blocks, MAX_BLOCKS);
    setTimeout(() => this.#requested.delete(at), THROTTLE_MS);
    if (spans.size > 0) this.#onChange();
  }
}

function blockOf(line: number): number {
  return Math.floor((line - 1) / BLOCK_LINES);
}

function occurrences(plain: string, text: string, exact: boolean): readonly MarkSpan[] {
  const [hay, needle] = exact ? [plain, text] : [plain.toLowerCase(), text.toLowerCase()];
  // a letter whose lower case is longer shifts the positions: then nothing is marked
  if (needle === '' || hay.length !== plain.length) return NONE;
  const spans: MarkSpan[] = [];
  for (let at = hay.indexOf(needle); at !== -1; at = hay.indexOf(needle, at + needle.length))
    spans.push([at, at + needle.length]);
  return spans;
}
