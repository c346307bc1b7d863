/** The request `log`. Returns lines of a log by number. */
import { subjectOf } from './find-execution.js';
import type { PlainHandler } from './request-context.js';

export const handleLog: PlainHandler<'log'> = async ({ execution, ...wanted }, _caller, context) => {
  return await context.logs.page(await subjectOf(execution, context), wanted);
};
