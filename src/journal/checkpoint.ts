/** The state on disk, so that a start reads only what came after it. Deleting it costs nothing but time. */
import type { ExecutionEvent } from '../core/event.js';
import type { Execution } from '../core/execution.js';
import { fold } from '../core/fold.js';
import type { Limits, State, StateJson } from '../core/state.js';
import { emptyState, stateFromJson, stateToJson } from '../core/state.js';
import { readText } from '../regular-file.js';
import { removeFile, replaceFile, statIfThere } from './disk.js';
import { readRemovedThrough } from './manifest.js';
import type { JournalSource } from './reader.js';
import { readJournal } from './reader.js';

/** Of another version, it is not read. */
const VERSION = 2;

/** Whoever dies again before its first checkpoint would otherwise have more to read at each start. */
const REREAD_BYTES = 4 * 1024 * 1024;

interface Checkpoint {
  version: number;
  journal: string;
  state: StateJson;
}

/** Writes it whole or not at all. */
export async function writeCheckpoint(file: string, journal: string, state: State): Promise<void> {
  const checkpoint: Checkpoint = { version: VERSION, journal, state: stateToJson(state) };
  await replaceFile(file, JSON.stringify(checkpoint), { durable: false });
}

/** Of which journal, and up to where. */
interface Extent {
  id: string;
  seq: number;
}

/**
 * The state as of the newest event in the journal: the checkpoint, if it is one of this journal and not ahead of what
 * a crash has left of it, and every event after it.
 */
export async function restore(file: string, source: JournalSource, extent: Extent, limits: Limits): Promise<State> {
  const known = await readCheckpoint(file, source, extent, limits);
  return (await replay(known ?? emptyState(limits), source, extent)).state;
}

/** Whoever has to do something with what no checkpoint has. */
export interface Observer {
  /** This is in the state now. */
  saw(event: ExecutionEvent, execution: Execution | undefined, state: State): void;
  /** It was much: a checkpoint is due, once all that was seen is dealt with. */
  readMuch(): void;
}

/** The same for whoever writes the journal. */
export async function restoreForWriting(
  file: string,
  source: JournalSource,
  extent: Extent,
  limits: Limits,
  { observer, signal }: { observer?: Observer; signal?: AbortSignal | undefined } = {},
): Promise<State> {
  const known = await readCheckpoint(file, source, extent, limits);
  // left there, it would fit again once the journal has grown past it, with events that the journal has lost
  if (!known && (await statIfThere(file))?.isFile()) await removeFile(file);
  const { state, read } = await replay(known ?? emptyState(limits), source, extent, { observer, signal });
  // a full disk takes none; the next start reads the same again then
  if (read > REREAD_BYTES && observer) observer.readMuch();
  else if (read > REREAD_BYTES) await writeCheckpoint(file, extent.id, state).catch(() => undefined);
  return state;
}

/** Returns how much had to be read, too. */
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
      observer?.saw(event, execution, state);
    }
    for (const line of chunk.lines) read += line.length;
  }
  return { state, read };
}

async function readCheckpoint(
  file: string,
  source: JournalSource,
  journal: Extent,
  limits: Limits,
): Promise<State | undefined> {
  try {
    const text = await readText(file);
    if (text === undefined) return undefined;
    const checkpoint = JSON.parse(text) as Checkpoint;
    const fits = checkpoint.version === VERSION && checkpoint.journal === journal.id;
    if (!fits || checkpoint.state.seq > journal.seq) return undefined;
    // what it takes for alive may have ended in what was removed since
    if (checkpoint.state.seq < (await readRemovedThrough(source.directory))) return undefined;
    return stateFromJson(checkpoint.state, limits);
  } catch {
    // absent, torn or made by hand: the journal has it all
    return undefined;
  }
}
