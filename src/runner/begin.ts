/** Begins a run that nobody has to stay for: a runner of its own at once, or the daemon when its turn comes. */
import { withClient } from '../client/connect.js';
import { ProgressError } from '../errors.js';
import type { Paths } from '../paths.js';
import { launchRunner } from './launch.js';
import { describe } from './run.js';
import type { RunSpec } from './store.js';
import { writeSpec } from './store.js';

/** Resolves when it has begun, or waits in the journal. */
export async function beginApart(paths: Paths, spec: RunSpec): Promise<void> {
  writeSpec(paths, spec);
  if (spec.queue === undefined && spec.after === undefined) {
    const problem = await launchRunner(spec.id);
    if (problem !== undefined) throw new ProgressError('unavailable', `its runner does not start: ${problem}`);
    return;
  }
  const event = { type: 'execution_queued', execution: spec.id, data: describe(spec) };
  await withClient({ paths, start: true }, (client) => client.call('emit', { event, synced: true }));
}
