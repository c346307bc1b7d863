/** Starts a detached run: launches its runner, or queues it for the daemon's scheduler. */
import type { EventData } from '../core/events/event.js';
import { ProgressError } from '../core/base/errors.js';
import type { Paths } from '../platform/paths.js';
import { launchRunner } from './launch.js';
import { describe } from './spec.js';
import type { RunSpec } from './store.js';
import { writeSpec } from './store.js';

/** Sends an event to the journal. Resolves when it is synced. */
export type Announce = (event: { type: string; execution: string; data: EventData }) => Promise<unknown>;

/** Resolves when the run is started, or queued in the journal. */
export async function startDetached(paths: Pick<Paths, 'runs'>, spec: RunSpec, announce: Announce): Promise<void> {
  writeSpec(paths, { ...spec, detached: true });
  if (spec.queue === undefined && spec.after === undefined) {
    const problem = await launchRunner(spec.id);
    if (problem !== undefined) throw new ProgressError('unavailable', problem);
    return;
  }
  await announce({ type: 'execution_queued', execution: spec.id, data: describe(spec) });
}
