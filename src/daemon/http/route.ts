/** Types of HTTP routes: what serves one method of one path. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiRoute } from '../../api/http-routes.js';
import type { Fields } from '../../core/events/fields.js';

export interface HttpRoute extends Pick<ApiRoute, 'method' | 'document' | 'open'> {
  serve(call: HttpCall): Promise<void> | void;
}

/** One request that has passed the checks. */
export interface HttpCall {
  request: IncomingMessage;
  response: ServerResponse;
  query: URLSearchParams;
  /** Reads the body as a JSON object. */
  readonly body: () => Promise<Fields>;
}

export interface HttpRouter {
  /** The routes of a path, one for each method; none where nothing is served. */
  find(path: string): HttpRoute[];
}
