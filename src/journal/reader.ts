/** Reads the journal from its files: without a daemon, next to a running one, and inside it. */
import type { ExecutionEvent } from '../core/events/event.js';
import type { Filter } from '../core/events/filter.js';
import { matches } from '../core/events/filter.js';
import { ProgressError } from '../core/base/errors.js';
import type { Gap } from '../api/messages.js';
import { statIfThere } from './disk.js';
import { listSegments, SEQ_LIMIT, segmentPath, type SegmentEntry } from './layout.js';
import type { Batch } from './lines.js';
import { readRemovedThrough } from './manifest.js';
import { allOf, between, containing, type LineSearch } from './search.js';
import { type JournalSource, retryOpen, OpenSegment } from './source.js';
import { NewestEvents } from './tail.js';

export { type JournalSource, openSource } from './source.js';

export interface ReadOptions {
  /** Events with a higher seq than this are wanted. */
  after?: number | undefined;
  through?: number | undefined;
  execution?: string | undefined;
  /** Events from `since` on and before `until`, RFC 3339 in UTC. */
  since?: string | undefined;
  until?: string | undefined;
  /** Lines that it does not match may be skipped; the caller still filters. */
  search?: LineSearch | undefined;
}

export type SegmentPart = Batch | { gap: Gap };

interface Range {
  after: number;
  through: number;
  execution: string | undefined;
  since: string;
  until: string;
  search: LineSearch | undefined;
  within: LineSearch | undefined;
}

/**
 * Reads events in order, each once, in chunks of about a block, up to what is written when it gets there; gaps where
 * events are known to be lost.
 */
export async function* readJournal(source: JournalSource, options: ReadOptions = {}): AsyncGenerator<SegmentPart> {
  const { through = SEQ_LIMIT, execution, since = '', until = '~' } = options;
  const wanted = { through, execution, since, until, search: searchOf(options), within: withinOf(options) };
  let position = options.after ?? 0;
  let finished = 0; // the newest segment that was read to its end
  let oldest: number | undefined;
  for (let misses = 0; position < through;) {
    const segments = await listSegments(source.directory);
    if (segments[0]?.first !== oldest || oldest === undefined) {
      oldest = segments[0]?.first;
      const removed = await findRemoved(source, oldest, { ...wanted, after: position });
      if (removed !== undefined) yield { gap: removed };
      position = removed?.to ?? position;
    }
    const at = findNext(segments, position, finished);
    const segment = segments[at];
    const next = segments[at + 1];
    if (segment === undefined || segment.first > through) return;
    const opened = await OpenSegment.open(source, segment, next);
    if (opened === undefined) {
      await retryOpen(segment, ++misses);
      continue;
    }
    misses = 0;
    for await (const part of readSegment(opened, { ...wanted, after: position }, next)) {
      yield part;
      position = 'gap' in part ? part.gap.to : (part.events.at(-1)?.seq ?? position);
    }
    // a segment without a successor may have grown since it was read
    if (next === undefined) return;
    finished = segment.first;
  }
}

export interface Newest extends Batch {
  /** What could not be read, oldest first. */
  gaps: Gap[];
}

/** Reads the newest `count` events that pass the filter and are wanted, oldest first. */
export async function readLast(
  source: JournalSource,
  count: number,
  filter: Filter,
  through: number = SEQ_LIMIT,
  isWanted: (event: ExecutionEvent) => boolean = () => true,
): Promise<Newest> {
  for (let misses = 1; ; misses++) {
    const tail = new NewestEvents(
      count,
      (event) => matches(filter, event) && isWanted(event),
      filter.execution,
      through,
    );
    const gaps: Gap[] = [];
    const gone = await readBackwards(source, tail, { execution: filter.execution, through }, gaps);
    if (gone === undefined) return { ...tail.batch(), gaps };
    await retryOpen(gone, misses);
  }
}

