/** Types of HTTP routes: what serves one method of one path. */
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface HttpRoute {
  method: 'GET' | 'POST';
  /** A page, to which any site may link. */
  document?: true;
  /** Needs no token, because it holds no secret. */
  open?: true;
  serve(call: HttpCall): Promise<void> | void;
}

/** One request that has passed the checks. */
export interface HttpCall {
  request: IncomingMessage;
  response: ServerResponse;
  query: URLSearchParams;
  /** Reads the body as JSON. */
  readonly body: () => Promise<unknown>;
}

export interface HttpRouter {
  /** The routes of a path, one for each method; none where nothing is served. */
  find(path: string): HttpRoute[];
}
