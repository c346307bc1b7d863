/** The request `timeline`. Returns when steps began, pauses, and samples of resource usage. */
import { typicalDurationOf } from '../../core/estimates/typical-duration.js';
import { toSubject } from './find-execution.js';
import { lookUp } from './find-execution.js';
import type { PlainHandler } from './request-context.js';

export const handleTimeline: PlainHandler<'timeline'> = async ({ execution }, _caller, context) => {
  const found = await lookUp(execution, context);
  const usual = typicalDurationOf(found.execution, context.state.ended.values());
  return { ...(await context.logs.timeline(toSubject(found))), ...(usual && { usual }) };
};
