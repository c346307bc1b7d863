/**
 * What a daemon does beside taking events: checkpoints, and retention with its carry-over.
 *
 * Retention writes what is still alive in the oldest segments again, as `journal_note` events, before it removes them,
 * so the fold of the remaining segments is the state. A clock that jumps ahead by more than a day is not trusted at
 * once: nothing is removed by age until the next check, an hour later, confirms it, and the log says so.
 */
import { alertsToJson, loseAlerts } from '../../core/alerts.js';
import type { ExecutionEvent, NewEvent } from '../../core/event.js';
import type { Execution, Step } from '../../core/execution.js';
import { executionToJson } from '../../core/execution.js';
import { formatDuration } from '../../core/format.js';
import type { CarryNote, ProducerState, State } from '../../core/state.js';
import { ProgressError } from '../../core/errors.js';
import type { Journal } from '../../journal/journal.js';
import { firstEventTime, lastWriteTime } from '../../journal/reader.js';
import type { Log } from '../daemon-log.js';
import type { Ingest } from '../intake/ingest.js';

export interface Maintenance {
  start(): void;
  close(): void;
  /** What is kept is to be less: it goes soon, and not at once, so that a mistake can be taken back. */
  configure(): void;
  onBatch(events: readonly ExecutionEvent[], lines: readonly string[]): void;
}

export interface MaintenanceOptions {
  journal: Journal;
  state: State;
  ingest: Ingest;
  checkpoint: () => Promise<void>;
  log: Log;
  now: () => number;
  /** A source that was quiet this long is not carried over. */
  retainMs: () => number;
  /** What is kept beside the journal for executions that began before `time`, and are not known any more. */
  forget: (time: number) => void;
  /** Unless it is still read from somewhere: its position must be known then. */
  isOpen: (source: string) => boolean;
  /** The start has read much after the last checkpoint: one is due at once. @default false */
  isBehind?: boolean;
}

/** What a start after a crash reads again at the most. */
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
const RETENTION_MS = 60 * 60 * 1000;
const SOON_MS = 60 * 1000;
/**
 * Between two looks the clock advances by RETENTION_MS, or by as long as the daemon was away. When it says that more
 * than this has passed besides, it may have been set wrong: age removes nothing then until the next look agrees.
 */
const LEAP_MS = 24 * 60 * 60 * 1000;
/** Written at once of what is carried over, so that ten thousand executions do not meet in memory. */
const CARRIED_BATCH_BYTES = 1024 * 1024;
/** Of one note's list; one item more may come on top, and stays below the bound of a line. */
const CARRIED_BYTES = 16 * 1024;

export function createMaintenance(options: MaintenanceOptions): Maintenance {
  const { journal, state, ingest, checkpoint, log, now, retainMs, isOpen, forget } = options;
  let unsaved = 0;
  let busy = false;
  let timer: NodeJS.Timeout | undefined;
  let soon: NodeJS.Timeout | undefined;
  let seenAt: number | undefined;

  /** One task at a time, between two writes; what goes wrong is logged and tried again with the next occasion. */
  const run = (task: () => Promise<void>) => {
    if (busy) return;
    busy = true;
    ingest
      .between(task)
      .catch((error: unknown) => log(`maintenance: ${ProgressError.from(error).message}`))
      .finally(() => (busy = false));
  };

  /** By size, and by age where the clock is trusted; what is alive is written again before. */
  const retain = async (byAge: boolean) => {
    const through = journal.expired({ byAge });
    if (through === undefined) return;
    const quietBefore = byAge ? now() - retainMs() : -Infinity;
    const isKept = (name: string, { time }: ProducerState) => isOpen(name) || Date.parse(time) >= quietBefore;
    const lost = loseAlerts(state.alerts, through);
    if (lost.length > 0) {
      log('alerts leave the journal before they could be sent');
      await ingest.writeNow(lost);
    }
    for (const events of batches(carry(state, through, isKept))) {
      await ingest.writeNow(events);
    }
    await ingest.writeNow([note({ kind: 'removed', through })]);
    await journal.sync();
    await journal.removeThrough(through);
    log(`removed events up to ${through}`);
  };

  const look = async () => {
    const before = seenAt ?? (await lastWriteTime(journal.source));
    seenAt = now();
    const leapt = before !== undefined && seenAt - before > RETENTION_MS + LEAP_MS;
    if (leapt)
      log(`the clock has gone ahead by ${formatDuration(seenAt - before)}: no event is removed for its age yet`);
    await retain(!leapt);
    const oldest = await firstEventTime(journal.source);
    if (oldest !== undefined) forget(oldest);
  };

  const save = async () => {
    unsaved = 0;
    await checkpoint();
    await retain(false);
  };

  return {
    start() {
      // a full disk takes none; the next start reads the same again then
      if (options.isBehind) ingest.between(checkpoint).catch(() => undefined);
      run(look);
      timer = setInterval(() => run(look), RETENTION_MS);
    },
    close() {
      clearInterval(timer);
      clearTimeout(soon);
    },
    configure() {
      clearTimeout(soon);
      soon = setTimeout(() => run(look), SOON_MS);
    },
    onBatch(_events, lines) {
      for (const line of lines) unsaved += line.length;
      if (unsaved > CHECKPOINT_BYTES) run(save);
    },
  };
}

