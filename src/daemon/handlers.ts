/** What each request does: a table with one entry for each op, so that an op without a handler does not compile. */
import { isFinal } from '../core/execution.js';
import type { Execution } from '../core/execution.js';
import { executionToJson } from '../core/execution.js';
import type { Filter } from '../core/filter.js';
import { queueViews } from '../core/queues.js';
import { shortenIds } from '../core/format.js';
import { findByText } from '../core/lookup.js';
import type { State } from '../core/state.js';
import { findExecution, newestFirst } from '../core/state.js';
import { ProgressError } from '../errors.js';
import { readExecution } from '../journal/history.js';
import type { Journal } from '../journal/journal.js';
import { findExecutions, readLast, seqAtTime } from '../journal/reader.js';
import { splitEvent } from '../protocol/encode.js';
import type { DaemonStatus, Op, Replies, Request, Reset, SubscribeRequest } from '../protocol/messages.js';
import { PROTOCOL_VERSION } from '../protocol/messages.js';
import { toNewEvent } from '../protocol/validate.js';
import type { Connection } from './connection.js';
import { admit } from './admission.js';
import type { Ingest } from './ingest.js';
import type { Runs } from './runs.js';
import type { Sessions } from './sessions.js';
import type { Subscribers } from './subscribers.js';

export interface HandlerContext {
  version: string;
  state: State;
  journal: Journal;
  ingest: Ingest;
  subscribers: Subscribers;
  runs: Runs;
  sessions: Sessions;
  status: () => DaemonStatus;
  shutdown: () => void;
}

export interface Handlers {
  /** The reply's fields; undefined when the handler has replied itself. */
  answer(request: Request, connection: Connection): Promise<object | undefined>;
}

type Handler<K extends Op> = (
  request: Extract<Request, { op: K }>,
  connection: Connection,
  context: HandlerContext,
) => Promise<Replies[K] | undefined> | Replies[K] | undefined;

/** Executions on one page of a list. */
const DEFAULT_PAGE = 200;
const MAX_PAGE = 1_000;
/** Steps of all of these together: they are what makes a page long. */
const PAGE_STEPS = 20_000;
/** What a newcomer sees of the past, unless it asks for something else. */
const DEFAULT_LAST = 100;
const MAX_LAST = 10_000;

export function createHandlers(context: HandlerContext): Handlers {
  return {
    async answer(request, connection) {
      const handler = HANDLERS[request.op] as Handler<Op>;
      return await handler(request, connection, context);
    },
  };
}

