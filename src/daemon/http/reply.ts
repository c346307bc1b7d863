/** Writes responses, all with the security headers; errors have the form that they have on the socket. */
import type { ServerResponse } from 'node:http';
import type { HttpError } from '../../api/http-replies.js';
import type { ProgressError } from '../../core/base/errors.js';
import { SECURITY_HEADERS } from './headers.js';

export interface Answer {
  status?: number;
  type: string;
  body: string | Buffer;
  headers?: Readonly<Record<string, string>>;
}

export const JSON_TYPE = 'application/json; charset=utf-8';
/** For retryable errors, in seconds. */
const RETRY_AFTER = '5';

export function send(response: ServerResponse, { status = 200, type, body, headers = {} }: Answer): void {
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    'Content-Type': type,
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
  });
  response.end(body);
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  send(response, { status, type: JSON_TYPE, body: `${JSON.stringify(value)}\n` });
}

/** Refuses a request that was not read: the text is constant and repeats nothing of the request. */
export function sendRefusal(
  response: ServerResponse,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  // the rest of a body is not read
  const close = { Connection: 'close', ...headers };
  const body: HttpError = { error: { message } };
  send(response, { status, type: JSON_TYPE, body: `${JSON.stringify(body)}\n`, headers: close });
}

export function sendError(response: ServerResponse, error: ProgressError): void {
  const status = httpStatusOf(error);
  const headers = status === 503 ? { 'Retry-After': RETRY_AFTER } : {};
  send(response, { status, type: JSON_TYPE, body: `${JSON.stringify({ error })}\n`, headers });
}

/** Status by the sysexits(3) status of an error, more specific where HTTP is. */
export function httpStatusOf({ code, exitStatus }: ProgressError): number {
  if (code === 'ambiguous') return 409;
  if (code === 'too_long') return 413;
  return BY_EXIT_STATUS.get(exitStatus) ?? 500;
}

const BY_EXIT_STATUS: ReadonlyMap<number, number> = new Map([
  [64, 400],
  [65, 400],
  [66, 404],
  [69, 503],
  [74, 503],
  [75, 503],
  [77, 403],
]);
