/** A model on the loopback: serves the APIs of three vendors from one script, so that agents run without an account. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { anthropic } from './anthropic.js';
import { gemini } from './gemini.js';
import { openai } from './openai.js';

/** One answer of the model. Each one but the last calls one tool. */
export interface Turn {
  text: string;
  call?: ToolCall;
}

export type ToolCall = { tool: 'shell'; command: string } | { tool: 'write'; file: string; text: string };

/** Tokens of each answer; `input` does not include `cached`. */
export const USAGE = { input: 1_000, cached: 200, output: 30 };
export const TOKENS_OF_TURN = USAGE.input + USAGE.cached + USAGE.output;

/** The turns in order, or an error that refuses every request. */
export type Script = readonly Turn[] | { status: number; kind: string; message: string };

export type Json = Readonly<Record<string, unknown>>;

/** How a vendor's API encodes it. */
export interface Dialect {
  isPath(path: string): boolean;
  /** Number of tool results in this conversation; undefined if it is not a turn of the agent. */
  resultsIn(request: Json): number | undefined;
  contentType: string;
  answer(turn: Turn, index: number): string;
  refuse(error: { status: number; kind: string; message: string }): string;
}

const DIALECTS: readonly Dialect[] = [anthropic, openai, gemini];

export interface StandIn {
  url: string;
  /** From now on. */
  play(script: Script): void;
  /** Number of turns that were requested. */
  readonly asked: number;
  /** Requested paths that are not served. */
  readonly unknown: readonly string[];
  close(): Promise<void>;
}

export async function startStandIn(): Promise<StandIn> {
  let script: Script = [];
  let asked = 0;
  const unknown: string[] = [];

  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request);
    const path = request.url ?? '';
    const dialect = DIALECTS.find((one) => one.isPath(path));
    if (!dialect || request.method !== 'POST') {
      unknown.push(`${request.method ?? ''} ${path}`);
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"message":"not found"}}');
      return;
    }
    const index = dialect.resultsIn(JSON.parse(body) as Json);
    if (index !== undefined) asked += 1;
    if (!Array.isArray(script)) {
      const refusal = script as Exclude<Script, readonly Turn[]>;
      response.writeHead(refusal.status, { 'content-type': 'application/json' }).end(dialect.refuse(refusal));
      return;
    }
    const turns = script as readonly Turn[];
    const turn = (index === undefined ? undefined : turns[index]) ?? { text: 'ok' };
    response.writeHead(200, { 'content-type': dialect.contentType }).end(dialect.answer(turn, index ?? 0));
  };

  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    play(next) {
      script = next;
      asked = 0;
    },
    get asked() {
      return asked;
    },
    unknown,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Server-sent events. */
export function serverSent(events: readonly (Json & { type?: string })[]): string {
  return events
    .map((event) => `${event.type === undefined ? '' : `event: ${event.type}\n`}data: ${JSON.stringify(event)}\n\n`)
    .join('');
}

/** The objects of a list. */
export function objects(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter((item): item is Json => typeof item === 'object' && item !== null) : [];
}
