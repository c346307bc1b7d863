/**
 * The HTTP routes. The daemon's router, the OpenAPI document and the manual derive from this table, and the parameters of a
 * route from the fields of its request.
 */
import { choice, type FieldTable, flag, name, required } from './fields.js';
import type { ControlAction, Op, PlainOp } from './requests.js';
import { REQUESTS } from './requests.js';
import { CONTROL_ACTIONS } from './run-commands.js';

interface RouteBase {
  /** Unique name of the route. */
  readonly id: string;
  readonly method: 'GET' | 'POST';
  /** Names in braces are parameters: one segment of the path. */
  readonly path: string;
  /** What the route does, as a sentence in the imperative. */
  readonly summary: string;
  /** Fields read from the query. */
  readonly query: FieldTable;
  /** Status of a successful reply. */
  readonly status: 200 | 201 | 202;
  /** A page, to which any site may link. */
  readonly document?: true;
  /** Needs no token, because it holds no secret. */
  readonly open?: true;
}

/** A route that answers a request of the protocol, as JSON. */
export interface RequestRoute extends RouteBase {
  readonly serve: 'request';
  readonly op: PlainOp;
  /** Field of the request that is the whole body, or all fields that the body may have. */
  readonly body?: string | FieldTable;
  /** Values that the body may override. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** Values that the path implies. */
  readonly fixed?: Readonly<Record<string, string>>;
}

/** A route with its own code in the daemon. */
export interface CustomRoute extends RouteBase {
  readonly serve: CustomRouteId;
  readonly body?: FieldTable;
  /** Media type of the reply. */
  readonly type: string;
  /** Type in `http-replies.ts` of a reply in JSON. */
  readonly reply?: 'HealthReply' | 'SessionReply';
  /** Other status with the same reply. */
  readonly otherStatus?: 503;
}

export type CustomRouteId = 'text' | 'stream' | 'metrics' | 'health' | 'session' | 'page' | 'asset';
export type ApiRoute = RequestRoute | CustomRoute;

const EXECUTIONS = '/api/v1/executions';
const EXECUTION = `${EXECUTIONS}/{execution}`;

/** Fields of a stream in addition to those of the request `subscribe`. */
export const STREAM_FIELDS = {
  once: flag('End when all events written so far are sent.'),
  event: choice(
    ['message'],
    'Leave out the name of each message, so that `EventSource.onmessage` receives events of all types.',
  ),
  batches: flag('Send many events as one message `events`, whose data is a list of about a mebibyte at most.'),
};

const CODE = { code: required(name('Code of `progress web`.')) };

const CONTROL_SUMMARIES: Readonly<Record<ControlAction, string>> = {
  stop: 'Stop a run (SIGINT, then SIGKILL).',
  kill: 'Kill a run.',
  signal: 'Send a signal to a run.',
  pause: 'Pause a run.',
  resume: 'Resume a paused run.',
};

const html = { type: 'text/html; charset=utf-8', open: true, document: true, query: {}, status: 200 } as const;

