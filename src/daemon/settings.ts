/**
 * The configuration while the daemon runs: applied again whenever its file changes to a valid one.
 *
 * Readers of a value read `current` each time; components implement `configure` for what a change requires. Changes of
 * the file are debounced: the first half of a file may be valid and set less.
 */
import { type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { watch as watchFiles } from 'chokidar';
import type { Config } from '../config/load.js';
import { parseConfig, readConfigFile } from '../config/load.js';
import { errnoOf, ProgressError } from '../core/base/errors.js';
import type { ConfigStatus } from '../api/messages.js';
import type { Log } from './daemon-log.js';

export interface Settings {
  /** The last valid configuration. Read a value here each time it is needed. */
  readonly current: Config;
  /** Registers a listener, called after `current` has changed. Listeners run one after another, one change at a time. */
  onChange(listener: SettingsListener): void;
  status(): ConfigStatus;
  close(): Promise<void>;
}

export type SettingsListener = (config: Config) => Promise<void> | void;

export interface SettingsOptions {
  file: string;
  log: Log;
  now?: () => number;
}

/** Debounce of changes of the file. */
const SETTLE_MS = 250;
/** Interval of checks on file systems that do not report changes. */
const SWEEP_MS = 30_000;

/**
 * Reads the configuration and watches its file.
 *
 * @throws ProgressError when the file is wrong: there is no earlier configuration to keep
 */
export function openSettings(options: SettingsOptions): Settings {
  return new FileSettings(options);
}

class FileSettings implements Settings {
  readonly #file: string;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #listeners: SettingsListener[] = [];
  readonly #watcher: FileWatcher;
  readonly #sweep: NodeJS.Timeout;
  #current: Config;
  /** Fingerprint of the file as last read. */
  #seen: string;
  /** Content as last read, or the error of reading it: each is reported once. */
  #content: string;
  #since: number;
  #problems: string[] = [];
  #notifying = Promise.resolve();
  #settling: { fingerprint: string; timer: NodeJS.Timeout } | undefined;

  constructor({ file, log, now = Date.now }: SettingsOptions) {
    this.#file = file;
    this.#log = log;
    this.#now = now;
    this.#seen = fingerprintOf(file);
    this.#content = readConfigFile(file);
    this.#current = parseConfig(this.#content, file);
    this.#since = now();
    this.#watcher = new FileWatcher(file, () => this.#check());
    this.#sweep = setInterval(() => {
      this.#watcher.renew();
      this.#check();
    }, SWEEP_MS);
  }

  get current(): Config {
    return this.#current;
  }

  onChange(listener: SettingsListener): void {
    this.#listeners.push(listener);
  }

  status(): ConfigStatus {
    return { file: this.#file, since: new Date(this.#since).toISOString(), problems: this.#problems };
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    clearTimeout(this.#settling?.timer);
    await this.#watcher.close();
    await this.#notifying;
  }

  #check(): void {
    const fingerprint = fingerprintOf(this.#file);
    if (fingerprint === this.#seen || this.#settling?.fingerprint === fingerprint) return;
    clearTimeout(this.#settling?.timer);
    this.#settling = { fingerprint, timer: setTimeout(() => this.#settle(), SETTLE_MS) };
  }

  #settle(): void {
    const fingerprint = this.#settling?.fingerprint;
    this.#settling = undefined;
    if (fingerprint === undefined || fingerprint !== fingerprintOf(this.#file)) return this.#check();
    this.#seen = fingerprint;
    this.#read();
  }

  #read(): void {
    const before = this.#content;
    try {
      this.#content = readConfigFile(this.#file);
      if (this.#content !== before) this.#apply(parseConfig(this.#content, this.#file));
    } catch (thrown) {
      const { message } = ProgressError.from(thrown);
      // unchanged content means that the file could not be read: the error is what is compared next time
      if (this.#content === before) this.#content = message;
      if (this.#content === before) return;
      this.#problems = message.split('\n');
      this.#log(`configuration: the file is invalid, the previous values stay in use:\n${message}`);
    }
  }

  #apply(config: Config): void {
    this.#problems = [];
    if (isDeepStrictEqual(config, this.#current)) {
      return this.#log(`configuration: ${this.#file} is valid and changes nothing`);
    }
    this.#current = config;
    this.#since = this.#now();
    this.#log(`configuration: ${this.#file} was applied`);
    this.#notifying = this.#notifying.then(() => this.#notify());
  }

  async #notify(): Promise<void> {
    for (const listener of this.#listeners) {
      try {
        await listener(this.#current);
      } catch (error) {
        this.#log(`configuration: ${ProgressError.from(error).message}`);
      }
    }
  }
}

/** Differs whenever the file does, by whatever means it was changed. */
function fingerprintOf(file: string): string {
  const stats = statOf(file);
  return typeof stats === 'string' ? stats : `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`;
}

/** Returns the status of a file, or the code of the error. */
function statOf(file: string): Stats | string {
  try {
    return statSync(file);
  } catch (error) {
    return errnoOf(error) ?? 'unknown error';
  }
}

/**
 * Watches the directory of a file, and while that is missing the nearest one above it, for the name that leads to the
 * file. chokidar may not report the last of two quick changes, so the listener checks again after a while.
 */
class FileWatcher {
  readonly #file: string;
  readonly #onChange: () => void;
  #watched: string | undefined;
  #closing: Promise<unknown> | undefined;
  #watcher: ReturnType<typeof watchFiles> | undefined;

  constructor(file: string, onChange: () => void) {
    this.#file = file;
    this.#onChange = onChange;
    this.renew();
  }

  /** Watches another directory when the nearest existing one has changed. */
  renew(): void {
    const { directory, next, ino } = nearestTo(this.#file);
    const wanted = `${ino} ${directory}`;
    if (this.#watched === wanted) return;
    this.#watched = wanted;
    this.#closing = this.#watcher?.close();
    const ignored = (name: string) => name !== directory && name !== next;
    const onEvent = () => {
      this.renew();
      this.#onChange();
    };
    this.#watcher = watchFiles(directory, { depth: 0, ignored, ignoreInitial: true });
    this.#watcher.on('all', onEvent).on('ready', onEvent);
    this.#watcher.on('error', () => undefined); // the sweep finds what cannot be watched
  }

  async close(): Promise<void> {
    await this.#closing;
    await this.#watcher?.close();
  }
}

/** The nearest existing directory above a file, and the name in it that leads to the file. */
function nearestTo(file: string): { directory: string; next: string; ino: number } {
  const directory = path.dirname(file);
  const stats = statOf(directory);
  const exists = typeof stats === 'object' && stats.isDirectory();
  if (!exists && directory !== file) return nearestTo(directory);
  return { directory, next: file, ino: exists ? stats.ino : 0 };
}
