/** A client's end of the wire, without the wire: bytes in, bytes out; requests matched with their replies. */
import type { ErrorJson } from '../core/errors.js';
import { ProgressError } from '../core/errors.js';
import { describeValue } from '../core/excerpt.js';
import { createLineDecoder, encodeLine } from './lines.js';
import type { Ack, Op, RunCommand, Push, Replies, Request, RequestId } from '../api/messages.js';
import { MAX_LINE_BYTES, MAX_REPLY_BYTES } from '../api/messages.js';

export interface ChannelOptions {
  write: (line: string) => void;
  onPush?: (push: Push) => void;
  onOrder?: (order: RunCommand['order']) => void;
  onAck?: (ack: Ack['ack']) => void;
  /** About a line that was no request. */
  onError?: (error: ProgressError) => void;
  /** What comes is no line of a daemon: nothing after it can be understood. */
  onBroken: (error: ProgressError) => void;
}

/** A request without what the channel adds. */
export type Ask<K extends Op> = Omit<Extract<Request, { op: K }>, 'op' | 'id'>;

export interface ProtocolChannel {
  receive(chunk: Buffer): void;
  /** Rejects with the daemon's error, or with the reason of `close`. */
  request<K extends Op>(op: K, fields: Ask<K>, id?: RequestId): Promise<Replies[K]>;
  /** Every open request fails for this reason. */
  close(reason: ProgressError): void;
}

interface Waiting {
  resolve: (reply: never) => void;
  reject: (error: ProgressError) => void;
}

export function createProtocolChannel({
  write,
  onPush,
  onOrder,
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
    // what the daemon says is trusted as far as this: it is our own program, behind a directory of our own
    if (!line)
      onBroken(new ProgressError('unavailable', `this is no daemon of progress: it says ${describeValue(text)}`));
    else if ('re' in line) settle(line['re'] as RequestId, line);
    else if ('on' in line) onPush?.(line as Push);
    else if ('order' in line) onOrder?.((line as unknown as RunCommand).order);
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
      // the daemon would skip it, and could not tell which request it was
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
