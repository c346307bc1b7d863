/** A fake daemon: listens on the socket and sends the answers of a test. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import type { Paths } from '../../src/platform/paths.js';
import { resolvePaths } from '../../src/platform/paths.js';
import { createLineDecoder, encodeLine } from '../../src/protocol/lines.js';

/** One line of a client, requests and events alike. */
export type Line = Record<string, unknown>;

export interface FakeDaemon {
  paths: Paths;
  sockets: Set<Socket>;
  /** Every line that came, oldest first. */
  lines: Line[];
  close(): Promise<void>;
}

/** Returns the answer to a line; undefined for none. */
export type Answer = (line: Line, socket: Socket) => object | undefined;

/** Answer to hello of a daemon of this version. */
export const HELLO = { protocol: 1, version: '0.1.0', journal: 'j1', pid: 1, seq: 0 };

export function createPaths(t: Test): Paths {
  const directory = mkdtempSync(path.join(tmpdir(), 'progress-fake-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const paths = resolvePaths({ PROGRESS_HOME: directory, HOME: directory });
  mkdirSync(paths.runtime, { recursive: true });
  return paths;
}

export async function listenAs(t: Test, paths: Paths, answer: Answer): Promise<FakeDaemon> {
  const sockets = new Set<Socket>();
  const lines: Line[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    const decoder = createLineDecoder({
      maxBytes: 2 * 1024 * 1024,
      onBad: () => undefined,
      onLine: (text) => {
        const line = JSON.parse(text) as Line;
        lines.push(line);
        const reply = answer(line, socket);
        if (reply && socket.writable) socket.write(encodeLine('id' in line ? { re: line['id'], ...reply } : reply));
      },
    });
    socket.on('data', (chunk) => decoder.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(paths.socket, resolve));
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  t.teardown(close);
  return { paths, sockets, lines, close };
}
