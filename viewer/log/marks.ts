/** Where in lines stands what is looked for: a text is found here, a pattern by the daemon. */
import type { Api } from '../api.js';

export type MarkSpan = readonly [start: number, end: number];

/** What is looked for. */
export interface Find {
  text: string;
  /** Upper and lower case differ. */
  exact: boolean;
  /** The text is a regular expression, in the daemon's syntax. */
  regex: boolean;
}

export interface Marks {
  /** In the line's text without escape sequences. */
  of(line: number, plain: string): readonly MarkSpan[];
  /** These lines are on the screen. */
  want(from: number, to: number): void;
}

const NONE: readonly MarkSpan[] = [];
/** Lines that are asked about together, and the answers that are kept. */
const BLOCK = 500;
const MAX_BLOCKS = 50;
/** The end of a log that grows is asked about so often. */
const PAUSE_MS = 300;

export const NO_MARKS: Marks = { of: () => NONE, want: () => undefined };

export function textMarks({ text, exact }: Find): Marks {
  return { of: (_line, plain) => occurrences(plain, text, exact), want: () => undefined };
}

/** `onChange`: lines have marks that had none. */
export function patternMarks(api: Api, id: string, { text, exact }: Find, onChange: () => void): Marks {
  /** By block: what was found, and how many lines the log had then. */
  const blocks = new Map<number, { total: number; spans: ReadonlyMap<number, MarkSpan[]> }>();
  const asking = new Set<number>();
  const blockOf = (line: number) => Math.floor((line - 1) / BLOCK);
  const ask = async (at: number) => {
    asking.add(at);
    const range = { from: at * BLOCK + 1, to: (at + 1) * BLOCK };
    const { marks = [], total } = await api.search(id, { text, caseSensitive: exact, regex: true, marks: true, ...range });
    const spans = new Map<number, MarkSpan[]>();
    for (const [line, start, end] of marks) spans.set(line, [...(spans.get(line) ?? []), [start, end]]);
    blocks.set(at, { total, spans });
    const [oldest] = blocks.keys();
    if (blocks.size > MAX_BLOCKS && oldest !== undefined) blocks.delete(oldest);
    setTimeout(() => asking.delete(at), PAUSE_MS);
    if (spans.size > 0) onChange();
  };
  return {
    of: (line) => blocks.get(blockOf(line))?.spans.get(line) ?? NONE,
    want(from, to) {
      for (let at = blockOf(from); at <= blockOf(to); at++) {
        const isKnown = (blocks.get(at)?.total ?? 0) >= Math.min(to, (at + 1) * BLOCK);
        // one that was refused is not asked for again
        if (!isKnown && !asking.has(at)) ask(at).catch(() => undefined);
      }
    },
  };
}

function occurrences(plain: string, text: string, exact: boolean): readonly MarkSpan[] {
  const [hay, needle] = exact ? [plain, text] : [plain.toLowerCase(), text.toLowerCase()];
  // a letter whose lower case is longer moves what follows: then nothing is marked rather than the wrong thing
  if (needle === '' || hay.length !== plain.length) return NONE;
  const spans: MarkSpan[] = [];
  for (let at = hay.indexOf(needle); at !== -1; at = hay.indexOf(needle, at + needle.length))
    spans.push([at, at + needle.length]);
  return spans;
}
