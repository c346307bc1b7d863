/** What each request does: a table with one entry for each op, so that an op without a handler does not compile. */
import type { Alerts } from '../../alerts/alerts.js';
import { isFinal } from '../../core/execution.js';
import type { Execution } from '../../core/execution.js';
import { executionToJson } from '../../core/execution.js';
import { queueViews } from '../../core/queues.js';
import { shortenIds } from '../../core/format.js';
import { findByText, mentions } from '../../core/lookup.js';
import type { State } from '../../core/state.js';
import { findExecution, newestFirst } from '../../core/state.js';
import { usualOf } from '../../core/typical-duration.js';
import { ProgressError } from '../../core/errors.js';
import type { Paths } from '../../platform/paths.js';
import type { Announce } from '../../runner/start-detached.js';
import { beginApart } from '../../runner/start-detached.js';
import { repeatSpec } from '../../runner/spec.js';
import { readSpec } from '../../runner/store.js';
import { readExecution } from '../../journal/history.js';
import type { Journal } from '../../journal/journal.js';
import { findExecutions } from '../../journal/reader.js';
import { splitEvent } from '../../protocol/encode.js';
import type { DaemonStatus, ListRequest, Op, Replies, Request, SubscribeRequest } from '../../api/messages.js';
import { PROTOCOL_VERSION } from '../../api/messages.js';
import { toNewEvent } from '../../protocol/validate.js';
import type { Connection } from '../socket/connection.js';
import type { Admit } from '../intake/intake.js';
import type { Ingest } from '../intake/ingest.js';
import type { Runs } from '../runs/runs.js';
import type { Following } from '../sessions/session-watchers.js';
import type { Pruning } from '../upkeep/pruning.js';
import type { Logs, Subject } from '../read/logs.js';
import type { Subscribers } from '../read/subscribers.js';
import type { Opened } from '../read/subscription.js';
import { openSubscription } from '../read/subscription.js';
import type { Web } from '../http/web.js';

export interface HandlerContext {
  paths: Paths;
  version: string;
  state: State;
  journal: Journal;
  ingest: Ingest;
  admit: Admit;
  subscribers: Subscribers;
  runs: Runs;
  following: Following;
  logs: Logs;
  pruning: Pruning;
  web: Web;
  alerts: Alerts;
  /** Takes what lies in the spool: somebody may have written there, and ask for it at once. */
  catchUp: () => Promise<void>;
  status: () => DaemonStatus;
  shutdown: () => void;
}

export interface Handlers {
  /** The reply's fields; undefined when the handler has replied itself. */
  answer(request: Request, connection: Connection): Promise<object | undefined>;
  /** The same for a caller that has no connection to follow events on. */
  ask<K extends PlainOp>(op: K, request: Extract<Request, { op: K }>, caller: Caller): Promise<Replies[K]>;
  /** The whole log of the execution that the text means. */
  logText(execution: string): Promise<{ id: string; text: AsyncGenerator<string> }>;
  /** Looks for where the stream begins; nothing is pushed yet. */
  open(request: SubscribeRequest): Promise<Opened>;
}

/** These change something about the connection that they come on. */
type BoundOp = 'hello' | 'subscribe' | 'unsubscribe' | 'attach' | 'shutdown';
export type PlainOp = Exclude<Op, BoundOp>;

/** `Answer`: with undefined where a handler may reply itself. */
type Handler<K extends Op, Caller, Answer> = (
  request: Extract<Request, { op: K }>,
  caller: Caller,
  context: HandlerContext,
) => Promise<Answer> | Answer;
type BoundHandler<K extends Op> = Handler<K, Connection, Replies[K] | undefined>;
type PlainHandler<K extends Op> = Handler<K, Caller, Replies[K]>;
/** Who hands in events: their order, and where they came in. */
export type Caller = Pick<Connection, 'order' | 'entrance'>;

/** Executions on one page of a list. */
const DEFAULT_PAGE = 200;
const MAX_PAGE = 1_000;
/** Steps of all of these together: they are what makes a page long. */
const PAGE_STEPS = 20_000;

export function createHandlers(context: HandlerContext): Handlers {
  return {
    async answer(request, connection) {
      const handler = HANDLERS[request.op] as BoundHandler<Op>;
      return await handler(request, connection, context);
    },
    async ask(op, request, caller) {
      const handler: PlainHandler<typeof op> = PLAIN[op];
      return await handler(request, caller, context);
    },
    async logText(text) {
      const subject = await subjectOf(text, context);
      return { id: subject.id, text: context.logs.text(subject) };
    },
    open: (request) => openSubscription(request, context),
  };
}

