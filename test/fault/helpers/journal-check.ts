/** Reads the files of the journal without the code under test, and checks its invariants. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Test } from 'tap';

export interface Stored {
  seq: number;
  time: string;
  type: string;
  execution?: string;
  source?: string;
  n?: number;
  data: Record<string, unknown>;
}

const SEGMENT = /^(\d+)\.jsonl(\.gz)?$/;

/** Segments by their first seq; a compressed one only if the plain one is removed. */
function segmentFiles(directory: string): string[] {
  const names = new Map<number, string>();
  for (const name of readdirSync(directory).sort().reverse()) {
    const first = SEGMENT.exec(name)?.[1];
    if (first !== undefined) names.set(Number(first), name); // the plain one sorts first, so it comes last here
  }
  return [...names].sort(([a], [b]) => a - b).map(([, name]) => path.join(directory, name));
}

/** Every event, in the order of the files. Fails if a line is not a whole event. */
export function readFiles(t: Test, directory: string): Stored[] {
  const events: Stored[] = [];
  for (const file of segmentFiles(directory)) {
    const bytes = readFileSync(file);
    const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
    if (text !== '' && !text.endsWith('\n')) t.fail(`${file} ends in the middle of a line`);
    for (const line of text.split('\n').slice(0, -1)) {
      try {
        events.push(JSON.parse(line) as Stored);
      } catch {
        t.fail(`${file} holds a torn line: ${line.slice(0, 80)}`);
      }
    }
  }
  return events;
}

/** Checks that seq strictly increases over all segments, and that each (source, n) occurs once. Returns the events. */
export function checkJournal(t: Test, directory: string): Stored[] {
  const events = readFiles(t, directory);
  const seen = new Set<string>();
  let last = 0;
  let disorder = 0;
  let repeated = 0;
  for (const { seq, source, n } of events) {
    if (seq <= last) disorder++;
    last = seq;
    if (source === undefined || n === undefined) continue;
    const key = `${source} ${n}`;
    if (seen.has(key)) repeated++;
    seen.add(key);
  }
  t.equal(disorder, 0, 'seq strictly increases over all segments');
  t.equal(repeated, 0, 'no (source, n) is in the journal twice');
  return events;
}

/** The counters of a source, in the order of the journal. */
export function countersOf(events: readonly Stored[], source: string): number[] {
  return events.flatMap((event) => (event.source === source && event.n !== undefined ? [event.n] : []));
}

/** Checks that all events up to `acked` are there in order, and that the later ones have no hole. */
export function checkSource(
  t: Test,
  events: readonly Stored[],
  { source, acked }: { source: string; acked: number },
): void {
  const counters = countersOf(events, source);
  const wrong = counters.findIndex((n, index) => n !== index);
  t.equal(wrong, -1, `the events of ${source} are there in their order, without a hole`);
  t.ok(counters.length > acked, `every acknowledged event of ${source} is there (${counters.length} of ${acked + 1})`);
}
