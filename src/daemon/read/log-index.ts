/**
 * Index of one execution's log: where in the journal its lines are, and what its timeline needs. It reads the journal
 * once, and then only what was added.
 */
import type { ExecutionEvent } from '../../core/events/event.js';
import { EXECUTION_ENDS, numberOf } from '../../core/events/event.js';
import { countLines } from '../../core/events/log.js';
import type { JournalSource } from '../../journal/reader.js';
import { readJournal } from '../../journal/reader.js';

/** Resource usage: Unix time in milliseconds, percent of one core, bytes. */
export type Sample = readonly [at: number, cpu: number, rss: number];

/** Least distance of two marks, and so the number of lines that are read in vain to find one. */
const MARK_LINES = 512;
const MAX_SAMPLES = 600;
const MAX_STEPS = 10_000;
const MAX_PAUSES = 1_000;

export class LogIndex {
  /** By step: the line where it began last, counted from 0 over what the journal holds. */
  readonly steps = new Map<string, number>();
  /** Intervals in Unix milliseconds; the last one may be open. */
  readonly pauses: [from: number, to?: number][] = [];
  readonly #source: JournalSource;
  readonly #execution: string;
  readonly #marks: { line: number; after: number }[];
  readonly #samples = new Samples();
  #lines = 0;
  #through: number;
  #reading: Promise<void> = Promise.resolve();

  constructor(source: JournalSource, execution: string, firstSeq: number) {
    this.#source = source;
    this.#execution = execution;
    this.#through = firstSeq - 1;
    this.#marks = [{ line: 0, after: this.#through }];
  }

  /** Lines that the journal holds, up to what was read. */
  get lines(): number {
    return this.#lines;
  }

  /** At most MAX_SAMPLES, evenly spread. */
  get samples(): readonly Sample[] {
    return this.#samples.all;
  }

  /** Reads what was written up to `seq`. */
  async readThrough(seq: number): Promise<void> {
    const done = this.#reading.then(() => this.#read(seq));
    // after a failure the next call reads again from there
    this.#reading = done.catch(() => undefined);
    await done;
  }

  /** The seq after which to read for a line, and the line, counted from 0, that the next event begins with. */
  seek(line: number): { after: number; line: number } {
    return this.#marks.findLast((mark) => mark.line <= line) ?? { line: 0, after: this.#marks[0]?.after ?? 0 };
  }

  async #read(seq: number): Promise<void> {
    if (seq <= this.#through) return;
    const range = { after: this.#through, through: seq, execution: this.#execution };
    for await (const part of readJournal(this.#source, range)) {
      if ('events' in part) for (const event of part.events) this.#take(event);
    }
    this.#through = seq;
  }

  #take(event: ExecutionEvent): void {
    const { type, data, step, seq, time } = event;
    const count = countLines(event);
    const last = this.#marks.at(-1);
    if (count > 0 && last && this.#lines - last.line >= MARK_LINES) {
      this.#marks.push({ line: this.#lines, after: seq - 1 });
    }
    if (type === 'step_started' && step !== undefined && this.steps.size < MAX_STEPS) this.steps.set(step, this.#lines);
    if (type === 'resource_update') {
      this.#samples.add([Date.parse(time), numberOf(data, 'cpu') ?? 0, numberOf(data, 'rss') ?? 0]);
    }
    this.#notePause(event);
    this.#lines += count;
    this.#through = seq;
  }

  #notePause({ type, time }: ExecutionEvent): void {
    const pause = this.pauses.at(-1);
    const isPaused = pause !== undefined && pause[1] === undefined;
    if (type === 'execution_paused' && !isPaused && this.pauses.length < MAX_PAUSES) {
      this.pauses.push([Date.parse(time)]);
    }
    if (isPaused && (type === 'execution_resumed' || Object.hasOwn(EXECUTION_ENDS, type))) pause[1] = Date.parse(time);
  }
}

/** Samples of any length of time in bounded memory: when there are too many, neighbours are merged. */
class Samples {
  #all: Sample[] = [];
  /** Number of given samples that make one. */
  #stride = 1;
  #gathered: Sample[] = [];

  get all(): readonly Sample[] {
    return this.#all;
  }

  add(sample: Sample): void {
    this.#gathered.push(sample);
    if (this.#gathered.length < this.#stride) return;
    const all = this.#all;
    all.push(merge(this.#gathered));
    this.#gathered = [];
    if (all.length <= MAX_SAMPLES) return;
    this.#all = all.flatMap((_one, index) => (index % 2 === 0 ? [merge(all.slice(index, index + 2))] : []));
    this.#stride *= 2;
  }
}

/** Mean CPU, highest memory. */
function merge(samples: readonly Sample[]): Sample {
  const middle = samples[Math.floor(samples.length / 2)]?.[0] ?? 0;
  const cpu = samples.reduce((sum, sample) => sum + sample[1], 0) / Math.max(1, samples.length);
  return [middle, cpu, Math.max(...samples.map((sample) => sample[2]))];
}
