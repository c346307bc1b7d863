/** Opens a subscription: finds where it begins, and what the subscriber receives first. */
import type { Filter } from '../../core/events/filter.js';
import { findByName } from '../../core/lists/lookup.js';
import type { State } from '../../core/state/state.js';
import { findExecution, newestFirst } from '../../core/state/state.js';
import type { Journal } from '../../journal/journal.js';
import { findExecutions, readLast, seqAtTime } from '../../journal/reader.js';
import type { Replies, RequestOf, Reset } from '../../api/messages.js';
import { REQUESTS } from '../../api/requests.js';
import type { SubscriberSink, Subscriber } from './subscriber.js';
import type { Subscribers } from './subscribers.js';

type SubscribeRequest = RequestOf<'subscribe'>;

export interface OpenedSubscription {
  /** Reply to the request. */
  reply: Omit<Replies['subscribe'], 'seq'>;
  start(sink: SubscriberSink, onFailure: (error: unknown) => void): Subscriber;
}

interface Surroundings {
  journal: Journal;
  state: State;
  subscribers: Subscribers;
}

export async function openSubscription(
  given: SubscribeRequest,
  surroundings: Surroundings,
): Promise<OpenedSubscription> {
  const named = given.execution === undefined ? undefined : await identify(given.execution, surroundings);
  const request = named ? { ...given, execution: named.id } : given;
  const opening = await openingOf(request, surroundings);
  const { after, cursor } = opening;
  const { rate, newest } = request;
  return {
    reply: {
      after,
      ...(named && named.id !== given.execution && { execution: named.id }),
      ...(named?.isUnknown && { unknown: true }),
    },
    start: (sink, onFailure) =>
      surroundings.subscribers.add({ filter: filterOf(request), cursor, rate, newest, sink, onFailure }, opening),
  };
}

/** Identifies an execution by full ID or name. An unknown text may be the ID of a future execution, so no prefixes. */
async function identify(text: string, { journal, state }: Surroundings): Promise<{ id: string; isUnknown: boolean }> {
  const known = findExecution(state, text) ?? findByName(newestFirst(state), text);
  const isUnknown = !known && !(await findExecutions(journal.source, text)).includes(text);
  return { id: known?.id ?? text, isUnknown };
}

function filterOf({ execution, step, types, level, stream, details }: SubscribeRequest): Filter {
  return { execution, step, types, level, stream, details };
}

async function openingOf(request: SubscribeRequest, { journal, state }: Surroundings) {
  const head = journal.seq;
  if (request.journal !== undefined && request.journal !== journal.id) return resetTo(0, 'foreign');
  if (request.after !== undefined) {
    return request.after > head ? resetTo(head, 'future') : { after: request.after, cursor: request.after };
  }
  if (request.since !== undefined) {
    const after = await seqAtTime(journal.source, request.since);
    return { after, cursor: after };
  }
  const known = request.execution === undefined ? undefined : findExecution(state, request.execution);
  if (request.last === undefined && request.execution !== undefined) {
    const after = known ? known.firstSeq - 1 : 0;
    return { after, cursor: after };
  }
  const count = request.last ?? REQUESTS.subscribe.fields.last.default;
  const batch = await readLast(journal.source, count, filterOf(request), head);
  return { after: (batch.events[0]?.seq ?? head + 1) - 1, cursor: head, batch };
}

function resetTo(from: number, why: Reset['why']) {
  return { after: from, cursor: from, reset: { why, from } satisfies Reset };
}
