/** The request `list`. Lists executions, newest first, page by page. */
import { isFinal } from '../../core/execution.js';
import type { Execution } from '../../core/execution.js';
import { shortenIds } from '../../core/text/format.js';
import { mentions } from '../../core/lists/lookup.js';
import { newestFirst } from '../../core/state/state.js';
import type { RequestOf } from '../../api/messages.js';
import { REQUESTS } from '../../api/requests.js';
import { toReplies } from './execution-reply.js';
import type { PlainHandler } from './request-context.js';

/** Steps of all executions on one page: they determine its size. */
const PAGE_STEPS = 20_000;

export const handleList: PlainHandler<'list'> = (request, _caller, { state }) => {
  const limit = request.limit ?? REQUESTS.list.fields.limit.default;
  const before = request.before ?? Infinity;
  const known = newestFirst(state);
  const prefixes = shortenIds(known.map(({ id }) => id));
  const wanted = known.filter((execution) => execution.firstSeq < before && isListed(execution, request));
  const page = takePage(wanted, limit);
  const last = page.at(-1);
  return {
    executions: toReplies(page, state),
    prefixes: page.map(({ id }) => prefixes.get(id) ?? id),
    seq: state.seq,
    ...(wanted.length > page.length && last && { more: last.firstSeq }),
  };
};

function isListed(execution: Execution, { all, text = '', statuses, since }: RequestOf<'list'>): boolean {
  if (all !== true && isFinal(execution.status)) return false;
  if (statuses && !statuses.includes(execution.status)) return false;
  if (since !== undefined && (execution.startedAt ?? execution.queuedAt ?? '') < since) return false;
  return mentions(execution, text);
}

/** Takes at least one, so that the next page is another one. */
function takePage(executions: readonly Execution[], limit: number): Execution[] {
  let steps = 0;
  const end = executions.findIndex((execution, index) => {
    steps += execution.steps.size;
    return index >= limit || (steps > PAGE_STEPS && index > 0);
  });
  return end === -1 ? [...executions] : executions.slice(0, end);
}