const HANDLERS: { [K in Op]: Handler<K> } = {
  hello(request, connection, { version, journal }) {
    const wanted = request.protocol ?? PROTOCOL_VERSION;
    if (wanted !== PROTOCOL_VERSION) {
      const advice = 'restart the daemon with `progress daemon restart`';
      throw new ProgressError(
        'protocol_mismatch',
        `protocol ${wanted} is wanted, ${PROTOCOL_VERSION} is spoken: ${advice}`,
      );
    }
    connection.acks = request.ack ?? false;
    return { protocol: PROTOCOL_VERSION, version, journal: journal.id, pid: process.pid, seq: journal.seq };
  },

  async emit(request, { order }, { ingest, journal }) {
    const event = admit(toNewEvent(request.event));
    const reply = await new Promise<Replies['emit']>((resolve, reject) => {
      ingest.submitParts(splitEvent(event), JSON.stringify(event.data).length, {
        written: ({ seq, execution }) => resolve({ seq, ...(execution !== undefined && { execution }) }),
        duplicate: () => resolve({ seq: null, duplicate: true }),
        refusal: order.refusal,
        refused(refused, error) {
          order.refused(refused, error);
          reject(error);
        },
      });
    });
    if (request.synced) await journal.sync();
    return reply;
  },

  async subscribe(request, connection, context) {
    const { journal, subscribers } = context;
    const opening = await openingOf(request, context);
    const { id, rate } = request;
    connection.subscribe(id, () => {
      connection.send({ re: id, after: opening.after, seq: journal.seq });
      const onFailure = (error: unknown) => {
        connection.fail(ProgressError.from(error));
        connection.socket.destroy();
      };
      const { sink } = connection;
      return subscribers.add({ id, filter: filterOf(request), cursor: opening.cursor, rate, sink, onFailure }, opening);
    });
    return undefined;
  },

  unsubscribe(request, connection) {
    const subscriber = connection.subscriptions.get(request.subscription);
    if (!subscriber) throw new ProgressError('not_found', `no subscription ${JSON.stringify(request.subscription)}`);
    subscriber.close();
    connection.subscriptions.delete(request.subscription);
    return {};
  },

  list(request, _connection, { state }) {
    const limit = Math.min(request.limit ?? DEFAULT_PAGE, MAX_PAGE);
    const before = request.before ?? Infinity;
    const known = newestFirst(state);
    const prefixes = shortenIds(known.map(({ id }) => id));
    const wanted = known.filter(
      (execution) => execution.firstSeq < before && (request.all === true || !isFinal(execution.status)),
    );
    const page = takePage(wanted, limit);
    const last = page.at(-1);
    return {
      executions: page.map(executionToJson),
      prefixes: page.map(({ id }) => prefixes.get(id) ?? id),
      seq: state.seq,
      ...(wanted.length > page.length && last && { more: last.firstSeq }),
    };
  },

  async get(request, _connection, context) {
    const execution = await lookUp(request.execution, context);
    return { execution: executionToJson(execution), seq: context.state.seq };
  },

  queues: (_request, _connection, { state }) => ({ queues: queueViews(state) }),

  attach({ run }, connection, { runs }) {
    const closed = new Promise<void>((resolve) => connection.socket.once('close', () => resolve()));
    runs.attach(run, { send: (line) => connection.send(line), closed });
    return {};
  },

  async control({ execution, ifQueued, op: _op, id: _id, ...order }, _connection, context) {
    const found = await lookUp(execution, context);
    if (ifQueued === true && found.status !== 'queued') {
      throw new ProgressError('bad_request', `${found.id} is not queued any more: ${found.status}`);
    }
    await context.runs.control(found, order);
    return { execution: found.id };
  },

  async follow({ agent, on = true }, _connection, { sessions }) {
    if (agent !== undefined) await sessions.follow(agent, on);
    return { agents: sessions.status() };
  },

  status: (_request, _connection, { status }) => status(),

  shutdown(_request, connection, { shutdown }) {
    // when the reply is out
    setImmediate(() => connection.socket.end(shutdown));
    return {};
  },
};

function filterOf({ execution, step, types, level, stream }: SubscribeRequest): Filter {
  return { execution, step, types, level, stream };
}

/** At least one, so that whoever asks for the next page gets on. */
function takePage(executions: readonly Execution[], limit: number): Execution[] {
  let steps = 0;
  const end = executions.findIndex((execution, index) => {
    steps += execution.steps.size;
    return index >= limit || (steps > PAGE_STEPS && index > 0);
  });
  return end === -1 ? [...executions] : executions.slice(0, end);
}

/** Where a subscriber begins, and what it is sent before that. */
async function openingOf(request: SubscribeRequest, { journal, state }: HandlerContext) {
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
  const count = Math.min(request.last ?? DEFAULT_LAST, MAX_LAST);
  const batch = await readLast(journal.source, count, filterOf(request), head);
  return { after: (batch.events[0]?.seq ?? head + 1) - 1, cursor: head, batch };
}

function resetTo(from: number, why: Reset['why']) {
  return { after: from, cursor: from, reset: { why, from } satisfies Reset };
}

/** In memory, else by the indexes of the journal. */
async function lookUp(text: string, context: HandlerContext): Promise<Execution> {
  const { state, journal, runs } = context;
  const known = findExecution(state, text);
  const found = known ? { execution: known } : findByText(newestFirst(state), text);
  if (found && 'ambiguous' in found) throw ambiguous(text, found.ambiguous);
  if (found && !found.execution.summarised) return found.execution;
  const [id, another] = found ? [found.execution.id] : await findExecutions(journal.source, text);
  if (id === undefined && (await runs.appears(text))) return await lookUp(text, context);
  if (id === undefined) throw new ProgressError('not_found', `no execution ${JSON.stringify(text)}`);
  if (another !== undefined) throw ambiguous(text, [id, another]);
  const execution = await readExecution(journal.source, id);
  if (!execution) throw new ProgressError('not_found', `no execution ${JSON.stringify(text)}`);
  return execution;
}

function ambiguous(text: string, ids: string[]): ProgressError {
  return new ProgressError('ambiguous', `${JSON.stringify(text)} may be ${ids.join(', ')}: write more of the id`);
}