export const HTTP_ROUTES: readonly ApiRoute[] = [
  read('listExecutions', EXECUTIONS, 'list'),
  read('getExecution', EXECUTION, 'get'),
  read('readLog', `${EXECUTION}/log`, 'log'),
  read('searchLog', `${EXECUTION}/search`, 'search'),
  {
    ...{ id: 'downloadLog', method: 'GET', path: `${EXECUTION}/text`, serve: 'text', query: {}, status: 200 },
    ...{ summary: 'Download the whole log as plain text.', type: 'text/plain; charset=utf-8' },
  },
  read('getTimeline', `${EXECUTION}/timeline`, 'timeline'),
  ...CONTROL_ACTIONS.map(control),
  {
    ...{ id: 'rerun', method: 'POST', path: `${EXECUTION}/rerun`, serve: 'request', op: 'rerun', status: 201 },
    ...{ summary: REQUESTS.rerun.summary, query: {} },
  },
  read('getStatistics', '/api/v1/stats', 'stats'),
  {
    ...{ id: 'move', method: 'POST', path: `${EXECUTION}/move`, serve: 'request', op: 'move', status: 200 },
    ...{ summary: REQUESTS.move.summary, query: {}, body: without('move', ['execution']), defaults: { by: 'web' } },
  },
  read('listQueues', '/api/v1/queues', 'queues'),
  read('getStatus', '/api/v1/status', 'status'),
  {
    ...{ id: 'emit', method: 'POST', path: '/emit', serve: 'request', op: 'emit', body: 'event', status: 201 },
    summary: 'Write one event. Status 200 with `duplicate` if it had been written before.',
    query: without('emit', ['event']),
  },
  {
    ...{ id: 'stream', method: 'GET', path: '/stream/progress', serve: 'stream', status: 200 },
    summary: 'Follow events as server-sent events.',
    query: { ...REQUESTS.subscribe.fields, ...STREAM_FIELDS },
    type: 'text/event-stream; charset=utf-8',
  },
  {
    ...{ id: 'getMetrics', method: 'GET', path: '/metrics', serve: 'metrics', query: {}, status: 200 },
    ...{ summary: 'Return metrics of the daemon for Prometheus.', type: 'text/plain; version=0.0.4; charset=utf-8' },
  },
  {
    ...{ id: 'getHealth', method: 'GET', path: '/healthz', serve: 'health', query: {}, open: true, status: 200 },
    summary: 'Return whether the journal can be written; if not, with status 503.',
    ...{ type: 'application/json', reply: 'HealthReply', otherStatus: 503 },
  },
  {
    ...{
      id: 'openSession',
      method: 'POST',
      path: '/api/v1/session',
      serve: 'session',
      query: {},
      open: true,
      status: 200,
    },
    ...{ summary: 'Exchange a one-time code for the token.', body: CODE },
    ...{ type: 'application/json', reply: 'SessionReply' },
  },
  { ...html, id: 'openViewer', method: 'GET', path: '/', serve: 'page', summary: 'Open the viewer.' },
  {
    ...html,
    ...{ id: 'openExecution', method: 'GET', path: '/executions/{execution}', serve: 'page' },
    summary: 'Open the page of an execution in the viewer.',
  },
  {
    ...{ id: 'getAsset', method: 'GET', path: '/assets/{file}', serve: 'asset', query: {}, open: true, status: 200 },
    ...{ summary: 'Return a file of the viewer.', type: '*/*' },
  },
];

/** Statuses of errors, with their meaning. */
export const ERROR_STATUSES = {
  400: 'The request is invalid.',
  401: 'The request has no valid token.',
  403: 'The request comes from another host, origin or site, or has a wrong code.',
  404: 'The execution, an execution of this name or the path does not exist.',
  405: 'The path has another method, see the header `Allow`.',
  409: 'The prefix of an ID is ambiguous.',
  413: 'The body is too long.',
  415: 'Over TCP a body must be `application/json`.',
  500: 'The daemon has a defect.',
  503: 'The daemon cannot serve the request at present; retry after the time in `Retry-After`.',
} as const;

/** Names of the parameters in a path. */
export function parametersOf(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter = '']) => parameter);
}

/** A GET whose query has all fields of the request that are not in the path. */
function read(id: string, path: string, op: PlainOp): RequestRoute {
  const { summary } = REQUESTS[op];
  const query = without(op, parametersOf(path));
  return { id, method: 'GET', path, serve: 'request', op, summary, query, status: 200 };
}

function control(action: ControlAction): RequestRoute {
  return {
    ...{ id: action, method: 'POST', path: `${EXECUTION}/${action}`, serve: 'request', op: 'control', query: {} },
    ...{ summary: CONTROL_SUMMARIES[action], body: without('control', ['execution', 'action']), status: 202 },
    ...{ defaults: { by: 'web' }, fixed: { action } },
  };
}

/** Fields of a request except these. */
function without(op: Op, names: readonly string[]): FieldTable {
  return Object.fromEntries(
    Object.entries<FieldTable[string]>(REQUESTS[op].fields).filter(([key]) => !names.includes(key)),
  );
}
