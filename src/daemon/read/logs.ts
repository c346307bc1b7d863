/** Logs of executions by line numbers, read from the journal: pages, search, and the lines of steps. */
import type { ExecutionEvent } from '../../core/events/event.js';
import type { LogLine } from '../../core/events/log.js';
import { countLines, cutLine, linesOf } from '../../core/events/log.js';
import { evictOldest } from '../../core/base/evict.js';
import type { JournalSource } from '../../journal/reader.js';
import { readJournal, readLast } from '../../journal/reader.js';
import type { Replies } from '../../api/messages.js';
import { REQUESTS } from '../../api/requests.js';
import { LogIndex } from './log-index.js';
import type { LogSearch } from './log-search.js';
import { searchLog } from './log-search.js';

/** An execution whose log is read, as of `seq`. */
export interface LogSubject {
  id: string;
  firstSeq: number;
  /** Lines of its log so far. */
  lines: number;
  seq: number;
}

export interface LogRequest {
  /** The first line wanted, counted from 1. */
  from?: number | undefined;
  /** Number of newest lines wanted, where `from` is absent. */
  last?: number | undefined;
  limit?: number | undefined;
  /** Long lines are not cut. @default false */
  untruncated?: boolean | undefined;
}

/** Bound of one page; a client asks for the rest from where the page ends. */
const PAGE_CHARS = 1024 * 1024;
/** Size of one write of a whole log. */
const PIECE_CHARS = 64 * 1024;
/** Executions with an index in memory; the one used least recently is evicted. */
const MAX_INDEXES = 32;
/** Events to read from the end of a log at first: some hold hundreds of lines, others none, so the number grows. */
const FIRST_TAIL_EVENTS = 32;
const MAX_TAIL_EVENTS = 20_000;
/** Lines that are read without an index to find a page near either end. */
const NEAR_LINES = 10_000;

type Mark = [line: number, start: number, end: number];
type NumberedEvent = [event: ExecutionEvent, firstLine: number];

export class Logs {
  readonly #source: JournalSource;
  readonly #indexes = new Map<string, LogIndex>();

  constructor(source: JournalSource) {
    this.#source = source;
  }

  async page(subject: LogSubject, { from, last, limit, untruncated = false }: LogRequest): Promise<Replies['log']> {
    const page = new LogPage(last ?? limit ?? REQUESTS.log.fields.limit.default, untruncated);
    const lines = from === undefined ? await this.#readTail(subject, page) : await this.#readPage(subject, from, page);
    return {
      execution: subject.id,
      lines,
      total: Math.max(subject.lines, lines.at(-1)?.line ?? 0),
      seq: subject.seq,
    };
  }

  async search(subject: LogSubject, request: LogSearch): Promise<Replies['search']> {
    const { id, firstSeq, seq } = subject;
    const isPart = request.from !== undefined || request.to !== undefined;
    // the number of lines that have left the journal is known from the index, or else at the end
    const index = isPart ? await this.#indexOf(subject) : undefined;
    const base = index ? baseOf(subject, index.lines) : 0;
    const start = index?.seek(Math.max(0, (request.from ?? 1) - 1 - base)) ?? { after: firstSeq - 1, line: 0 };
    const counter = { lines: index?.lines ?? 0 };
    const events = this.#numbered(subject, start.after, base + start.line + 1);
    const { ranges, marks, matched } = await searchLog(index ? events : counting(events, counter), request);
    const left = index ? 0 : baseOf(subject, counter.lines);
    return {
      execution: id,
      ranges: ranges.map(([from, to]): [number, number] => [from + left, to + left]),
      ...(request.marks && { marks: marks.map(([line, ...ends]) => [line + left, ...ends] as Mark) }),
      matched,
      total: base + left + counter.lines,
      seq,
    };
  }

  async timeline(subject: LogSubject): Promise<Replies['timeline']> {
    const { id, seq } = subject;
    const index = await this.#indexOf(subject);
    const base = baseOf(subject, index.lines);
    return {
      execution: id,
      steps: [...index.steps].map(([step, line]) => ({ step, line: base + line + 1 })),
      pauses: index.pauses.map(([from, to]) => [from, to ?? null]),
      samples: index.samples.map((sample) => [...sample]),
      total: base + index.lines,
      seq,
    };
  }

  /** Reads the whole log as text, in pieces. */
  async *text(subject: LogSubject): AsyncGenerator<string> {
    let piece = '';
    for await (const [event, first] of this.#numbered(subject, subject.firstSeq - 1, 1)) {
      for (const { text } of linesOf(event, first)) piece += `${text}\n`;
      if (piece.length < PIECE_CHARS) continue;
      yield piece;
      piece = '';
    }
    if (piece !== '') yield piece;
  }

  /** Drops the index of an execution whose events are removed. */
  forget(id: string): void {
    this.#indexes.delete(id);
  }

