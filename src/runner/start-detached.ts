/** Begins a run that nobody has to stay for: a runner of its own at once, or the daemon when its turn comes. */
import type { EventData } from '../core/event.js';
import { ProgressError } from '../core/errors.js';
import type { Paths } from '../platform/paths.js';
import { launchRunner } from './launch.js';
import { describe } from './spec.js';
import type { RunSpec } from './store.js';
import { writeSpec } from './store.js';

/** How an event gets into the journal: resolves when it is synced. */
export type Announce = (event: { type: string; execution: string; data: EventData }) => Promise<unknown>;

/** Resolves when it has begun, or waits in the journal. */
export async function startDetached(paths: Pick<Paths, 'runs'>, spec: RunSpec, announce: Announce): Promise<void> {
  writeSpec(paths, { ...spec, detached: true });
  if (spec.queue === undefined && spec.after === undefined) {
    const problem = await launchRunner(spec.id);
    if (problem !== undefined) throw new ProgressError('unavailable', `its runner does not start: ${problem}`);
    return;
  }
  await announce({ type: 'execution_queued', execution: spec.id, data: describe(spec) });
}
