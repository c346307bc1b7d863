/**
 * Checkpoint: a snapshot of the state on disk, so that a start reads only newer events. If it is deleted or has another
 * version, the state is computed from the journal again, which takes longer.
 */
import type { FileHandle } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import type { ExecutionEvent } from '../core/events/event.js';
import type { Execution } from '../core/execution.js';
import type { ExecutionRecord } from '../core/state/execution-record.js';
import { executionFromRecord, executionToRecord } from '../core/state/execution-record.js';
import { fold } from '../core/fold.js';
import type { StateLimits, State } from '../core/state/state.js';
import type { OwnStateJson } from '../core/state/state-record.js';
import { emptyState, installExecution } from '../core/state/state.js';
import { ownStateFromJson, ownStateToJson } from '../core/state/state-record.js';
import { openRegular } from '../platform/regular-file.js';
import { OPEN_TO_READ, removeFile, replaceFile, statIfThere } from './disk.js';
import { readRemovedThrough } from './manifest.js';
import type { JournalSource } from './reader.js';
import { readJournal } from './reader.js';

/** Raise it when the content changes in a way that older code would misread; a checkpoint of another version is ignored. */
const VERSION = 3;

/** After a start has read more than this, a checkpoint is written at once: else each restart of a crash loop reads more. */
const REREAD_BYTES = 4 * 1024 * 1024;

/** Size of a write, which bounds the text in memory. */
const CHUNK_CHARS = 64 * 1024;

const PLACES = ['alive', 'ended', 'summaries'] as const;

/** First line of the file. A line for each execution follows, in the order of PLACES. */
interface Header {
  version: number;
  journal: string;
  executions: Record<(typeof PLACES)[number], number>;
  state: OwnStateJson;
}

/** Writes the file atomically. `state` must not change meanwhile. */
export async function writeCheckpoint(file: string, journal: string, state: State): Promise<void> {
  await replaceFile(file, chunksOf(linesOf(journal, state)), { durable: false });
}

function* linesOf(journal: string, state: State): Generator<string> {
  const { alive, ended, summaries } = state;
  const executions = { alive: alive.size, ended: ended.size, summaries: summaries.size };
  const header: Header = { version: VERSION, journal, executions, state: ownStateToJson(state) };
  yield JSON.stringify(header);
  for (const place of PLACES) {
    for (const execution of state[place].values()) yield JSON.stringify(executionToRecord(execution));
  }
}

function* chunksOf(lines: Iterable<string>): Generator<string> {
  let chunk = '';
  for (const line of lines) {
    chunk += line + '\n';
    if (chunk.length < CHUNK_CHARS) continue;
    yield chunk;
    chunk = '';
  }
  yield chunk;
}

/** ID and newest seq of a journal. */
interface Extent {
  id: string;
  seq: number;
}

/**
 * Restores the state as of the newest event in the journal: from the checkpoint and all later events. The checkpoint is
 * ignored if it belongs to another journal, or is newer than the journal, which may have lost events in a crash.
 */
export async function restore(
  file: string,
  source: JournalSource,
  extent: Extent,
  limits: StateLimits,
): Promise<State> {
  const known = await readCheckpoint(file, source, extent, limits);
  return (await replay(known ?? emptyState(limits), source, extent)).state;
}

/** Observer of the events that are newer than the checkpoint. */
export interface Observer {
  /** Called after an event was folded into the state. */
  onEvent(event: ExecutionEvent, execution: Execution | undefined, state: State): void;
  /** Called when so many events were read that a new checkpoint should be written. */
  onLongRead(): void;
}

/** Restores the state for the writer of the journal, and removes a checkpoint that does not fit it. */
export async function restoreForWriting(
  file: string,
  source: JournalSource,
  extent: Extent,
  limits: StateLimits,
  { observer, signal }: { observer?: Observer; signal?: AbortSignal | undefined } = {},
): Promise<State> {
  const known = await readCheckpoint(file, source, extent, limits);
  // else it would be accepted once the journal has grown past it, although it contains events that the journal has lost
  if (!known && (await statIfThere(file))?.isFile()) await removeFile(file);
  const { state, read } = await replay(known ?? emptyState(limits), source, extent, { observer, signal });
  // on a full disk the next start reads the same events again
  if (read > REREAD_BYTES && observer) observer.onLongRead();
  else if (read > REREAD_BYTES) await writeCheckpoint(file, extent.id, state).catch(() => undefined);
  return state;
}

/** @returns the state, and the number of characters that were read */
async function replay(
  state: State,
  source: JournalSource,
  { seq }: Extent,
  { observer, signal }: { observer?: Observer | undefined; signal?: AbortSignal | undefined } = {},
): Promise<{ state: State; read: number }> {
  let read = 0;
  for await (const chunk of readJournal(source, { after: state.seq, through: seq })) {
    signal?.throwIfAborted();
    if ('gap' in chunk) continue;
    for (const event of chunk.events) {
      const execution = fold(state, event);
      observer?.onEvent(event, execution, state);
    }
    for (const line of chunk.lines) read += line.length;
  }
  return { state, read };
}

async function readCheckpoint(
  file: string,
  source: JournalSource,
  journal: Extent,
  limits: StateLimits,
): Promise<State | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await openRegular(file, OPEN_TO_READ);
    const lines = linesIn(handle);
    const header = await readJson<Header>(lines);
    const fits = header.version === VERSION && header.journal === journal.id;
    if (!fits || header.state.seq > journal.seq) return undefined;
    // executions that it has as alive may have ended in events that were removed since
    if (header.state.seq < (await readRemovedThrough(source.directory))) return undefined;
    const state = ownStateFromJson(header.state, limits);
    for (const place of PLACES) {
      for (let count = header.executions[place]; count > 0; count--) {
        installExecution(state, executionFromRecord(await readJson<ExecutionRecord>(lines)), place !== 'alive');
      }
    }
    return state;
  } catch {
    // absent, truncated or edited: the journal has everything
    return undefined;
  } finally {
    await handle?.close();
  }
}

async function* linesIn(handle: FileHandle): AsyncGenerator<string> {
  const decoder = new StringDecoder();
  const buffer = Buffer.alloc(CHUNK_CHARS);
  let begun = '';
  for (let bytes; (bytes = (await handle.read(buffer, 0, buffer.length, null)).bytesRead) > 0;) {
    const [first = '', ...others] = decoder.write(buffer.subarray(0, bytes)).split('\n');
    begun += first;
    for (const next of others) {
      yield begun;
      begun = next;
    }
  }
}

async function readJson<T>(lines: AsyncIterator<string>): Promise<T> {
  const next = (await lines.next()) as IteratorResult<string, undefined>;
  if (next.done) throw new SyntaxError('the checkpoint is cut off');
  return JSON.parse(next.value) as T;
}