  async #indexOf({ id, firstSeq, seq }: LogSubject): Promise<LogIndex> {
    const indexes = this.#indexes;
    const index = indexes.get(id) ?? new LogIndex(this.#source, id, firstSeq);
    indexes.delete(id);
    indexes.set(id, index);
    evictOldest(indexes, MAX_INDEXES);
    await index.readThrough(seq);
    return index;
  }

  /** Events of an execution after `after`, each with the number of its first line; `line` is that of the first event. */
  async *#numbered({ id, seq }: LogSubject, after: number, line: number): AsyncGenerator<NumberedEvent> {
    let next = line;
    for await (const part of readJournal(this.#source, { after, through: seq, execution: id })) {
      if (!('events' in part)) continue;
      for (const event of part.events) {
        yield [event, next];
        next += countLines(event);
      }
    }
  }

  /** Pages near either end need no index: to read all of a long log for one takes seconds. */
  async #readPage(subject: LogSubject, from: number, page: LogPage): Promise<LogLine[]> {
    if (!this.#indexes.has(subject.id)) {
      if (subject.lines - from < NEAR_LINES && (await this.#readNearEnd(subject, from, page))) return page.lines;
      if (from < NEAR_LINES && (await this.#readNearStart(subject, from, page))) return page.lines;
    }
    const index = await this.#indexOf(subject);
    const base = baseOf(subject, index.lines);
    const start = index.seek(Math.max(0, from - 1 - base));
    await addFrom(page, from, this.#numbered(subject, start.after, base + start.line + 1));
    return page.lines;
  }

  /** @returns false if lines have left the journal, so that the number of the first one is unknown */
  async #readNearStart(subject: LogSubject, from: number, page: LogPage): Promise<boolean> {
    let isFirst = true;
    for await (const one of this.#numbered(subject, subject.firstSeq - 1, 1)) {
      if (isFirst && one[0].seq !== subject.firstSeq) return false;
      isFirst = false;
      if (!addEvent(page, from, one)) break;
    }
    return !isFirst;
  }

  /** @returns false if the line is further from the end than is read, or has left the journal */
  async #readNearEnd(subject: LogSubject, from: number, page: LogPage): Promise<boolean> {
    const lines = await this.#newestLines(subject, Math.max(0, subject.lines - from + 1));
    if ((lines[0]?.line ?? Infinity) > from) return false;
    lines.every((line) => line.line < from || page.add(line));
    return true;
  }

  /** Reads the end of a log. */
  async #readTail(subject: LogSubject, page: LogPage): Promise<LogLine[]> {
    const lines = await this.#newestLines(subject, page.maxLines);
    // from the end, so that lines that do not fit are missing at the beginning
    for (const line of lines.reverse()) if (!page.add(line)) break;
    return page.lines.reverse();
  }

  /** Returns the newest lines: at least `count`, if there are. The fold has counted them, so their numbers are known. */
  async #newestLines({ id, lines: total, seq }: LogSubject, count: number): Promise<LogLine[]> {
    for (let events = FIRST_TAIL_EVENTS; ; events *= 4) {
      const tail = await readLast(this.#source, events, { execution: id }, seq);
      const lines = tail.events.reduce((sum, event) => sum + countLines(event), 0);
      const isAll = tail.events.length < events || events >= MAX_TAIL_EVENTS;
      if (lines < count && !isAll) continue;
      let next = Math.max(total, lines) - lines + 1;
      return tail.events.flatMap((event) => {
        const own = linesOf(event, next);
        next += countLines(event);
        return own;
      });
    }
  }
}

async function addFrom(page: LogPage, from: number, events: AsyncIterable<NumberedEvent>): Promise<void> {
  for await (const one of events) if (!addEvent(page, from, one)) return;
}

/** @returns false when the page is full */
function addEvent(page: LogPage, from: number, [event, line]: NumberedEvent): boolean {
  return linesOf(event, line).every((one) => one.line < from || page.add(one));
}

/** Number of lines that have left the journal. */
function baseOf({ lines }: LogSubject, held: number): number {
  return Math.max(0, lines - held);
}

async function* counting(
  events: AsyncIterable<NumberedEvent>,
  counter: { lines: number },
): AsyncGenerator<NumberedEvent> {
  for await (const one of events) {
    counter.lines += countLines(one[0]);
    yield one;
  }
}

/** Lines up to a number of lines and of characters. */
class LogPage {
  readonly maxLines: number;
  readonly lines: LogLine[] = [];
  readonly #isWhole: boolean;
  #chars = 0;

  constructor(maxLines: number, isWhole: boolean) {
    this.maxLines = maxLines;
    this.#isWhole = isWhole;
  }

  /** Adds a line. Returns false when the page is full and the line is not on it. */
  add(line: LogLine): boolean {
    const shown = this.#isWhole ? line : cutLine(line);
    this.#chars += shown.text.length + (shown.detail?.length ?? 0);
    if (this.lines.length >= this.maxLines || (this.#chars > PAGE_CHARS && this.lines.length > 0)) return false;
    this.lines.push(shown);
    return true;
  }
}
