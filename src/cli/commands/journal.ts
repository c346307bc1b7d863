/** `progress journal`: verifies and measures the journal. Only reads, and needs no daemon. */
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { formatBytes } from '../../core/text/format.js';
import { errnoOf, ProgressError } from '../../core/base/errors.js';
import { statIfThere } from '../../journal/disk.js';
import { isMissing, listSegments, segmentName, segmentPath } from '../../journal/layout.js';
import { openSource, readJournal, readLast } from '../../journal/reader.js';
import { OpenSegment } from '../../journal/source.js';
import { type JournalReport, verifyJournal } from '../../journal/verify.js';
import { defineCommand } from '../command.js';
import { JSON_OPTION } from '../options.js';
import { print, printLines } from '../shared/output.js';
import { gapText } from '../shared/stream-errors.js';

const ACTIONS = ['verify', 'stat'] as const;
const DAMAGED_STATUS = 65;
const NEWLINE = 10;

export const command = defineCommand({
  verb: 'journal',
  describe: 'Verify and measure the journal',
  positionals: { action: { choices: ACTIONS, required: true, describe: 'Action' } },
  options: JSON_OPTION,
  async run({ action, json = false }, { paths }) {
    try {
      return await (action === 'verify' ? verify : stat)(paths.journal, json);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      throw new ProgressError('journal_failed', `cannot read the journal: ${(error as Error).message}`, {
        cause: error,
      });
    }
  },
});

/** Bytes that are not an event. */
interface Damage {
  file: string;
  /** Counted from 1; unknown in a compressed file. */
  line?: number;
  offset: number;
  bytes: number;
}

async function verify(directory: string, json: boolean): Promise<number> {
  const report = await verifyJournal(directory);
  const damage = await Promise.all(report.damage.map((range) => locate(directory, range)));
  // events that retention removed are not a loss
  const lost = report.gaps.filter(({ why }) => why !== 'retention');
  const whole = damage.length === 0 && lost.length === 0 && report.unreadable.length === 0;
  if (json) {
    await print(`${JSON.stringify({ directory, whole, ...report, damage }, undefined, 2)}\n`);
  } else {
    await printLines([
      ...damage.map(({ file, line, offset, bytes }) =>
        line === undefined
          ? `${file}: ${bytes} bytes from byte ${offset} on are damaged`
          : `${file}:${line}: ${bytes} bytes are not an event, or are out of order`,
      ),
      ...report.unreadable.map(({ reason }) => reason),
      ...lost.filter(({ reason }) => reason === undefined).map(gapText),
      `${totals(report)}: ${whole ? 'intact' : 'DAMAGED'}`,
    ]);
  }
  return whole ? 0 : DAMAGED_STATUS;
}

function totals({ segments, compressed, events, bytes }: JournalReport): string {
  return `${segments} segments (${compressed} compressed), ${events} events, ${formatBytes(bytes)}`;
}

async function locate(directory: string, { segment, ...range }: JournalReport['damage'][number]): Promise<Damage> {
  const file = segmentPath(directory, segment, 'plain');
  if (await statIfThere(file)) return { file, line: await lineAt(file, range.offset), ...range };
  return { file: path.join(directory, segmentName(segment, 'gzip')), ...range };
}

async function lineAt(file: string, offset: number): Promise<number> {
  let line = 1;
  if (offset === 0) return line;
  for await (const chunk of createReadStream(file, { end: offset - 1 }) as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) line++;
  }
  return line;
}

async function stat(directory: string, json: boolean): Promise<number> {
  const found = await measure(directory);
  if (json) {
    await print(`${JSON.stringify({ directory, ...found }, undefined, 2)}\n`);
    return 0;
  }
  const { segments, compressed, events, bytes, first, last } = found;
  const show = (position: Position | null) => (position ? `${position.seq}  ${position.time}` : '-');
  await printLines([
    `journal   ${directory}`,
    `segments  ${segments}, ${compressed} compressed`,
    `events    ${events}`,
    `size      ${formatBytes(bytes)}`,
    `first     ${show(first)}`,
    `last      ${show(last)}`,
  ]);
  return 0;
}

interface Position {
  seq: number;
  time: string;
}

interface Measured {
  segments: number;
  compressed: number;
  events: number;
  /** Bytes on disk, of compressed segments those of the compressed file. */
  bytes: number;
  first: Position | null;
  last: Position | null;
}

/** Measures the journal by its indexes, so that a large one takes no time. */
async function measure(directory: string): Promise<Measured> {
  const source = openSource(directory);
  const found = { segments: 0, compressed: 0, events: 0, bytes: 0 };
  const segments = await listSegments(directory);
  for (const [at, segment] of segments.entries()) {
    const opened = isMissing(segment) ? undefined : await OpenSegment.open(source, segment, segments[at + 1]);
    if (!opened) continue; // retention has just removed it
    await opened.close();
    const plain = await statIfThere(segmentPath(directory, segment.first, 'plain'));
    const gzip = plain ? undefined : await statIfThere(segmentPath(directory, segment.first, 'gzip'));
    found.segments++;
    if (gzip) found.compressed++;
    found.bytes += (plain ?? gzip)?.size ?? 0;
    found.events += opened.index.lines;
  }
  const last = (await readLast(source, 1, {})).events[0];
  return { ...found, first: await readFirst(directory), last: last ? positionOf(last) : null };
}

async function readFirst(directory: string): Promise<Position | null> {
  for await (const part of readJournal(openSource(directory))) {
    const event = 'events' in part ? part.events[0] : undefined;
    if (event) return positionOf(event);
  }
  return null;
}

function positionOf({ seq, time }: Position): Position {
  return { seq, time };
}
