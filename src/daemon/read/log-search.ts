/** Looks through the lines of a log: which ones hold what is looked for, and where. Others are served meanwhile. */
import { setImmediate } from 'node:timers/promises';
import { stripAnsi } from '../../core/ansi.js';
import type { ExecutionEvent } from '../../core/event.js';
import type { LogFilter, LogLine } from '../../core/log.js';
import { eventTest, LINE_CHARS, lineTest, linesOf } from '../../core/log.js';
import { ProgressError } from '../../core/errors.js';
import { compilePattern } from '../../platform/patterns.js';
import type { Pattern } from '../../platform/patterns.js';

export interface LogSearch extends LogFilter {
  /** The text is a pattern: see `patterns.ts`. It is looked for in the first LINE_CHARS of a line and of its detail. */
  regex?: boolean | undefined;
  /** Only these lines, both ends included. */
  from?: number | undefined;
  to?: number | undefined;
  /** Where in the lines the pattern was found is wanted too. */
  marks?: boolean | undefined;
}

export interface SearchResult {
  ranges: [from: number, to: number][];
  marks: [line: number, start: number, end: number][];
  matched: number;
}

/** Ranges of lines that a search tells; the rest is only counted. */
const MAX_RANGES = 50_000;
const MAX_MARKS = 5_000;
const MAX_MARKS_OF_LINE = 100;
/** So long nobody else is served. */
const SLICE_MS = 20;
/** For one pattern: what is linear in the text is still slow with a long pattern and a long log. */
const PATTERN_MS = 5_000;

/** `events` come with the number of their first line. Throws a ProgressError if the text is no pattern. */
export async function searchLog(
  events: AsyncIterable<[ExecutionEvent, number]>,
  search: LogSearch,
): Promise<SearchResult> {
  const { text = '', exact = false, from = 1, to = Infinity } = search;
  const pattern = search.regex && text !== '' ? createBounded(text, exact) : undefined;
  const test = lineTest(search, pattern?.test);
  // the lines of an event are not one text to a pattern
  const mayPass = eventTest(pattern ? {} : search);
  const found: SearchResult = { ranges: [], marks: [], matched: 0 };
  const add = ({ line, text: content }: LogLine) => {
    found.matched++;
    const last = found.ranges.at(-1);
    if (last?.[1] === line - 1) last[1] = line;
    else if (found.ranges.length < MAX_RANGES) found.ranges.push([line, line]);
    if (!search.marks || !pattern || found.marks.length >= MAX_MARKS) return;
    for (const [start, end] of pattern.find(stripAnsi(content))) found.marks.push([line, start, end]);
  };

  let servedAt = performance.now();
  for await (const [event, first] of events) {
    if (first > to) break;
    if (!mayPass(event)) continue;
    for (const line of linesOf(event, first)) {
      if (line.line >= from && line.line <= to && test(line)) add(line);
      if (performance.now() - servedAt < SLICE_MS) continue;
      await setImmediate();
      servedAt = performance.now();
    }
  }
  return found;
}

/** A pattern that looks at the beginning of a text, and throws when it has had its time. */
function createBounded(source: string, exact: boolean): Pick<Pattern, 'test' | 'find'> {
  const pattern = compilePattern(source, { ignoreCase: !exact, code: 'bad_request' });
  let spent = 0;
  const metered = <T>(work: () => T): T => {
    const begun = performance.now();
    const result = work();
    spent += performance.now() - begun;
    if (spent <= PATTERN_MS) return result;
    throw new ProgressError('bad_request', 'this pattern takes too long here: look for something simpler');
  };
  return {
    test: (text) => metered(() => pattern.test(text.slice(0, LINE_CHARS))),
    find: (text) => metered(() => pattern.find(text.slice(0, LINE_CHARS), MAX_MARKS_OF_LINE)),
  };
}
