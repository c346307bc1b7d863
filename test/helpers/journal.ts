/** Journals for tests: batches to write, and reading them. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import type { ExecutionEvent, NewEvent } from '../../src/core/events/event.js';
import { type Batch, Journal, type JournalOptions } from '../../src/journal/journal.js';
import { type JournalSource, openSource, readJournal, type ReadOptions } from '../../src/journal/reader.js';
import type { Gap } from '../../src/api/messages.js';

/** Wall clock of test journals: the first seq of a fresh one is a thousand times this. */
export const CLOCK = 1_700_000_000_000;
export const FIRST_SEQ = CLOCK * 1_000;

type Draft = Partial<ExecutionEvent>;

/** `count` events from `seq` on; `shape` returns special fields of the one with a given index. */
export function makeBatch(seq: number, count: number, shape: (index: number) => Draft = () => ({})): Batch {
  const events = Array.from({ length: count }, (_, index): ExecutionEvent => {
    const time = new Date(CLOCK + index).toISOString();
    return {
      seq: seq + index,
      time,
      type: 'output',
      execution: 'build',
      data: { text: `line ${index}` },
      ...shape(index),
    };
  });
  return { events, lines: events.map((event) => JSON.stringify(event)) };
}

/** Writes `count` events and returns their seqs. */
export async function writeEvents(
  journal: Journal,
  count: number,
  shape?: (index: number) => Draft,
): Promise<number[]> {
  const batch = makeBatch(journal.nextSeq, count, shape);
  await journal.write(batch);
  return batch.events.map(({ seq }) => seq);
}

export interface TestJournal {
  journal: Journal;
  directory: string;
  notes: NewEvent[];
  logs: string[];
}

export type Overrides = Partial<JournalOptions>;

/** A directory that is removed when the test has ended and everything in it is closed. */
export function makeDirectory(t: Pick<Test, 'teardown'>): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'progress-journal-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Options with which a journal never rotates, retains everything, and syncs at intervals. */
export const UNLIMITED = {
  segmentBytes: 2 ** 40,
  segmentMs: 2 ** 40,
  retainBytes: 2 ** 50,
  retainMs: 2 ** 50,
  sync: 'interval',
} as const;

/** Opens an unlimited journal, apart from `overrides`. It is closed when the test ends. */
export async function openJournal(t: Test, overrides: Overrides = {}): Promise<TestJournal> {
  const directory = overrides.directory ?? makeDirectory(t);
  const notes: NewEvent[] = [];
  const logs: string[] = [];
  const journal = await Journal.open({
    ...UNLIMITED,
    directory,
    now: () => CLOCK,
    note: (event) => notes.push(event),
    log: (message) => logs.push(message),
    ...overrides,
  });
  t.teardown(() => journal.close());
  return { journal, directory, notes, logs };
}

export interface Contents {
  events: ExecutionEvent[];
  lines: string[];
  seqs: number[];
  gaps: Gap[];
}

export async function readAll(source: JournalSource | string, options?: ReadOptions): Promise<Contents> {
  const contents: Contents = { events: [], lines: [], seqs: [], gaps: [] };
  for await (const part of readJournal(typeof source === 'string' ? openSource(source) : source, options)) {
    if ('gap' in part) contents.gaps.push(part.gap);
    else {
      contents.events.push(...part.events);
      contents.lines.push(...part.lines);
    }
  }
  contents.seqs = contents.events.map(({ seq }) => seq);
  return contents;
}

/** The whole numbers from one to the other. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** Names in the directory with this ending, sorted. */
export function filesOf(directory: string, suffix: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(suffix))
    .sort();
}

/** Closes it, then removes what a clean stop writes and a kill does not. */
export async function crash({ journal, directory }: TestJournal): Promise<void> {
  const newest = filesOf(directory, '.jsonl').findLast((name) => name !== 'current.jsonl');
  await journal.close();
  rmSync(path.join(directory, 'clean.json'), { force: true });
  if (newest !== undefined) rmSync(path.join(directory, newest.replace('.jsonl', '.index.json')), { force: true });
}
