/** Calls of the daemon's HTTP API, with the bearer token. */
import type { SessionReply } from '../src/api/http-replies.js';
import type { Ask, Op, Replies } from '../src/api/messages.js';

export type { SearchReply } from '../src/api/messages.js';
export type TimelineReply = Pick<Replies['timeline'], 'steps' | 'pauses' | 'samples' | 'usual'>;
export type LogQuery = Query<'search'>;

/** Error of a call. `status` 0: the daemon did not answer. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type Action = 'stop' | 'pause' | 'resume';

/** Fields of a request about one execution, whose ID is part of the path. */
type Query<K extends Op> = Omit<Ask<K>, 'execution'>;

export interface Api {
  token: string | undefined;
  /** Exchanges a one-time code for the token. */
  redeem(code: string): Promise<string>;
  list(query: Ask<'list'>): Promise<Replies['list']>;
  get(id: string): Promise<Replies['get']>;
  log(id: string, query: Query<'log'>): Promise<Replies['log']>;
  search(id: string, query: Query<'search'>, signal?: AbortSignal): Promise<Replies['search']>;
  timeline(id: string): Promise<Replies['timeline']>;
  text(id: string): Promise<Blob>;
  control(id: string, action: Action): Promise<void>;
  /** Returns the ID of the new execution. */
  rerun(id: string): Promise<string>;
}

/** Timeout of a call. */
const TIMEOUT_MS = 30_000;

export function createApi(): Api {
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = {
      ...(api.token !== undefined && { Authorization: `Bearer ${api.token}` }),
      ...(init.body !== undefined && { 'Content-Type': 'application/json' }),
    };
    const signal = init.signal ?? AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(`/api/v1/${path}`, { ...init, headers, signal }).catch((cause: unknown) => {
      if (init.signal?.aborted) throw cause;
      throw new ApiError(0, 'the daemon does not answer');
    });
    if (response.ok) return response;
    const answer = (await response.json().catch(() => ({}))) as { error?: { message?: string } };
    throw new ApiError(response.status, answer.error?.message ?? `status ${response.status}`);
  };
  const read = async <T>(path: string, init?: RequestInit) => (await (await ask(path, init)).json()) as T;
  const executions = (id = '', part = '', query: object = {}) => {
    const given = Object.entries(query).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]]));
    const fields = new URLSearchParams(given).toString();
    return `executions${id && `/${encodeURIComponent(id)}`}${part}${fields && `?${fields}`}`;
  };

  const api: Api = {
    token: undefined,
    async redeem(code) {
      const { token } = await read<SessionReply>('session', { method: 'POST', body: JSON.stringify({ code }) });
      return token;
    },
    list: (query) => read(executions('', '', query)),
    get: (id) => read(executions(id)),
    log: (id, query) => read(executions(id, '/log', query)),
    search: (id, query, signal) => read(executions(id, '/search', query), signal && { signal }),
    timeline: (id) => read(executions(id, '/timeline')),
    text: async (id) => await (await ask(executions(id, '/text'))).blob(),
    async rerun(id) {
      return (await read<Replies['rerun']>(executions(id, '/rerun'), { method: 'POST', body: '{}' })).execution;
    },
    async control(id, action) {
      await ask(executions(id, `/${action}`), { method: 'POST', body: '{}' });
    },
  };
  return api;
}
