/** The request `stats`. Returns statistics of the finished executions in memory, by name and kind. */
import type { RequestOf } from '../../api/messages.js';
import { REQUESTS } from '../../api/requests.js';
import { ProgressError } from '../../core/base/errors.js';
import { detailedStatistics, statisticsOf } from '../../core/estimates/statistics.js';
import type { Execution } from '../../core/execution.js';
import { isFinal } from '../../core/execution.js';
import { ambiguous, findByText } from '../../core/lists/lookup.js';
import { newestFirst } from '../../core/state/state.js';
import { suggest } from '../../core/text/suggest.js';
import type { PlainHandler } from './request-context.js';

/** Names that a misspelled one is compared with, and their maximum length: comparing takes as long as their product. */
const MAX_CANDIDATES = 1_000;
const MAX_COMPARED_CHARS = 100;

export const handleStats: PlainHandler<'stats'> = async (request, _caller, { state, catchUp }) => {
  const { name, limit = REQUESTS.stats.fields.limit.default } = request;
  // a client may ask for what has just ended
  await catchUp();
  const known = newestFirst(state);
  if (name !== undefined) return { names: detailsOf(name, known, request), seq: state.seq };
  const names = statisticsOf(known.filter((execution) => isWanted(execution, request)));
  const more = names.length - limit;
  return { names: names.slice(0, limit), ...(more > 0 && { more }), seq: state.seq };
};

type Choice = Pick<RequestOf<'stats'>, 'kind' | 'since'>;

function isWanted({ kind, startedAt, queuedAt }: Execution, wanted: Choice): boolean {
  if (wanted.kind !== undefined && kind !== wanted.kind) return false;
  return wanted.since === undefined || (startedAt ?? queuedAt ?? '') >= wanted.since;
}

/** @throws {ProgressError} `not_found` or `ambiguous` */
function detailsOf(text: string, known: readonly Execution[], choice: Choice) {
  const name = known.some((one) => one.name === text) ? text : nameOf(text, known);
  const details = detailedStatistics(known.filter((one) => one.name === name && isWanted(one, choice)));
  if (details.length > 0) return details;
  const isChosen = choice.kind !== undefined || choice.since !== undefined;
  const which = isChosen ? ' of this kind and time' : '';
  throw new ProgressError('not_found', `no execution ${JSON.stringify(name)}${which} has finished`);
}

/** Returns the name of the execution with this ID or prefix of it. */
function nameOf(text: string, known: readonly Execution[]): string {
  const found = findByText(known, text);
  if (found && 'ambiguous' in found) throw ambiguous(text, found.ambiguous);
  if (found) return found.execution.name;
  const names = new Set(known.filter(({ status }) => isFinal(status)).map(({ name }) => name));
  const short = [...names].filter(({ length }) => length <= MAX_COMPARED_CHARS).slice(0, MAX_CANDIDATES);
  const nearest = text.length <= MAX_COMPARED_CHARS ? suggest(text, short) : undefined;
  const advice =
    nearest === undefined ? "; 'progress stats' lists the names" : `; did you mean ${JSON.stringify(nearest)}?`;
  throw new ProgressError('not_found', `no execution is named ${JSON.stringify(text)}${advice}`);
}
