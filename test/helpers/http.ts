/** A daemon that listens over TCP, and clients: well-formed requests, and raw bytes. */
import { readFileSync } from 'node:fs';
import { connect as dial } from 'node:net';
import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { Test } from 'tap';
import type { Client } from '../../src/client/client.js';
import type { Home } from './daemon.js';
import { createHome } from './daemon.js';
import { readAll } from './journal.js';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  json: Record<string, unknown>;
}

export interface Ask {
  method?: string;
  headers?: Record<string, string | string[]>;
  body?: string;
  /** Use the Unix socket. */
  local?: boolean;
  /** Send only the given headers. */
  isBare?: boolean;
}

export interface WebHome {
  home: Home;
  client: Client;
  port: number;
  token: string;
  /** Headers of a program with the token; further ones replace these. */
  ask(path: string, options?: Ask): Promise<Answer>;
  /** Sends any bytes and returns the response as text. */
  raw(bytes: string): Promise<string>;
}

/** Any free port, so that tests do not collide. */
export async function openWeb(t: Test, config = ''): Promise<WebHome> {
  const home = createHome(t);
  if (config) (await import('node:fs')).writeFileSync(home.paths.config, config);
  await home.startDaemon();
  const client = await home.connect();
  t.teardown(() => client.destroy());
  const port = await freePort();
  await client.call('web', { on: true, port });
  // the daemon listens, so the port is known
  const token = readFileSync(home.paths.webToken, 'utf8').trim();
  return {
    home,
    client,
    port,
    token,
    ask(path, options = {}) {
      if (options.isBare) return ask(port, home.paths.httpSocket, path, options);
      const origin: Record<string, string> = options.method === 'POST' ? { Origin: `http://127.0.0.1:${port}` } : {};
      const type: Record<string, string> = options.body === undefined ? {} : { 'Content-Type': 'application/json' };
      const headers = { Authorization: `Bearer ${token}`, ...origin, ...type, ...options.headers };
      return ask(port, home.paths.httpSocket, path, { ...options, headers });
    },
    raw: (bytes) => rawExchange(port, bytes),
  };
}

export async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  return await new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function ask(port: number, socketPath: string, path: string, options: Ask): Promise<Answer> {
  const { method = 'GET', headers = {}, body, local = false } = options;
  const where = local ? { socketPath } : { host: '127.0.0.1', port };
  return await new Promise((resolve, reject) => {
    const request = httpRequest({ ...where, path, method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        const isJson = response.headers['content-type']?.startsWith('application/json') && text !== '';
        const json = (isJson ? JSON.parse(text) : {}) as Record<string, unknown>;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function rawExchange(port: number, bytes: string): Promise<string> {
  return await new Promise((resolve) => {
    const socket = dial({ host: '127.0.0.1', port });
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
    // half closed, so that the server closes after its response
    socket.end(bytes, 'latin1');
  });
}

/** One message of a stream. */
export interface Message {
  id?: string;
  event?: string;
  data?: string;
}

/** Reads server-sent events as the standard specifies: any line ends, any chunks. */
export function createEventReader(onMessage: (message: Message) => void) {
  let rest = '';
  return (text: string) => {
    rest += text;
    const blocks = rest.split(/\r\n\r\n|\n\n|\r\r/);
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const message: Message = {};
      for (const line of block.split(/\r\n|\n|\r/)) {
        const [, field = '', value = ''] = /^([^:]*):? ?([\s\S]*)$/.exec(line) ?? [];
        if (field === 'id' || field === 'event') message[field] = value;
        if (field === 'data') message.data = message.data === undefined ? value : `${message.data}\n${value}`;
      }
      onMessage(message);
    }
  };
}

export interface OpenStream {
  status: number;
  headers: IncomingHttpHeaders;
  messages: Message[];
  /** All events so far. */
  seqs(): number[];
  close(): void;
}

/** Follows a stream over the Unix socket. */
export async function openStream(
  t: Test,
  home: Home,
  query = '',
  headers: Record<string, string | string[]> = {},
): Promise<OpenStream> {
  return await new Promise((resolve, reject) => {
    const options = { socketPath: home.paths.httpSocket, path: `/stream/progress${query}`, headers, agent: false };
    const request = httpRequest(options, (response) => {
      const messages: Message[] = [];
      response.setEncoding('utf8').on(
        'data',
        createEventReader((message) => messages.push(message)),
      );
      response.on('error', () => undefined);
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        messages,
        seqs: () =>
          messages.flatMap(({ event, data }) => {
            if (event?.startsWith('stream_')) return [];
            return ([JSON.parse(data ?? '[]')] as { seq: number }[]).flat().map(({ seq }) => seq);
          }),
        close: () => request.destroy(),
      });
    });
    t.teardown(() => request.destroy());
    request.on('error', reject);
    request.end();
  });
}

/** Seqs of all events in the journal. */
export async function writtenSeqs(home: Home): Promise<number[]> {
  return (await readAll(home.paths.journal)).seqs;
}