/** What is alive only in events up to `through`, told again in short. */
function* carry(state: State, through: number, isKept: IsKept): Generator<NewEvent[]> {
  const over = [...state.summaries.values(), ...state.ended.values()].filter(({ lastSeq }) => lastSeq > through);
  for (const execution of [...over, ...state.alive.values()]) {
    if ((execution.carriedSeq ?? execution.firstSeq) <= through) yield [...carried(execution)];
  }
  const sources = [...state.sources].filter(([name, source]) => isCarried(state, name, source, through, isKept));
  for (const event of carriedByNone(state, sources)) yield [event];
}

/** What belongs to no execution: which events were taken from which source, the queues, and how alerts stand. */
export function* carriedByNone(
  state: State,
  sources: [string, ProducerState][] = [...state.sources],
): Generator<NewEvent> {
  for (const some of chunks(sources)) yield note({ kind: 'carried_sources', sources: some });
  for (const some of chunks([...state.queues.values()])) yield note({ kind: 'carried_queues', queues: some });
  const { channels, rules, spoke, streaks } = alertsToJson(state.alerts);
  // what is to be sent is told by its own events, which stay
  const counts = channels.map(([name, record]): (typeof channels)[number] => [name, { ...record, pending: [] }]);
  for (const some of chunks(counts)) yield note({ kind: 'carried_alerts', channels: some });
  for (const some of chunks(rules)) yield note({ kind: 'carried_alerts', rules: some });
  for (const some of chunks(spoke)) yield note({ kind: 'carried_alerts', spoke: some });
  let isFirst = true;
  for (const some of chunks(streaks)) {
    yield note({ kind: 'carried_alerts', streaks: some, ...(isFirst && { whole: true }) });
    isFirst = false;
  }
}

/** That these are gone, though their events may still be in files. */
export function* prunedNotes(ids: readonly string[]): Generator<NewEvent> {
  for (const executions of chunks(ids)) yield note({ kind: 'pruned', executions });
}

function* carried(execution: Execution): Generator<NewEvent> {
  const { steps, ...rest } = executionToJson(execution);
  for (const some of chunks<Step>(steps)) yield note({ kind: 'carried_steps', steps: some }, execution.id);
  yield note({ kind: 'carried_execution', execution: { ...rest, steps: [] } }, execution.id);
}

function isCarried(state: State, name: string, source: ProducerState, through: number, isKept: IsKept): boolean {
  if (source.firstSeq > through) return false;
  return source.lastSeq > through || source.open.some((id) => state.alive.has(id)) || isKept(name, source);
}

type IsKept = (name: string, source: ProducerState) => boolean;

/** What belongs together stays in one write, and so in one segment. */
export function* batches(groups: Iterable<NewEvent[]>): Generator<NewEvent[]> {
  let batch: NewEvent[] = [];
  let bytes = 0;
  for (const group of groups) {
    batch.push(...group);
    for (const { data } of group) bytes += JSON.stringify(data).length;
    if (bytes < CARRIED_BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function note(data: CarryNote, execution?: string): NewEvent {
  return { type: 'journal_note', ...(execution !== undefined && { execution }), data: { ...data } };
}

function* chunks<T>(items: readonly T[]): Generator<T[]> {
  let chunk: T[] = [];
  let bytes = 0;
  for (const item of items) {
    chunk.push(item);
    bytes += Buffer.byteLength(JSON.stringify(item));
    if (bytes < CARRIED_BYTES) continue;
    yield chunk;
    chunk = [];
    bytes = 0;
  }
  if (chunk.length > 0) yield chunk;
}
