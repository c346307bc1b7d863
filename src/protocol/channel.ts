/** Implements the client side of the protocol over any transport: matches replies with requests and dispatches pushes. */
import type { ErrorJson } from '../core/base/errors.js';
import { ProgressError } from '../core/base/errors.js';
import { describeValue } from '../core/text/excerpt.js';
import { createLineDecoder, encodeLine } from './lines.js';
import type { Ack, Ask, Op, Push, Replies, RequestId, RunCommand } from '../api/messages.js';
import { MAX_LINE_BYTES, MAX_REPLY_BYTES } from '../api/messages.js';

export interface ChannelOptions {
  write: (line: string) => void;
  onPush?: (push: Push) => void;
  onCommand?: (command: RunCommand) => void;
  onAck?: (ack: Ack['ack']) => void;
  /** Receives errors about lines that were not requests. */
  onError?: (error: ProgressError) => void;
  /** The peer does not speak the protocol; the connection is unusable. */
  onBroken: (error: ProgressError) => void;
}

export interface ProtocolChannel {
  receive(chunk: Buffer): void;
  /** @throws {ProgressError} The error of the daemon, or the reason given to `close`. */
  request<K extends Op>(op: K, fields: Ask<K>, id?: RequestId): Promise<Replies[K]>;
  /** Rejects every open and later request with this reason. */
  close(reason: ProgressError): void;
}

interface Waiting {
  resolve: (reply: never) => void;
  reject: (error: ProgressError) => void;
}

export function createProtocolChannel({
  write,
  onPush,
  onCommand,
  onAck,
  onError,
  onBroken,
}: ChannelOptions): ProtocolChannel {
  const waiting = new Map<RequestId, Waiting>();
  let ids = 0;
  let closed: ProgressError | undefined;

  const settle = (id: RequestId, line: Record<string, unknown>) => {
    const request = waiting.get(id);
    waiting.delete(id);
    const { re: _re, error, ...reply } = line;
    if (error !== undefined) request?.reject(ProgressError.fromJSON(error as ErrorJson));
    else request?.resolve(reply as never);
  };

  const onLine = (text: string) => {
    const line = parseObject(text);
    // replies are not validated further: the daemon is this program, behind a private directory
    if (!line)
      onBroken(new ProgressError('unavailable', `the peer is not a progress daemon: it sent ${describeValue(text)}`));
    else if ('re' in line) settle(line['re'] as RequestId, line);
    else if ('on' in line) onPush?.(line as unknown as Push);
    else if ('command' in line) onCommand?.(line['command'] as RunCommand);
    else if ('ack' in line) onAck?.(line['ack'] as Ack['ack']);
    else if ('error' in line) onError?.(ProgressError.fromJSON(line['error'] as ErrorJson));
  };

  const decoder = createLineDecoder({
    maxBytes: MAX_REPLY_BYTES,
    onLine,
    onBad: onBroken,
  });

  return {
    receive: (chunk) => decoder.push(chunk),
    request(op, fields, id = ++ids) {
      if (closed) return Promise.reject(closed);
      const line = encodeLine({ op, id, ...fields });
      const bytes = Buffer.byteLength(line);
      // the daemon would skip the line without knowing the ID of the request
      if (bytes > MAX_LINE_BYTES) {
        const message = `the request takes ${bytes} of ${MAX_LINE_BYTES} bytes: send less at once`;
        return Promise.reject(new ProgressError('too_long', message));
      }
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        write(line);
      });
    },
    close(reason) {
      closed ??= reason;
      for (const { reject } of waiting.values()) reject(reason);
      waiting.clear();
    },
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
