/** Table of request handlers, one file for each operation; an operation without a handler does not compile. */
import type { ConnectionOp, Op, PlainOp } from '../../api/messages.js';
import { openSubscription } from '../read/subscription.js';
import type { ConnectionHandler, HandlerContext, Handlers, PlainHandler } from './request-context.js';
import { subjectOf } from './find-execution.js';
import { handleAttach } from './attach.js';
import { handleControl } from './control.js';
import { handleEmit } from './emit.js';
import { handleFollow } from './follow.js';
import { handleGet } from './get.js';
import { handleHello } from './hello.js';
import { handleList } from './list.js';
import { handleLog } from './log.js';
import { handleMove } from './move.js';
import { handleNotify } from './notify.js';
import { handlePrune } from './prune.js';
import { handleQueues } from './queues.js';
import { handleRerun } from './rerun.js';
import { handleRules } from './rules.js';
import { handleSearch } from './search.js';
import { handleShutdown } from './shutdown.js';
import { handleStats } from './stats.js';
import { handleStatus } from './status.js';
import { handleSubscribe } from './subscribe.js';
import { handleTimeline } from './timeline.js';
import { handleUnsubscribe } from './unsubscribe.js';
import { handleWeb } from './web.js';

const CONNECTION: { [K in ConnectionOp]: ConnectionHandler<K> } = {
  hello: handleHello,
  subscribe: handleSubscribe,
  unsubscribe: handleUnsubscribe,
  attach: handleAttach,
  shutdown: handleShutdown,
};
const PLAIN: { [K in PlainOp]: PlainHandler<K> } = {
  emit: handleEmit,
  list: handleList,
  get: handleGet,
  log: handleLog,
  search: handleSearch,
  stats: handleStats,
  timeline: handleTimeline,
  rerun: handleRerun,
  web: handleWeb,
  move: handleMove,
  queues: handleQueues,
  control: handleControl,
  prune: handlePrune,
  follow: handleFollow,
  notify: handleNotify,
  rules: handleRules,
  status: handleStatus,
};
const HANDLERS: { [K in Op]: ConnectionHandler<K> } = { ...PLAIN, ...CONNECTION };

export function createHandlers(context: HandlerContext): Handlers {
  return {
    async answer(request, connection) {
      const handler = HANDLERS[request.op] as ConnectionHandler<Op>;
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
