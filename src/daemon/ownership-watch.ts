/** Watches the lock and the socket, and makes the daemon leave when one of them was removed or replaced. */
import type { FSWatcher } from 'node:fs';
import { watch } from 'node:fs';
import path from 'node:path';
import { VERSION } from '../core/base/version.js';
import type { Paths } from '../platform/paths.js';
import type { Component } from './component.js';
import type { Lock } from './lock.js';

export interface OwnershipWatchOptions {
  lock: Pick<Lock, 'record' | 'isOurs'>;
  server: { isBound(): boolean };
  paths: Pick<Paths, 'lock' | 'socket'>;
  /** Makes the daemon leave. */
  leave: (reason: string) => void;
}

/** Interval of checks on file systems that do not report changes. */
const CHECK_MS = 60_000;

export class OwnershipWatch implements Component {
  readonly #options: OwnershipWatchOptions;
  #watchers: (FSWatcher | undefined)[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: OwnershipWatchOptions) {
    this.#options = options;
  }

  /** Announces this daemon in the lock file, now that it listens. */
  start(): void {
    const { lock, paths } = this.#options;
    lock.record({ pid: process.pid, version: VERSION, socket: paths.socket });
    this.#watchers = [paths.lock, paths.socket].map((file) => watchName(file, () => this.#check()));
    this.#timer = setInterval(() => this.#check(), CHECK_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const watcher of this.#watchers) watcher?.close();
  }

  #check(): void {
    const { lock, server, paths, leave } = this.#options;
    if (!lock.isOurs()) leave(`${paths.lock} was removed or replaced`);
    else if (!server.isBound()) leave(`${paths.socket} was removed or replaced`);
  }
}

/** Watches one name of a directory. Returns undefined on file systems that cannot be watched. */
function watchName(file: string, onChange: () => void): FSWatcher | undefined {
  try {
    const isSame = (name: string | null) => name === null || name === path.basename(file);
    const watcher = watch(path.dirname(file), { persistent: false }, (_event, name) => isSame(name) && onChange());
    return watcher.on('error', () => watcher.close());
  } catch {
    return undefined;
  }
}
