/** The daemon's HTTP listeners: always one on a Unix socket, and one on 127.0.0.1 while the viewer is on. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Config } from '../../config/load.js';
import { type Clock, realClock } from '../../core/base/clock.js';
import { errnoOf, ProgressError } from '../../core/base/errors.js';
import type { Paths } from '../../platform/paths.js';
import { replaceTextSync } from '../../platform/regular-file.js';
import { readWebPort, WEB_HOST } from '../../platform/web-port.js';
import type { Component } from '../component.js';
import type { Log } from '../daemon-log.js';
import { bindUnix, type BoundSocket } from '../../platform/unix-socket.js';
import type { Access } from './access.js';
import { CODE_MS } from './access.js';
import type { Web } from '../requests/request-context.js';
import type { HttpRouter } from './route.js';
import { createHttpServer, type Door, MAX_REFUSALS } from './server.js';

export interface HttpOptions {
  paths: Paths;
  config: Config['web'];
  access: Access;
  /** Connections of each listener that the descriptors of the process allow. */
  places: number;
  reject: (code: string) => void;
  log: Log;
  clock?: Clock;
}

/** Number of ports that are tried, starting with the configured one. */
const PORTS_TRIED = 20;
/** Connections in addition to streams, for pages and their requests. */
const ROOM_FOR_REQUESTS = 64;
/** Page that redirects to the URL with the code: other users can read the browser's command line, but not this file. */
const PAGE = /^open-[0-9a-f]+\.html$/;

/**
 * The HTTP listeners. The one over TCP opens at the start when it is configured or was on when the last daemon left,
 * and otherwise on request.
 */
export class Http implements Component, Web {
  readonly #options: HttpOptions;
  readonly #clock: Clock;
  readonly #removals = new Set<() => void>();
  #config: Config['web'];
  #router: HttpRouter | undefined;
  #local: { server: Server; bound: BoundSocket } | undefined;
  #listening: { server: Server; port: number } | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    this.#config = options.config;
  }

  /** Sets what answers requests. Required before `start`. */
  route(router: HttpRouter): void {
    this.#router = router;
  }

  async start(): Promise<void> {
    const { paths } = this.#options;
    removePages(paths.runtime);
    const server = this.#createServer('unix');
    this.#local = { server, bound: await bindUnix(server, paths.httpSocket) };
    if (this.#config.enabled || readWebPort(paths.web) !== undefined) {
      await this.#listen(undefined).catch((error: unknown) => this.#logFailure(error));
    }
  }

  async on({ port: wanted, execution }: Parameters<Web['on']>[0]): ReturnType<Web['on']> {
    const { paths, access } = this.#options;
    const port = await this.#listen(wanted);
    replaceTextSync(paths.web, `${JSON.stringify({ port })}\n`);
    const at = execution === undefined ? '' : `executions/${encodeURIComponent(execution)}`;
    const url = `http://${WEB_HOST}:${port}/${at}`;
    const code = access.issueCode();
    const page = writePage(paths.runtime, `${url}#c=${code}`);
    const forget = this.#clock.after(CODE_MS, () => {
      this.#removals.delete(forget);
      rmSync(page, { force: true });
    });
    this.#removals.add(forget);
    return { url, code, page };
  }

  async off(): ReturnType<Web['off']> {
    const { paths, access } = this.#options;
    await this.#stopListening();
    access.revoke();
    rmSync(paths.web, { force: true });
    removePages(paths.runtime);
    return { url: null };
  }

  /** Listens, moves or stops as the configuration says, unless a user has turned the viewer on. */
  async configure({ web }: Pick<Config, 'web'>): Promise<void> {
    const before = this.#config;
    this.#config = web;
    for (const server of [this.#local?.server, this.#listening?.server]) {
      if (server) server.maxConnections = this.#maxConnections() + MAX_REFUSALS;
    }
    if (readWebPort(this.#options.paths.web) !== undefined) return;
    if (!web.enabled) await this.#stopListening();
    else if (!this.#listening || web.port !== before.port) {
      await this.#open(candidatesFrom(undefined, web.port)).catch((error: unknown) => this.#logFailure(error));
    }
  }

  async close(): Promise<void> {
    for (const forget of this.#removals) forget();
    if (!this.#local) return;
    const { server, bound } = this.#local;
    removePages(this.#options.paths.runtime);
    bound.release();
    await Promise.all([this.#stopListening(), closeServer(server)]);
  }

  async #listen(wanted: number | undefined): Promise<number> {
    const open = this.#listening;
    if (open && (wanted === undefined || wanted === open.port)) return open.port;
    const remembered = readWebPort(this.#options.paths.web);
    return await this.#open(wanted === undefined ? candidatesFrom(remembered, this.#config.port) : [wanted]);
  }

  async #open(candidates: readonly number[]): Promise<number> {
    const { access, log } = this.#options;
    access.prepare();
    const server = this.#createServer('tcp');
    const port = await bindFirst(server, candidates);
    await this.#stopListening();
    this.#listening = { server, port };
    log(`viewer on http://${WEB_HOST}:${port}/`);
    return port;
  }

  async #stopListening(): Promise<void> {
    const server = this.#listening?.server;
    this.#listening = undefined;
    if (server) await closeServer(server);
  }

  #createServer(door: Door): Server {
    const { access, reject } = this.#options;
    if (!this.#router) throw new ProgressError('internal', 'the HTTP server has no router');
    return createHttpServer({
      door,
      router: this.#router,
      access,
      maxConnections: () => this.#maxConnections(),
      reject,
    });
  }

  #maxConnections(): number {
    return Math.min(this.#config.maxStreams + ROOM_FOR_REQUESTS, this.#options.places - MAX_REFUSALS);
  }

  #logFailure(error: unknown): void {
    this.#options.log(`the viewer cannot listen: ${ProgressError.from(error).message}`);
  }
}

/** Ports to try: first the one that open pages reconnect to. */
function candidatesFrom(remembered: number | undefined, configured: number): number[] {
  const ports = Array.from({ length: PORTS_TRIED }, (_, index) => configured + index).filter((port) => port < 65_536);
  return remembered === undefined ? ports : [remembered, ...ports];
}

async function bindFirst(server: Server, ports: readonly number[]): Promise<number> {
  for (const port of ports) {
    try {
      server.listen({ host: WEB_HOST, port, exclusive: true });
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

function writePage(directory: string, target: string): string {
  const file = path.join(directory, `open-${randomBytes(8).toString('hex')}.html`);
  const html = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=${target}"><title>progress</title>\n`;
  writeFileSync(file, html, { mode: 0o600, flag: 'wx' });
  return file;
}

function removePages(directory: string): void {
  for (const name of readdirSync(directory)) if (PAGE.test(name)) rmSync(path.join(directory, name), { force: true });
}
