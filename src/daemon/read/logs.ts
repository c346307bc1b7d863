/** The log of an execution by line numbers, read from the journal: pages, search, and the lines of its steps. */
import type { ExecutionEvent } from '../../core/event.js';
import type { LogLine } from '../../core/log.js';
import { countLines, cutLine, linesOf } from '../../core/log.js';
import { evictOldest } from '../../core/evict.js';
import type { JournalSource } from '../../journal/reader.js';
import { readJournal, readLast } from '../../journal/reader.js';
import type { Replies } from '../../api/messages.js';
import type { LogIndex } from './log-index.js';
import { createLogIndex } from './log-index.js';
import type { LogSearch } from './log-search.js';
import { searchLog } from './log-search.js';

/** What of an execution must be known, all of it as of `seq`. */
export interface LogSubject {
  id: string;
  firstSeq: number;
  /** Of its log so far. */
  lines: number;
  seq: number;
}

export interface LogRequest {
  /** The first line wanted, counted from 1. */
  from?: number | undefined;
  /** The newest so many lines. */
  last?: number | undefined;
  limit?: number | undefined;
  /** Nothing is cut. */
  whole?: boolean | undefined;
}

export interface Logs {
  page(subject: LogSubject, request: LogRequest): Promise<Replies['log']>;
  search(subject: LogSubject, request: LogSearch): Promise<Replies['search']>;
  timeline(subject: LogSubject): Promise<Replies['timeline']>;
  /** Its events are gone. */
  forget(id: string): void;
  /** The whole log as text, a piece at a time. */
  text(subject: LogSubject): AsyncGenerator<string>;
}

const DEFAULT_LINES = 500;
const MAX_LINES = 1_000;
/** Characters of one page: what is beyond is asked for again, from where the page ends. */
const PAGE_CHARS = 1024 * 1024;
/** Written to a socket at once. */
const PIECE_CHARS = 64 * 1024;
/** Executions whose lines are known at a time; the one that was asked for longest ago goes. */
const MAX_INDEXES = 32;
/** Events that the end of a log is looked for in: some hold hundreds of lines, */
const FIRST_LOOK = 32;
/** and others none. */
const MAX_LOOK_BACK = 20_000;

type Mark = [line: number, start: number, end: number];

export function createLogs(source: JournalSource): Logs {
  const indexes = new Map<string, LogIndex>();

  const indexOf = async ({ id, firstSeq, seq }: LogSubject): Promise<LogIndex> => {
    const index = indexes.get(id) ?? createLogIndex(source, id, firstSeq);
    indexes.delete(id);
    indexes.set(id, index);
    evictOldest(indexes, MAX_INDEXES);
    await index.readThrough(seq);
    return index;
  };

  /** Its events behind `after`, each with the number of its first line. */
  async function* numbered(
    { id, seq }: LogSubject,
    after: number,
    line: number,
  ): AsyncGenerator<[ExecutionEvent, number]> {
    let next = line;
    for await (const part of readJournal(source, { after, through: seq, execution: id })) {
      if (!('events' in part)) continue;
      for (const event of part.events) {
        yield [event, next];
        next += countLines(event);
      }
    }
  }

  const readPage = async (subject: LogSubject, from: number, count: number, whole: boolean): Promise<LogLine[]> => {
    const index = await indexOf(subject);
    const base = baseOf(subject, index.lines);
    const start = index.seek(Math.max(0, from - 1 - base));
    const page = createPage(count, whole);
    for await (const [event, line] of numbered(subject, start.after, base + start.line + 1)) {
      for (const one of linesOf(event, line)) if (one.line >= from && !page.add(one)) return page.lines;
    }
    return page.lines;
  };

  /** The end of the log needs no index: its last line has the number that the fold has counted. */
  const readTail = async ({ id, lines: total, seq }: LogSubject, count: number, whole: boolean): Promise<LogLine[]> => {
    for (let events = FIRST_LOOK; ; events *= 4) {
      const tail = await readLast(source, events, { execution: id }, seq);
      const lines = tail.events.reduce((sum, event) => sum + countLines(event), 0);
      const isAll = tail.events.length < events || events >= MAX_LOOK_BACK;
      if (lines < count && !isAll) continue;
      let next = Math.max(total, lines) - lines + 1;
      const page = createPage(count, whole);
      const all: LogLine[] = [];
      for (const event of tail.events) {
        all.push(...linesOf(event, next));
        next += countLines(event);
      }
      // from the end, so that what does not fit is missing at the beginning
      for (const line of all.reverse()) if (!page.add(line)) break;
      return page.lines.reverse();
    }
  };

  return {
    async page(subject, { from, last, limit, whole = false }) {
      const wanted = Math.min(MAX_LINES, last ?? limit ?? DEFAULT_LINES);
      const lines =
        from === undefined ? await readTail(subject, wanted, whole) : await readPage(subject, from, wanted, whole);
      return {
        execution: subject.id,
        lines,
        total: Math.max(subject.lines, lines.at(-1)?.line ?? 0),
        seq: subject.seq,
      };
    },

    async search(subject, request) {
      const { id, firstSeq, seq } = subject;
      const isPart = request.from !== undefined || request.to !== undefined;
      // how many lines have left the journal is known from the index, or else at the end
      const index = isPart ? await indexOf(subject) : undefined;
      const base = index ? baseOf(subject, index.lines) : 0;
      const start = index?.seek(Math.max(0, (request.from ?? 1) - 1 - base)) ?? { after: firstSeq - 1, line: 0 };
      let held = index?.lines ?? 0;
      const counted = async function* () {
        for await (const [event, line] of numbered(subject, start.after, base + start.line + 1)) {
          if (!index) held += countLines(event);
          yield [event, line] as [ExecutionEvent, number];
        }
      };
      const { ranges, marks, matched } = await searchLog(counted(), request);
      const left = index ? 0 : baseOf(subject, held);
      return {
        execution: id,
        ranges: ranges.map(([from, to]): [number, number] => [from + left, to + left]),
        ...(request.marks && { marks: marks.map(([line, ...ends]) => [line + left, ...ends] as Mark) }),
        matched,
        total: base + left + held,
        seq,
      };
    },

    forget: (id) => void indexes.delete(id),

    async *text(subject) {
      let piece = '';
      for await (const [event, first] of numbered(subject, subject.firstSeq - 1, 1)) {
        for (const { text } of linesOf(event, first)) piece += `${text}\n`;
        if (piece.length < PIECE_CHARS) continue;
        yield piece;
        piece = '';
      }
      if (piece !== '') yield piece;
    },

    async timeline(subject) {
      const { id, seq } = subject;
      const index = await indexOf(subject);
      const base = baseOf(subject, index.lines);
      return {
        execution: id,
        steps: [...index.steps].map(([step, line]) => ({ step, line: base + line + 1 })),
        pauses: index.pauses.map(([from, to]) => [from, to ?? null]),
        samples: index.samples.map((sample) => [...sample]),
        total: base + index.lines,
        seq,
      };
    },
  };
}

/** Lines that have left the journal. */
function baseOf({ lines }: LogSubject, held: number): number {
  return Math.max(0, lines - held);
}

function createPage(count: number, whole: boolean) {
  const lines: LogLine[] = [];
  let chars = 0;
  return {
    lines,
    /** False when the page is full, and the line is not on it. */
    add(line: LogLine): boolean {
      const shown = whole ? line : cutLine(line);
      chars += shown.text.length + (shown.detail?.length ?? 0);
      if (lines.length >= count || (chars > PAGE_CHARS && lines.length > 0)) return false;
      lines.push(shown);
      return true;
    },
  };
}