/** @returns the seq before the first event of this time or later; the newest seq when there is none */
export async function seqAtTime(source: JournalSource, time: string): Promise<number> {
  const wanted = Date.parse(time);
  if (Number.isNaN(wanted))
    throw new ProgressError('bad_request', `not a time: ${time}; write it as 2026-11-20T12:00:00Z`);
  const segments = await listSegments(source.directory);
  for (const [at, segment] of segments.entries()) {
    const next = segments[at + 1];
    // a segment that was last written to before that time holds no later event
    if (next !== undefined && (await lastWrite(source, segment)) < wanted) continue;
    const opened = await OpenSegment.open(source, segment, next);
    const seq = opened && (await using(opened, () => findTime(opened, new Date(wanted).toISOString())));
    if (seq !== undefined) return seq - 1;
    if (opened !== undefined && next === undefined) return Math.max(opened.last, segment.first - 1);
  }
  return 0;
}

/** Finds IDs of executions by a prefix, in the order in which they appear. */
export async function findExecutions(source: JournalSource, prefix: string): Promise<string[]> {
  const found = new Set<string>();
  const segments = await listSegments(source.directory);
  for (const [at, segment] of segments.entries()) {
    const opened = await OpenSegment.open(source, segment, segments[at + 1]);
    await opened?.close();
    for (const id of opened?.index.executions() ?? []) if (id.startsWith(prefix)) found.add(id);
  }
  return [...found];
}

/** Finds the newest segment that can hold the next event, or the oldest one, but none that was read before. */
function findNext(segments: SegmentEntry[], position: number, finished: number): number {
  const holding = segments.findLastIndex((segment) => segment.first <= position + 1);
  const unread = segments.findIndex((segment) => segment.first > finished);
  return unread === -1 ? segments.length : Math.max(holding, unread);
}

/** @returns the gap that retention left between the position and the oldest segment */
async function findRemoved(source: JournalSource, oldest: number | undefined, range: Range): Promise<Gap | undefined> {
  const kept = oldest ?? SEQ_LIMIT;
  if (kept <= range.after + 1) return undefined;
  const removed = await readRemovedThrough(source.directory);
  return lostPart(1, Math.min(removed, kept - 1), range, 'retention');
}

async function* readSegment(segment: OpenSegment, range: Range, next?: SegmentEntry): AsyncGenerator<SegmentPart> {
  try {
    yield* readBlocks(segment, range);
    const lost = segment.isUnreadable
      ? unreadablePart(segment, range, next)
      : segment.isMissing
        ? missingPart(segment, range)
        : cutPart(segment, range);
    if (lost !== undefined) yield { gap: lost };
  } finally {
    await segment.close();
  }
}

/** Gap of an unreadable segment; without an index up to its successor, or to the end that was requested. */
function unreadablePart(
  segment: OpenSegment,
  range: Pick<Range, 'after' | 'through' | 'execution'>,
  next: SegmentEntry | undefined,
): Gap | undefined {
  const { index, failure } = segment;
  if (index.blocks > 0 && index.blocksOf(range.execution).length === 0) return undefined;
  const end = range.through < SEQ_LIMIT ? range.through : index.first;
  return lostPart(index.first, index.last || (next ? next.first - 1 : end), range, 'damage', failure);
}

function missingPart({ index }: OpenSegment, range: Range): Gap | undefined {
  // the lost segment held no event of the execution
  if (index.blocks > 0 && index.blocksOf(range.execution).length === 0) return undefined;
  // lines that were written again after a failed sync have lower seqs than the name says
  return lostPart(Math.min(index.first, index.seqs[0] ?? index.first), index.last, range, 'missing');
}

function cutPart({ index, last }: OpenSegment, range: Range): Gap | undefined {
  return lostPart(Math.max(last + 1, index.first), index.lostThrough, range, 'damage');
}

async function* readBlocks(segment: OpenSegment, range: Range): AsyncGenerator<SegmentPart> {
  const { search, within } = range;
  let before = Math.min(segment.index.first, segment.firstSeq(0)) - 1;
  let following = 0; // the block that follows `before`
  for await (const [block, lines] of segment.readBlocks(blocksIn(segment, range))) {
    const first = segment.firstSeq(block);
    const after = segment.seqAfter(block);
    if (block !== following) before = first - 1;
    const parts = new Parts(range);
    const last = lines && segment.decode(block, lines, { ...range, before, search, within }, parts);
    if (last === undefined) parts.gap(lostPart(first, after - 1, range, 'damage', segment.failure));
    yield* parts.list;
    before = last ?? after - 1;
    following = block + 1;
  }
}

