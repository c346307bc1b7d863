/** The request `rerun`. Starts the stored command of a run again. */
import type { Announce } from '../../runner/start-detached.js';
import { startDetached } from '../../runner/start-detached.js';
import { repeatSpec } from '../../runner/spec.js';
import { readSpec } from '../../runner/store.js';
import { lookUp } from './find-execution.js';
import type { PlainHandler } from './request-context.js';
import { handleEmit } from './emit.js';

/** The new run has no parent, and the environment of the old one. */
export const handleRerun: PlainHandler<'rerun'> = async ({ execution }, caller, context) => {
  const { id } = (await lookUp(execution, context)).execution;
  const spec = repeatSpec(readSpec(context.paths, id), {}, context.paths);
  const announce: Announce = async (event) =>
    await handleEmit({ op: 'emit', id: 0, event, synced: true }, caller, context);
  await startDetached(context.paths, spec, announce);
  return { execution: spec.id };
};
