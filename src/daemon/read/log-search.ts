/** Searches the lines of a log, in time slices, so that other requests are served meanwhile. */
import { setImmediate } from 'node:timers/promises';
import { stripAnsi } from '../../core/text/ansi.js';
import type { ExecutionEvent } from '../../core/events/event.js';
import type { LogFilter, LogLine } from '../../core/events/log.js';
import { eventTest, LINE_CHARS, lineTest, linesOf } from '../../core/events/log.js';
import { SEARCH_SECONDS } from '../../api/requests.js';
import { ProgressError } from '../../core/base/errors.js';
import { compilePattern } from '../../platform/patterns.js';
import type { Pattern } from '../../platform/patterns.js';

export interface LogSearch extends LogFilter {
  /** `text` is a pattern, see `patterns.ts`. It is matched against the first LINE_CHARS of a line and of its detail. */
  regex?: boolean | undefined;
  /** First and last line to search. */
  from?: number | undefined;
  to?: number | undefined;
  /** Also return where in the lines the pattern matches. */
  marks?: boolean | undefined;
}

export interface SearchResult {
  ranges: [from: number, to: number][];
  marks: [line: number, start: number, end: number][];
  matched: number;
}

/** Ranges of lines in a result; further matches are only counted. */
const MAX_RANGES = 50_000;
const MAX_MARKS = 5_000;
const MAX_MARKS_OF_LINE = 100;
/** Time slice. */
const SLICE_MS = 20;

/**
 * Searches a log.
 *
 * @param events each with the number of its first line
 * @throws ProgressError when the text is not a valid pattern, or takes too long
 */
export async function searchLog(
  events: AsyncIterable<[ExecutionEvent, number]>,
  search: LogSearch,
): Promise<SearchResult> {
  const { text = '', caseSensitive = false, from = 1, to = Infinity } = search;
  const pattern = search.regex && text !== '' ? createBounded(text, caseSensitive) : undefined;
  const test = lineTest(search, pattern?.test);
  // a pattern matches single lines, not the text of a whole event
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

/** Compiles a pattern that matches the beginning of a text, and throws after SEARCH_SECONDS in total. */
function createBounded(source: string, caseSensitive: boolean): Pick<Pattern, 'test' | 'find'> {
  const pattern = compilePattern(source, { ignoreCase: !caseSensitive, code: 'bad_request' });
  let spent = 0;
  const metered = <T>(work: () => T): T => {
    const begun = performance.now();
    const result = work();
    spent += performance.now() - begun;
    if (spent <= SEARCH_SECONDS * 1_000) return result;
    throw new ProgressError('bad_request', 'this pattern takes too long here: look for something simpler');
  };
  return {
    test: (text) => metered(() => pattern.test(text.slice(0, LINE_CHARS))),
    find: (text) => metered(() => pattern.find(text.slice(0, LINE_CHARS), MAX_MARKS_OF_LINE)),
  };
}
