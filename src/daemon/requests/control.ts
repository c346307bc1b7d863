/** The request `control`. Stops, kills, signals, pauses or resumes a run. */
import { ProgressError } from '../../core/base/errors.js';
import { lookUp } from './find-execution.js';
import type { PlainHandler } from './request-context.js';

export const handleControl: PlainHandler<'control'> = async (
  { execution, ifQueued, op: _op, id: _id, ...order },
  _caller,
  context,
) => {
  const found = (await lookUp(execution, context)).execution;
  if (ifQueued === true && found.status !== 'queued') {
    throw new ProgressError('bad_request', `${found.id} is no longer queued: ${found.status}`);
  }
  await context.runs.control(found, order);
  return { execution: found.id };
};
