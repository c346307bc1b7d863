/** Events that restate what is alive in old segments, so that the fold of the remaining segments is the state. */
import { alertsToJson } from '../../core/state/alerts.js';
import type { NewEvent } from '../../core/events/event.js';
import type { Execution, Step } from '../../core/execution.js';
import { executionToRecord } from '../../core/state/execution-record.js';
import type { CarryNote } from '../../core/state/state-record.js';
import type { ProducerState, State } from '../../core/state/state.js';

/** Size of one write of carried events, so that those of ten thousand executions are not in memory together. */
const CARRIED_BATCH_BYTES = 1024 * 1024;
/** Size of the list of one note; one more item may exceed it, and the line stays below the bound of a line. */
const CARRIED_BYTES = 16 * 1024;

/** Events that restate, in short, what is alive only in events up to `through`. */
export function* carry(state: State, through: number, isKept: IsKept): Generator<NewEvent[]> {
  const over = [...state.summaries.values(), ...state.ended.values()].filter(({ lastSeq }) => lastSeq > through);
  for (const execution of [...over, ...state.alive.values()]) {
    if ((execution.carriedSeq ?? execution.firstSeq) <= through) yield [...carried(execution)];
  }
  const sources = [...state.sources].filter(([name, source]) => isCarried(state, name, source, through, isKept));
  for (const event of carriedByNone(state, sources)) yield [event];
}

/** Events that restate what belongs to no execution: positions of sources, queues, and the state of alerts. */
export function* carriedByNone(
  state: State,
  sources: [string, ProducerState][] = [...state.sources],
): Generator<NewEvent> {
  for (const some of chunks(sources)) yield note({ kind: 'carried_sources', sources: some });
  for (const some of chunks([...state.queues.values()])) yield note({ kind: 'carried_queues', queues: some });
  const { channels, rules, spoke, streaks } = alertsToJson(state.alerts);
  // alerts to be sent have events of their own, which stay
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

/** Notes that executions are removed, though their events may still be in files. */
export function* prunedNotes(ids: readonly string[]): Generator<NewEvent> {
  for (const executions of chunks(ids)) yield note({ kind: 'pruned', executions });
}

function* carried(execution: Execution): Generator<NewEvent> {
  const { steps, ...rest } = executionToRecord(execution);
  for (const some of chunks<Step>(steps)) yield note({ kind: 'carried_steps', steps: some }, execution.id);
  yield note({ kind: 'carried_execution', execution: { ...rest, steps: [] } }, execution.id);
}

function isCarried(state: State, name: string, source: ProducerState, through: number, isKept: IsKept): boolean {
  if (source.firstSeq > through) return false;
  return source.lastSeq > through || source.open.some((id) => state.alive.has(id)) || isKept(name, source);
}

/** Whether the position of a source without open executions is carried over. */
type IsKept = (name: string, source: ProducerState) => boolean;

/** Joins groups into writes. The events of one group stay in one write, and so in one segment. */
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

/** A `journal_note` event. */
export function note(data: CarryNote, execution?: string): NewEvent {
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
