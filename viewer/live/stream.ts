/** One request for the daemon's event stream, read until it ends; a watchdog aborts it when nothing arrives. */
import type { Message } from './sse.js';
import { MessageParser } from './sse.js';

/**
 * Why the reading ended. `ended`: the response is complete and had messages. `silent`: it was aborted before the first
 * message. `refused`: the daemon does not accept the token.
 */
export type StreamEnd = 'ended' | 'failed' | 'refused' | 'silent';

export interface StreamRequest {
  query: Readonly<Record<string, string>>;
  token: string;
  /** Aborts the request, also on behalf of the watchdog. */
  controller: AbortController;
  /** Returns the longest time between two messages, in milliseconds. */
  watchdogMs: () => number;
  onMessage: (message: Message) => void;
}

/** A proxy that buffers responses forwards nothing until they end. */
const FIRST_MESSAGE_MS = 5_000;

export async function readStream(request: StreamRequest): Promise<StreamEnd> {
  const { query, token, controller, watchdogMs, onMessage } = request;
  let messages = 0;
  let watchdog = setTimeout(() => controller.abort(), FIRST_MESSAGE_MS);
  try {
    const response = await fetch(`/stream/progress?${new URLSearchParams(query).toString()}`, {
      headers: { Authorization: `Bearer ${token}` },
      signal: controller.signal,
    });
    if (response.status === 401) return 'refused';
    if (!response.ok || !response.body) return 'failed';
    const parser = new MessageParser((message) => {
      messages++;
      onMessage(message);
    });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return messages > 0 ? 'ended' : 'failed';
      clearTimeout(watchdog);
      parser.push(value);
      watchdog = setTimeout(() => controller.abort(), watchdogMs());
    }
  } catch {
    // a failure without an abort is a refused or broken connection
    return controller.signal.aborted && messages === 0 ? 'silent' : 'failed';
  } finally {
    clearTimeout(watchdog);
  }
}
