/** Reads the body of a request as JSON, up to a bound. */
import type { IncomingMessage } from 'node:http';
import { isUtf8 } from 'node:buffer';
import { ProgressError } from '../../core/base/errors.js';
import type { Fields } from '../../core/events/fields.js';
import { MAX_LINE_BYTES } from '../../api/messages.js';
import { parseLine } from '../../protocol/validate.js';

/** Reads a body of at most the size of a line on the socket. An empty body is an empty object. */
export async function readBody(request: IncomingMessage): Promise<Fields> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_LINE_BYTES) throw new ProgressError('too_long', `a body takes at most ${MAX_LINE_BYTES} bytes`);
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  if (body.length === 0) return {};
  if (!isUtf8(body)) throw new ProgressError('bad_utf8', 'the body is not UTF-8');
  return parseLine(body.toString(), 1);
}
