/** What the files say, for commands that need no daemon. */
import type { Execution } from '../../core/execution.js';
import { findByText } from '../../core/lookup.js';
import type { State } from '../../core/state.js';
import { DEFAULT_LIMITS, newestFirst } from '../../core/state.js';
import { withClient } from '../../client/connect.js';
import { executionFromJson } from '../../core/execution.js';
import { ProgressError } from '../../core/errors.js';
import { restore } from '../../journal/checkpoint.js';
import { SEQ_LIMIT } from '../../journal/layout.js';
import { readManifest } from '../../journal/manifest.js';
import { findExecutions, openSource } from '../../journal/reader.js';
import { readExecution } from '../../journal/history.js';
import type { Paths } from '../../platform/paths.js';

/** From a daemon that is not there, hangs, or is of another version. */
export const NO_HELP: ReadonlySet<string> = new Set(['unavailable', 'protocol_mismatch']);

/** The execution that `text` means: as the daemon knows it, or without one as the journal tells it. */
export async function findAnywhere(paths: Paths, text: string): Promise<Execution> {
  try {
    const { execution } = await withClient({ paths, start: false }, (client) =>
      client.call('get', { execution: text }),
    );
    return executionFromJson(execution);
  } catch (error) {
    if (!NO_HELP.has(ProgressError.from(error).code)) throw error;
    return await findInFiles(paths, text);
  }
}

/** What a daemon would know, from the checkpoint and what was written after it. */
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
  if (ids.length > 1) {
    throw new ProgressError('ambiguous', `${JSON.stringify(text)} may be ${ids.join(', ')}: write more of the id`);
  }
  const execution = ids[0] === undefined ? undefined : await readExecution(source, ids[0]);
  if (!execution) throw new ProgressError('not_found', `no execution ${JSON.stringify(text)}`);
  return execution;
}
