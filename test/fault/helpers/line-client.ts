/** A raw connection that can send any bytes, also what no client would send. */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import type { Test } from 'tap';
import { createLineDecoder } from '../../../src/protocol/lines.js';
import { MAX_REPLY_BYTES } from '../../../src/api/messages.js';
import { waitFor } from '../../helpers/wait.js';

export interface Line extends Record<string, unknown> {
  error?: { code: string; message: string; line?: number; retryable?: true };
  events?: {
    seq: number;
    type: string;
    execution?: string;
    source?: string;
    n?: number;
    data: Record<string, unknown>;
  }[];
}

export interface LineClient {
  socket: Socket;
  /** All lines received, in order. */
  lines: Line[];
  /** Settles when the connection is closed, for whatever reason. */
  closed: Promise<void>;
  write(text: string | Buffer): Promise<void>;
  /** Sends one request and returns its reply. */
  ask(fields: Record<string, unknown>): Promise<Line>;
  errors(): NonNullable<Line['error']>[];
  close(): void;
}

export async function openLines(t: Test, path: string, onLine?: (line: Line) => void): Promise<LineClient> {
  const socket = createConnection({ path });
  await once(socket, 'connect');
  const client: LineClient = {
    socket,
    lines: [],
    closed: new Promise((resolve) => socket.once('close', () => resolve())),
    async write(text) {
      if (socket.write(text)) return;
      await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), client.closed]);
    },
    async ask(fields) {
      const id = `ask-${client.lines.length}-${Math.random()}`;
      socket.write(`${JSON.stringify({ ...fields, id })}\n`);
      const reply = await waitFor(`a reply to ${String(fields['op'])}`, () => {
        return client.lines.findLast((line) => line['re'] === id) ?? (socket.destroyed && {});
      });
      if (reply['re'] === undefined) throw new Error('the connection is gone');
      return reply;
    },
    errors: () => client.lines.flatMap(({ re, error }) => (error && re === undefined ? [error] : [])),
    close: () => void socket.destroy(),
  };
  const decoder = createLineDecoder({
    maxBytes: MAX_REPLY_BYTES,
    onLine(text) {
      const line = JSON.parse(text) as Line;
      client.lines.push(line);
      onLine?.(line);
    },
    onBad: (error) => t.fail(error.message),
  });
  socket.on('data', (chunk: Buffer) => decoder.push(chunk));
  socket.on('error', () => undefined);
  t.teardown(() => socket.destroy());
  return client;
}