function blocksIn(segment: OpenSegment, { execution, after, through, since }: Range): number[] {
  return segment
    .blocksOf(execution)
    .filter((block) => segment.seqAfter(block) > after + 1 && segment.firstSeq(block) <= through)
    .filter((block) => (segment.index.times[block] ?? since) >= since);
}

function searchOf({ execution, search }: ReadOptions): LineSearch | undefined {
  if (execution === undefined) return search;
  const named = containing(JSON.stringify(execution));
  return search ? allOf([search, named]) : named;
}

function withinOf({ since, until }: ReadOptions): LineSearch | undefined {
  return since === undefined && until === undefined ? undefined : between(since, until);
}

function lostPart(
  first: number,
  last: number,
  { after, through }: Pick<Range, 'after' | 'through'>,
  why: Gap['why'],
  reason?: string,
): Gap | undefined {
  const gap = { from: Math.max(first, after + 1), to: Math.min(last, through), why, ...(reason && { reason }) };
  return gap.from <= gap.to ? gap : undefined;
}

/** Events and gaps of one block, in order. */
class Parts {
  readonly list: SegmentPart[] = [];
  readonly #range: Range;
  #batch: Batch | undefined;

  constructor(range: Range) {
    this.#range = range;
  }

  event(event: ExecutionEvent, line: string): void {
    const { execution, since, until } = this.#range;
    if (execution !== undefined && event.execution !== execution) return;
    if (event.time < since || event.time >= until) return;
    if (this.#batch === undefined) this.list.push((this.#batch = { events: [], lines: [] }));
    this.#batch.events.push(event);
    this.#batch.lines.push(line);
  }

  gap(gap: Gap | undefined): void {
    if (gap !== undefined) this.list.push({ gap });
    this.#batch = undefined;
  }
}

/** @returns a segment that was removed before it could be read */
async function readBackwards(
  source: JournalSource,
  tail: NewestEvents,
  wanted: Pick<Range, 'execution' | 'through'>,
  gaps: Gap[],
): Promise<SegmentEntry | undefined> {
  const segments = await listSegments(source.directory);
  for (const [at, segment] of [...segments.entries()].reverse()) {
    if (tail.isFull) return undefined;
    const opened = await OpenSegment.open(source, segment, segments[at + 1]);
    if (opened === undefined) return segment;
    await using(opened, () => tail.readSegment(opened));
    const gap = opened.isUnreadable && unreadablePart(opened, { after: 0, ...wanted }, segments[at + 1]);
    if (gap) gaps.unshift(gap);
  }
  return undefined;
}

async function using<T>(segment: OpenSegment, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } finally {
    await segment.close();
  }
}

/** @returns the time of the oldest event in Unix milliseconds; undefined when there is none */
export async function firstEventTime(source: JournalSource): Promise<number | undefined> {
  for await (const part of readJournal(source)) {
    if ('events' in part && part.events[0]) return Date.parse(part.events[0].time);
  }
  return undefined;
}

/** @returns the time of the last write in Unix milliseconds; undefined if there was none */
export async function lastWriteTime(source: JournalSource): Promise<number | undefined> {
  const newest = (await listSegments(source.directory)).at(-1);
  return newest && (await lastWrite(source, newest));
}

async function lastWrite({ directory }: JournalSource, { first }: SegmentEntry): Promise<number> {
  const stat =
    (await statIfThere(segmentPath(directory, first, 'plain'))) ??
    (await statIfThere(segmentPath(directory, first, 'gzip')));
  return stat?.mtimeMs ?? 0;
}

/** @returns the seq of the first event of this time or later */
async function findTime(segment: OpenSegment, time: string): Promise<number | undefined> {
  let found: number | undefined;
  for (const block of segment.blocksOf(undefined)) {
    if ((segment.index.times[block] ?? '') < time) continue;
    const range = { before: segment.firstSeq(block) - 1, after: 0, through: SEQ_LIMIT };
    await segment.decodeBlock(block, range, {
      event: (event) => {
        if (event.time >= time) found ??= event.seq;
      },
    });
    if (found !== undefined) return found;
  }
  return undefined;
}