const BOUND: { [K in BoundOp]: BoundHandler<K> } = {
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

  async subscribe(request, connection, context) {
    const opened = await openSubscription(request, context);
    const { id } = request;
    connection.subscribe(id, () => {
      connection.send({ re: id, ...opened.reply, seq: context.journal.seq });
      return opened.start(connection.sinkOf(id), (error) => {
        connection.fail(ProgressError.from(error));
        connection.socket.destroy();
      });
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

  attach({ run }, connection, { runs }) {
    const closed = new Promise<void>((resolve) => connection.socket.once('close', () => resolve()));
    runs.attach(run, { send: (line) => connection.send(line), closed });
    return {};
  },

  shutdown(_request, connection, { shutdown }) {
    // when the reply is out
    setImmediate(() => connection.socket.end(shutdown));
    return {};
  },
};

const PLAIN: { [K in PlainOp]: PlainHandler<K> } = {
  async emit(request, { order, entrance }, { ingest, admit, journal }) {
    const event = admit(toNewEvent(request.event));
    const reply = await new Promise<Replies['emit']>((resolve, reject) => {
      ingest.submitParts(splitEvent(event), JSON.stringify(event.data).length, {
        entrance,
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

  list(request, _caller, { state }) {
    const limit = Math.min(request.limit ?? DEFAULT_PAGE, MAX_PAGE);
    const before = request.before ?? Infinity;
    const known = newestFirst(state);
    const prefixes = shortenIds(known.map(({ id }) => id));
    const wanted = known.filter((execution) => execution.firstSeq < before && isListed(execution, request));
    const page = takePage(wanted, limit);
    const last = page.at(-1);
    return {
      executions: page.map(executionToJson),
      prefixes: page.map(({ id }) => prefixes.get(id) ?? id),
      seq: state.seq,
      ...(wanted.length > page.length && last && { more: last.firstSeq }),
    };
  },

  async get(request, _caller, context) {
    const { execution, seq } = await lookUp(request.execution, context);
    return { execution: executionToJson(execution), seq };
  },

  async log({ execution, ...wanted }, _caller, context) {
    return await context.logs.page(await subjectOf(execution, context), wanted);
  },

  async search({ execution, ...filter }, _caller, context) {
    return await context.logs.search(await subjectOf(execution, context), filter);
  },

  async timeline({ execution }, _caller, context) {
    const found = await lookUp(execution, context);
    const usual = usualOf(found.execution, context.state.ended.values());
    return { ...(await context.logs.timeline(toSubject(found))), ...(usual && { usual }) };
  },

  /** As a part of nothing, in the environment that it had. */
  async rerun({ execution }, caller, context) {
    const { id } = (await lookUp(execution, context)).execution;
    const spec = repeatSpec(readSpec(context.paths, id), {}, context.paths);
    const announce: Announce = async (event) =>
      await PLAIN.emit({ op: 'emit', id: 0, event, synced: true }, caller, context);
    await beginApart(context.paths, spec, announce);
    return { execution: spec.id };
  },

  async web({ on, port, execution }, _caller, context) {
    if (!on) return await context.web.off();
    return await context.web.on({ port, execution: execution && (await lookUp(execution, context)).execution.id });
  },

  queues: (_request, _caller, { state }) => ({ queues: queueViews(state) }),

  async control({ execution, ifQueued, op: _op, id: _id, ...order }, _caller, context) {
    const found = (await lookUp(execution, context)).execution;
    if (ifQueued === true && found.status !== 'queued') {
      throw new ProgressError('bad_request', `${found.id} is not queued any more: ${found.status}`);
    }
    await context.runs.control(found, order);
    return { execution: found.id };
  },

  prune: async ({ executions }, _caller, { pruning }) => await pruning.prune(executions),

  async follow({ agent, on = true }, _caller, { following }) {
    if (agent !== undefined) await following.follow(agent, on);
    return { agents: following.status() };
  },

  async notify({ test, ...notice }, _caller, { alerts }) {
    const [channel] = notice.channels;
    if (channel === undefined) throw new ProgressError('bad_request', 'notify: name a channel');
    if (test) return { pending: [], attempt: await alerts.test(channel) };
    return { pending: await alerts.notify(notice) };
  },

  rules: (_request, _caller, { alerts }) => ({ rules: alerts.rules(), channels: alerts.status().channels }),

  status: (_request, _caller, { status }) => status(),
};

const HANDLERS: { [K in Op]: BoundHandler<K> } = { ...PLAIN, ...BOUND };

function isListed(execution: Execution, { all, text = '', statuses, since }: ListRequest): boolean {
  if (all !== true && isFinal(execution.status)) return false;
  if (statuses && !statuses.includes(execution.status)) return false;
  if (since !== undefined && (execution.startedAt ?? execution.queuedAt ?? '') < since) return false;
  return mentions(execution, text);
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

/** An execution as it is at this position. */
interface Known {
  execution: Execution;
  seq: number;
}

async function subjectOf(text: string, context: HandlerContext): Promise<Subject> {
  return toSubject(await lookUp(text, context));
}

function toSubject({ execution: { id, firstSeq, lines = 0 }, seq }: Known): Subject {
  return { id, firstSeq, lines, seq };
}

/** What a command has begun before it asks may still be on its way. */
async function lookUp(text: string, context: HandlerContext): Promise<Known> {
  const known = await find(text, context);
  if (known) return known;
  await context.catchUp();
  const late =
    (await find(text, context)) ?? ((await context.runs.appears(text)) ? await find(text, context) : undefined);
  if (!late) throw new ProgressError('not_found', `no execution ${JSON.stringify(text)}`);
  return late;
}

/** In memory, else by the indexes of the journal. */
async function find(text: string, { state, journal }: HandlerContext): Promise<Known | undefined> {
  const { seq } = state;
  const known = findExecution(state, text);
  const found = known ? { execution: known } : findByText(newestFirst(state), text);
  if (found && 'ambiguous' in found) throw ambiguous(text, found.ambiguous);
  if (found && !found.execution.summarised) return { ...found, seq };
  const [id, another] = found ? [found.execution.id] : await findExecutions(journal.source, text);
  if (another !== undefined) throw ambiguous(text, [id ?? '', another]);
  if (id === undefined) return undefined;
  // the caller follows from this position on, while more is written
  const execution = await readExecution(journal.source, id, seq);
  if (execution) return { execution, seq };
  return found && { ...found, seq: state.seq };
}

function ambiguous(text: string, ids: string[]): ProgressError {
  return new ProgressError('ambiguous', `${JSON.stringify(text)} may be ${ids.join(', ')}: write more of the id`);
}
