/** The daemon over HTTP: always on a Unix socket beside its own, and on 127.0.0.1 while the viewer is on. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Config } from '../../config/load.js';
import { type Clock, realClock } from '../../core/clock.js';
import { errnoOf, ProgressError } from '../../core/errors.js';
import type { Paths } from '../../platform/paths.js';
import { readTextSync, replaceTextSync } from '../../platform/regular-file.js';
import type { Log } from '../daemon-log.js';
import { bindUnix } from '../../platform/unix-socket.js';
import type { Access } from './access.js';
import { CODE_MS } from './access.js';
import type { Web } from '../requests/request-context.js';
import type { HttpRouter } from './router.js';
import { createHttpServer, MAX_REFUSALS } from './server.js';

export interface Http extends Web {
  /** Listens, moves or leaves where the configuration says so and nobody has asked for the viewer. */
  configure(config: Config['web']): Promise<void>;
  close(): Promise<void>;
}

export interface HttpOptions {
  paths: Paths;
  config: Config['web'];
  access: Access;
  router: HttpRouter;
  /** Connections of each listener that the descriptors of the process allow. */
  places: number;
  reject: (code: string) => void;
  log: Log;
  clock?: Clock;
}

const HOST = '127.0.0.1';
/** Ports that are tried, from the configured one on. */
const PORTS_TRIED = 20;
/** Beyond the streams: for pages and what they ask. */
const ROOM_FOR_REQUESTS = 64;
/** A page for the browser's command line, which others can read: it leads on to the address with the code. */
const PAGE = /^open-[0-9a-f]+\.html$/;

/** Listens on the Unix socket, and over TCP if it is configured or was on when the last daemon left. */
export async function openHttp(options: HttpOptions): Promise<Http> {
  const { paths, access, router, places, reject, log, clock = realClock } = options;
  let { config } = options;
  const maxConnections = () => Math.min(config.maxStreams + ROOM_FOR_REQUESTS, places - MAX_REFUSALS);
  const shared = { router, access, maxConnections, reject };
  removePages(paths.runtime);
  const local = createHttpServer({ door: 'unix', ...shared });
  const bound = await bindUnix(local, paths.httpSocket);
  let listening: { server: Server; port: number } | undefined;
  const removals = new Set<() => void>();

  const listen = async (wanted: number | undefined): Promise<number> => {
    if (listening && (wanted === undefined || wanted === listening.port)) return listening.port;
    return await open(wanted === undefined ? candidatesFrom(rememberedPort(paths.web), config.port) : [wanted]);
  };

  const open = async (candidates: readonly number[]): Promise<number> => {
    access.prepare();
    const server = createHttpServer({ door: 'tcp', ...shared });
    const port = await bindFirst(server, candidates);
    await stopListening();
    listening = { server, port };
    log(`viewer on http://${HOST}:${port}/`);
    return port;
  };

  const stopListening = async () => {
    const server = listening?.server;
    listening = undefined;
    if (server) await closeServer(server);
  };

  const tell = (error: unknown) => log(`no viewer: ${ProgressError.from(error).message}`);

  if (config.enabled || rememberedPort(paths.web) !== undefined) await listen(undefined).catch(tell);

  return {
    async on({ port: wanted, execution }) {
      const port = await listen(wanted);
      replaceTextSync(paths.web, `${JSON.stringify({ port })}\n`);
      const at = execution === undefined ? '' : `executions/${encodeURIComponent(execution)}`;
      const url = `http://${HOST}:${port}/${at}`;
      const code = access.issueCode();
      const page = writePage(paths.runtime, `${url}#c=${code}`);
      const forget = clock.after(CODE_MS, () => {
        removals.delete(forget);
        rmSync(page, { force: true });
      });
      removals.add(forget);
      return { url, code, page };
    },
    async off() {
      await stopListening();
      access.revoke();
      rmSync(paths.web, { force: true });
      removePages(paths.runtime);
      return { url: null };
    },
    async configure(given) {
      const before = config;
      config = given;
      for (const server of [local, listening?.server]) {
        if (server) server.maxConnections = maxConnections() + MAX_REFUSALS;
      }
      if (rememberedPort(paths.web) !== undefined) return;
      if (!config.enabled) await stopListening();
      else if (!listening || config.port !== before.port)
        await open(candidatesFrom(undefined, config.port)).catch(tell);
    },
    async close() {
      for (const forget of removals) forget();
      removePages(paths.runtime);
      bound.release();
      await Promise.all([stopListening(), closeServer(local)]);
    },
  };
}

/** Where open pages look for it first. */
function candidatesFrom(remembered: number | undefined, configured: number): number[] {
  const ports = Array.from({ length: PORTS_TRIED }, (_, index) => configured + index).filter((port) => port < 65_536);
  return remembered === undefined ? ports : [remembered, ...ports];
}

async function bindFirst(server: Server, ports: readonly number[]): Promise<number> {
  for (const port of ports) {
    try {
      server.listen({ host: HOST, port, exclusive: true });
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    } catch (error) {
      if (errnoOf(error) !== 'EADDRINUSE' && errnoOf(error) !== 'EACCES') throw error;
    }
  }
  const tried =
    ports.length === 1 ? `port ${ports[0] ?? ''} is` : `ports ${ports[0] ?? ''} to ${ports.at(-1) ?? ''} are`;
  throw new ProgressError('unavailable', `${tried} taken: name another one with --port`);
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

function rememberedPort(file: string): number | undefined {
  try {
    const { port } = JSON.parse(readTextSync(file) ?? '{}') as { port?: unknown };
    return typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
  } catch {
    return undefined; // it was off, or somebody else wrote there
  }
}

function writePage(directory: string, target: string): string {
  const file = path.join(directory, `open-${randomBytes(8).toString('hex')}.html`);
  const html = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=${target}"><title>progress</title>\n`;
  writeFileSync(file, html, { mode: 0o600, flag: 'wx' });
  return file;
}

function removePages(directory: string): void {
  for (const name of readdirSync(directory)) if (PAGE.test(name)) rmSync(path.join(directory, name), { force: true });
}
