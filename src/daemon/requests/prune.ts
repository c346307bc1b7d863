/** The request `prune`. Removes finished executions. */
import type { PlainHandler } from './request-context.js';

export const handlePrune: PlainHandler<'prune'> = async ({ executions }, _caller, { pruning }) =>
  await pruning.prune(executions);
