/** The request `get`. Returns one execution. */
import { toReply } from './execution-reply.js';
import { lookUp } from './find-execution.js';
import type { PlainHandler } from './request-context.js';

export const handleGet: PlainHandler<'get'> = async (request, _caller, context) => {
  const { execution, seq } = await lookUp(request.execution, context);
  return { execution: toReply(execution, context.state), seq };
};
