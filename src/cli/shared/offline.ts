/** Reads state from the files, for commands that need no daemon. */
import type { Execution } from '../../core/execution.js';
import { ambiguous, findByText, notFound } from '../../core/lists/lookup.js';
import type { State } from '../../core/state/state.js';
import { DEFAULT_LIMITS, newestFirst } from '../../core/state/state.js';
import { withClient } from '../../client/connect.js';
import { ProgressError } from '../../core/base/errors.js';
import { restore } from '../../journal/checkpoint.js';
import { SEQ_LIMIT } from '../../journal/layout.js';
import { readManifest } from '../../journal/manifest.js';
import { findExecutions, openSource } from '../../journal/reader.js';
import { readExecution } from '../../journal/history.js';
import type { Paths } from '../../platform/paths.js';
import { findOne } from './lookup.js';

/** Errors of a daemon that is not running, hangs, or has another version. */
export const NO_DAEMON: ReadonlySet<string> = new Set(['unavailable', 'protocol_mismatch']);

/** Finds an execution by ID, prefix or name: from the daemon, or without one from the journal. */
export async function findAnywhere(paths: Paths, text: string): Promise<Execution> {
  try {
    return await withClient({ paths, start: false }, (client) => findOne(client, text));
  } catch (error) {
    if (!NO_DAEMON.has(ProgressError.from(error).code)) throw error;
    return await findInFiles(paths, text);
  }
}

/** Restores the state from the checkpoint and later events. */
export async function readState(paths: Paths): Promise<State> {
  const manifest = await readManifest(paths.journal);
  const id = typeof manifest === 'string' ? '' : manifest.id;
  return await restore(paths.checkpoint, openSource(paths.journal), { id, seq: SEQ_LIMIT }, DEFAULT_LIMITS);
}

async function findInFiles(paths: Paths, text: string): Promise<Execution> {
  const source = openSource(paths.journal);
  const state = await readState(paths);
  const found = findByText(newestFirst(state), text);
  if (found && 'execution' in found) return found.execution;
  const ids = found?.ambiguous ?? (await findExecutions(source, text));
  if (ids.length > 1) throw ambiguous(text, ids);
  const execution = ids[0] === undefined ? undefined : await readExecution(source, ids[0]);
  if (!execution) throw notFound(text);
  return execution;
}
