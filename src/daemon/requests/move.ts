/** The request `move`. Moves a queued run within its queue. */
import { ProgressError } from '../../core/base/errors.js';
import { waitingIn } from '../../core/state/queues.js';
import { handleEmit } from './emit.js';
import { lookUp } from './find-execution.js';
import type { PlainHandler } from './request-context.js';

export const handleMove: PlainHandler<'move'> = async ({ execution, position, by }, caller, context) => {
  const { id, status, queue } = (await lookUp(execution, context)).execution;
  if (status !== 'queued') throw new ProgressError('bad_request', `${id} is not queued: ${status}`);
  if (queue === undefined) throw new ProgressError('bad_request', `${id} waits for other executions, in no queue`);
  const place = Math.min(position, waitingIn(context.state, queue).length);
  const data = { name: queue, position: place, ...(by !== undefined && { by }) };
  const event = { type: 'queue_changed', execution: id, data };
  await handleEmit({ op: 'emit', id: 0, event, synced: true }, caller, context);
  return { execution: id, queue, position: place };
};
