/** The request `search`. Finds lines of a log. */
import { subjectOf } from './find-execution.js';
import type { PlainHandler } from './request-context.js';

export const handleSearch: PlainHandler<'search'> = async ({ execution, ...filter }, _caller, context) => {
  return await context.logs.search(await subjectOf(execution, context), filter);
};
