/** Where in the journal the lines of one execution's log are, and what its timeline needs: one pass, then only news. */
import type { ExecutionEvent } from '../../core/event.js';
import { EXECUTION_ENDS, numberOf } from '../../core/event.js';
import { countLines } from '../../core/log.js';
import type { JournalSource } from '../../journal/reader.js';
import { readJournal } from '../../journal/reader.js';

/** Resources at one moment: milliseconds since 1970, percent of one core, bytes. */
export type Sample = readonly [at: number, cpu: number, rss: number];

export interface LogIndex {
  /** Lines that the journal holds, up to `through`. */
  readonly lines: number;
  readonly through: number;
  /** For each step the line, counted from 0 over what the journal holds, where it began last. */
  readonly steps: ReadonlyMap<string, number>;
  /** At most MAX_SAMPLES, evenly thinned out. */
  readonly samples: readonly Sample[];
  /** From when to when it was paused, in milliseconds since 1970; the last one may be open. */
  readonly pauses: readonly (readonly [from: number, to?: number])[];
  /** Takes up what was written up to `seq`. */
  readThrough(seq: number): Promise<void>;
  /** The seq behind which to read for that line, and the line, counted from 0, that the next event begins with. */
  seek(line: number): { after: number; line: number };
}

/** Between two marks at least; finding a line reads so many lines too many. */
const MARK_LINES = 512;
const MAX_SAMPLES = 600;
const MAX_STEPS = 10_000;
const MAX_PAUSES = 1_000;

export function createLogIndex(source: JournalSource, execution: string, firstSeq: number): LogIndex {
  let through = firstSeq - 1;
  let lines = 0;
  const marks = [{ line: 0, after: through }];
  const steps = new Map<string, number>();
  const pauses: [from: number, to?: number][] = [];
  let samples: Sample[] = [];
  /** Of so many events one sample is made. */
  let stride = 1;
  let gathered: Sample[] = [];
  let reading: Promise<void> = Promise.resolve();

  const addSample = (sample: Sample) => {
    gathered.push(sample);
    if (gathered.length < stride) return;
    samples.push(merge(gathered));
    gathered = [];
    if (samples.length <= MAX_SAMPLES) return;
    samples = samples.flatMap((one, index) => (index % 2 === 0 ? [merge(samples.slice(index, index + 2))] : []));
    stride *= 2;
  };

  const take = (event: ExecutionEvent) => {
    const { type, data, step, seq } = event;
    const count = countLines(event);
    const last = marks.at(-1);
    if (count > 0 && last && lines - last.line >= MARK_LINES) marks.push({ line: lines, after: seq - 1 });
    if (type === 'step_started' && step !== undefined && steps.size < MAX_STEPS) steps.set(step, lines);
    if (type === 'resource_update') {
      addSample([Date.parse(event.time), numberOf(data, 'cpu') ?? 0, numberOf(data, 'rss') ?? 0]);
    }
    const pause = pauses.at(-1);
    const isPaused = pause !== undefined && pause[1] === undefined;
    if (type === 'execution_paused' && !isPaused && pauses.length < MAX_PAUSES) pauses.push([Date.parse(event.time)]);
    if (isPaused && (type === 'execution_resumed' || Object.hasOwn(EXECUTION_ENDS, type)))
      pause[1] = Date.parse(event.time);
    lines += count;
    through = seq;
  };

  const read = async (seq: number) => {
    if (seq <= through) return;
    for await (const part of readJournal(source, { after: through, through: seq, execution })) {
      if ('events' in part) part.events.forEach(take);
    }
    through = seq;
  };

  return {
    steps,
    pauses,
    get lines() {
      return lines;
    },
    get through() {
      return through;
    },
    get samples() {
      return samples;
    },
    async readThrough(seq) {
      reading = reading.then(() => read(seq));
      const done = reading;
      // one that fails leaves the next to try again
      reading = done.catch(() => undefined);
      await done;
    },
    seek(line) {
      return marks.findLast((mark) => mark.line <= line) ?? { line: 0, after: firstSeq - 1 };
    },
  };
}

/** The mean of what was used, the most of what was held. */
function merge(samples: readonly Sample[]): Sample {
  const middle = samples[Math.floor(samples.length / 2)]?.[0] ?? 0;
  const cpu = samples.reduce((sum, sample) => sum + sample[1], 0) / Math.max(1, samples.length);
  return [middle, cpu, Math.max(...samples.map((sample) => sample[2]))];
}
