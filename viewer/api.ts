/** Questions to the daemon, with the token that no address ever holds. */
import type { ExecutionJson } from '../src/core/execution.js';
import type { LogFilter, LogLine } from '../src/core/log.js';
import type { TypicalDuration } from '../src/core/typical-duration.js';

export interface ListReply {
  executions: ExecutionJson[];
  seq: number;
  more?: number;
}

export interface LogReply {
  lines: LogLine[];
  total: number;
  seq: number;
}

/** Lines that are wanted, and which of them are asked about. */
export interface LogQuery extends LogFilter {
  /** The text is a regular expression. */
  regex?: boolean;
  from?: number;
  to?: number;
  /** Where in the lines it was found is wanted too. */
  marks?: boolean;
}

export interface SearchReply {
  ranges: [from: number, to: number][];
  marks?: [line: number, start: number, end: number][];
  matched: number;
  total: number;
  seq: number;
}

export interface TimelineReply {
  steps: { step: string; line: number }[];
  pauses: [from: number, to: number | null][];
  samples: [at: number, cpu: number, rss: number][];
  usual?: TypicalDuration;
}

/** `status` 0: there was no answer. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type Action = 'stop' | 'pause' | 'resume';

export interface Api {
  token: string | undefined;
  redeem(code: string): Promise<string>;
  list(fields: Record<string, string>): Promise<ListReply>;
  get(id: string): Promise<{ execution: ExecutionJson; seq: number }>;
  log(id: string, fields: Record<string, number | string>): Promise<LogReply>;
  search(id: string, search: LogQuery, signal?: AbortSignal): Promise<SearchReply>;
  timeline(id: string): Promise<TimelineReply>;
  text(id: string): Promise<Blob>;
  control(id: string, action: Action): Promise<void>;
  /** The id of the new one. */
  rerun(id: string): Promise<string>;
}

/** A question that is not answered within this time will not be. */
const PATIENCE_MS = 30_000;

export function createApi(): Api {
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = {
      ...(api.token !== undefined && { Authorization: `Bearer ${api.token}` }),
      ...(init.body !== undefined && { 'Content-Type': 'application/json' }),
    };
    const signal = init.signal ?? AbortSignal.timeout(PATIENCE_MS);
    const response = await fetch(`/api/v1/${path}`, { ...init, headers, signal }).catch((cause: unknown) => {
      if (init.signal?.aborted) throw cause;
      throw new ApiError(0, 'the daemon does not answer');
    });
    if (response.ok) return response;
    const answer = (await response.json().catch(() => ({}))) as { error?: { message?: string } };
    throw new ApiError(response.status, answer.error?.message ?? `status ${response.status}`);
  };
  const read = async <T>(path: string, init?: RequestInit) => (await (await ask(path, init)).json()) as T;
  const of = (id: string, part = '', fields: Record<string, string | number | boolean | undefined> = {}) => {
    const given = Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]]));
    const query = new URLSearchParams(given).toString();
    return `executions/${encodeURIComponent(id)}${part}${query && `?${query}`}`;
  };

  const api: Api = {
    token: undefined,
    async redeem(code) {
      const { token } = await read<{ token: string }>('session', { method: 'POST', body: JSON.stringify({ code }) });
      return token;
    },
    list: (fields) => read(`executions?${new URLSearchParams(fields).toString()}`),
    get: (id) => read(of(id)),
    log: (id, fields) => read(of(id, '/log', fields)),
    search: (id, search, signal) => read(of(id, '/search', { ...search }), signal && { signal }),
    timeline: (id) => read(of(id, '/timeline')),
    text: async (id) => await (await ask(of(id, '/text'))).blob(),
    async rerun(id) {
      return (await read<{ execution: string }>(of(id, '/rerun'), { method: 'POST', body: '{}' })).execution;
    },
    async control(id, action) {
      await ask(of(id, `/${action}`), { method: 'POST', body: '{}' });
    },
  };
  return api;
}
