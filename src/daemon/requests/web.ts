/** The request `web`. Turns the viewer on or off. */
import { lookUp } from './find-execution.js';
import type { PlainHandler } from './request-context.js';

export const handleWeb: PlainHandler<'web'> = async ({ on, port, execution }, _caller, context) => {
  if (!on) return await context.web.off();
  return await context.web.on({ port, execution: execution && (await lookUp(execution, context)).execution.id });
};
