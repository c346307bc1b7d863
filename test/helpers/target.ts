/** A target for webhooks: a server that records its requests, with answers of the test. */
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Test } from 'tap';
import type { Certificate } from './certificate.js';

export interface Asked {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

export interface Target {
  port: number;
  /** Address at `localhost`, with this path. */
  url(path?: string): string;
  /** So far, the oldest first. */
  asked: Asked[];
  /** Open connections. */
  connections: Set<Socket>;
}

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

export async function startTarget(t: Test, answer: Answer, certificate?: Certificate): Promise<Target> {
  const asked: Asked[] = [];
  const listener: RequestListener = (request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      asked.push({ method, path: url, headers: headers as Record<string, string>, body });
      answer(response, request);
    });
  };
  const server = certificate ? createHttpsServer(certificate, listener) : createHttpServer(listener);
  const { port, connections } = await listen(t, server);
  const url = (path = '/') => `${certificate ? 'https' : 'http'}://localhost:${port}${path}`;
  return { port, url, asked, connections };
}

/** Listens on a free port until the test ends. */
export async function listen(t: Test, server: Server): Promise<{ port: number; connections: Set<Socket> }> {
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.on('error', () => undefined).once('close', () => connections.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  t.teardown(async () => {
    for (const socket of connections) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, connections };
}
