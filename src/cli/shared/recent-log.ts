/** Newest lines of the log of one execution, read from the journal and continued by the stream of its events. */
import type { ExecutionEvent } from '../../core/events/event.js';
import type { Execution, Step } from '../../core/execution.js';
import { isFailure } from '../../core/execution.js';
import { openSource, readLast } from '../../journal/reader.js';
import type { Paths } from '../../platform/paths.js';
import type { TailLine } from '../../terminal/log-tail.js';
import { keptLines, TAIL_TYPES, tailLinesOf } from '../../terminal/log-tail.js';
import { failedStep, FAILURE_LINES } from '../../terminal/summary.js';

/** Lines kept for the box; no terminal is higher. */
const MAX_LINES = 500;
/** Newest events that are searched for lines of the failed step before its whole log is. */
const NEWEST_EVENTS = 1_000;

export class RecentLog {
  readonly #journal: string;
  readonly #id: string;
  readonly #find: () => Execution | undefined;
  #lines: TailLine[] = [];
  #seq = 0;
  /** Events that arrived while the journal is being read. */
  #arrived: ExecutionEvent[] | undefined;

  /** @param find returns the execution as it is now, which knows the sub-agents that its steps belong to */
  constructor({ journal }: Paths, id: string, find: () => Execution | undefined) {
    this.#journal = journal;
    this.#id = id;
    this.#find = find;
  }

  get lines(): readonly TailLine[] {
    return this.#lines;
  }

  /** Reads the newest lines from the journal. A journal that cannot be read leaves those of the stream. */
  async load(): Promise<void> {
    const arrived: ExecutionEvent[] = [];
    this.#arrived = arrived;
    const filter = { execution: this.#id, types: TAIL_TYPES };
    const read = await readLast(openSource(this.#journal), MAX_LINES, filter).catch(() => undefined);
    if (this.#arrived !== arrived) return;
    this.#arrived = undefined;
    if (!read) return;
    this.#lines = [];
    this.#seq = 0;
    this.take([...read.events, ...arrived]);
  }

  /** Appends the lines of events, except those that it has. */
  take(events: readonly ExecutionEvent[]): void {
    this.#arrived?.push(...events);
    const execution = this.#find();
    for (const event of events) {
      if (event.seq <= this.#seq) continue;
      this.#seq = event.seq;
      this.#lines.push(...tailLinesOf(event, execution).slice(-MAX_LINES));
    }
    if (this.#lines.length > 2 * MAX_LINES) this.#lines = this.#lines.slice(-MAX_LINES);
  }
}

/**
 * Reads the lines that the summary of a failure shows: those of the failed step if its lines name it, else those of the
 * execution. Empty for any other outcome; those that the execution keeps where the journal cannot be read.
 */
export async function readFailureLog({ journal }: Paths, execution: Execution): Promise<TailLine[]> {
  if (!isFailure(execution.status)) return [];
  const source = openSource(journal);
  const filter = { execution: execution.id, types: TAIL_TYPES };
  const lines = (events: readonly ExecutionEvent[]) =>
    events.flatMap((event) => tailLinesOf(event, execution)).slice(-FAILURE_LINES);
  try {
    const { events } = await readLast(source, NEWEST_EVENTS, filter);
    const step = failedStep(execution);
    if (!step || events.every((event) => event.step === undefined)) return lines(events);
    const ids = idsWithin(execution, step);
    const isOwn = (event: ExecutionEvent) => event.step !== undefined && ids.has(event.step);
    let own = lines(events.filter(isOwn));
    if (own.length < FAILURE_LINES) {
      own = lines((await readLast(source, FAILURE_LINES, filter, undefined, isOwn)).events);
    }
    return own.length > 0 ? own : lines(events);
  } catch {
    return keptLines(execution);
  }
}

/** IDs of a step and of those within it. */
function idsWithin({ steps }: Execution, step: Step): Set<string> {
  const ids = new Set([step.id]);
  // parents precede their parts, except where a producer reports them late
  for (const { id, parent } of steps.values()) if (parent !== undefined && ids.has(parent)) ids.add(id);
  return ids;
}
