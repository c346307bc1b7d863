/** Client of the daemon's HTTP API. The token travels in a header, never in an address. */
import type { SessionReply } from '../src/api/http-replies.js';
import type { Ask, Op, Replies } from '../src/api/messages.js';
import type { ListReply, LogReply, SearchReply } from '../src/api/replies.js';

/** Fields of a request besides the execution. */
type Query<K extends Op> = Omit<Ask<K>, 'execution'>;

/** Conditions on lines, and the range to search. */
export type LogQuery = Query<'search'>;

export type Action = 'stop' | 'pause' | 'resume';

/** @property status HTTP status; 0 if there was no answer. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const TIMEOUT_MS = 30_000;

export class Api {
  token: string | undefined;

  /** Exchanges the code of an address for a token. */
  async redeem(code: string): Promise<string> {
    const { token } = await this.#json<SessionReply>('session', post({ code }));
    return token;
  }

  async list(query: Ask<'list'>): Promise<ListReply> {
    return await this.#json(`executions${queryOf(query)}`);
  }

  async get(id: string): Promise<Replies['get']> {
    return await this.#json(pathOf(id));
  }

  async log(id: string, query: Query<'log'>): Promise<LogReply> {
    return await this.#json(pathOf(id, '/log', query));
  }

  async search(id: string, query: LogQuery, signal?: AbortSignal): Promise<SearchReply> {
    return await this.#json(pathOf(id, '/search', query), signal && { signal });
  }

  async timeline(id: string): Promise<Replies['timeline']> {
    return await this.#json(pathOf(id, '/timeline'));
  }

  /** Returns the whole log as text. */
  async text(id: string): Promise<Blob> {
    return await (await this.#request(pathOf(id, '/text'))).blob();
  }

  async control(id: string, action: Action): Promise<void> {
    await this.#request(pathOf(id, `/${action}`), post({}));
  }

  /** @returns The ID of the new execution. */
  async rerun(id: string): Promise<string> {
    const { execution } = await this.#json<Replies['rerun']>(pathOf(id, '/rerun'), post({}));
    return execution;
  }

  async #json<T>(path: string, init?: RequestInit): Promise<T> {
    return (await (await this.#request(path, init)).json()) as T;
  }

  /** @throws ApiError unless the status is 2xx, or what aborted the caller's signal. */
  async #request(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = {
      ...(this.token !== undefined && { Authorization: `Bearer ${this.token}` }),
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
  }
}

function post(body: object): RequestInit {
  return { method: 'POST', body: JSON.stringify(body) };
}

function pathOf(id: string, part = '', query: object = {}): string {
  return `executions/${encodeURIComponent(id)}${part}${queryOf(query)}`;
}

function queryOf(query: object): string {
  const given = Object.entries(query).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]]));
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}
