/**
 * The configuration while the daemon runs: taken over whenever its file has changed for the better.
 *
 * Readers of a value read it here each time; what has to be done about a change is in `daemon.ts`. A file counts when
 * it has not changed for a moment: half of a file may be valid, and say less.
 */
import { type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { watch as watchFiles } from 'chokidar';
import type { Config } from '../config/load.js';
import { parseConfig, readConfigFile } from '../config/load.js';
import { errnoOf, ProgressError } from '../core/errors.js';
import type { ConfigStatus } from '../api/messages.js';
import type { Log } from './daemon-log.js';

export interface Settings {
  /** The last one that was right. Whoever needs a value now and then reads it here each time. */
  readonly current: Config;
  /** Called after `current` has changed, for what has to be told: one after another, and a change at a time. */
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

/** A file that has not changed for so long is not just being written: half of one may be right, and say less. */
const SETTLE_MS = 250;
/** The safety net under what the system tells of changes: some file systems tell nothing. */
const SWEEP_MS = 30_000;

/** Reads the file, and rejects if that is wrong: there is none before it that could hold. */
export function openSettings({ file, log, now = Date.now }: SettingsOptions): Settings {
  const listeners: SettingsListener[] = [];
  let seen = printOf(file);
  let content = readConfigFile(file);
  let current = parseConfig(content, file);
  let since = now();
  let problems: string[] = [];
  let telling = Promise.resolve();
  let settling: { print: string; timer: NodeJS.Timeout } | undefined;

  const look = () => {
    const print = printOf(file);
    if (print === seen) return;
    if (settling && settling.print !== print) clearTimeout(settling.timer);
    if (settling?.print !== print) settling = { print, timer: setTimeout(settle, SETTLE_MS) };
  };

  const settle = () => {
    const print = settling?.print;
    settling = undefined;
    if (print !== printOf(file)) return look();
    seen = print;
    read();
  };

  /** Each content is told of once. */
  const read = () => {
    const before = content;
    try {
      content = readConfigFile(file);
      if (content !== before) take(parseConfig(content, file));
    } catch (thrown) {
      const { message } = ProgressError.from(thrown);
      if (content === before) content = message; // it could not even be read
      if (content === before) return;
      problems = message.split('\n');
      log(`configuration: the values from before hold, for the file is wrong:\n${message}`);
    }
  };

  const take = (config: Config) => {
    problems = [];
    if (isDeepStrictEqual(config, current)) return log(`configuration: ${file} is right, and changes nothing`);
    current = config;
    since = now();
    log(`configuration: ${file} is taken over`);
    telling = telling.then(tell);
  };

  const tell = async () => {
    for (const listener of listeners) {
      try {
        await listener(current);
      } catch (error) {
        log(`configuration: ${ProgressError.from(error).message}`);
      }
    }
  };

  const watcher = watchChain(file, look);
  const sweep = setInterval(() => {
    watcher.renew();
    look();
  }, SWEEP_MS);

  return {
    get current() {
      return current;
    },
    onChange(listener) {
      listeners.push(listener);
    },
    status: () => ({ file, since: new Date(since).toISOString(), problems }),
    async close() {
      clearInterval(sweep);
      clearTimeout(settling?.timer);
      await watcher.close();
      await telling;
    },
  };
}

/** What changes whenever the file does, by whatever means. */
function printOf(file: string): string {
  const stats = look(file);
  return typeof stats === 'string' ? stats : `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`;
}

function look(file: string): Stats | string {
  try {
    return statSync(file);
  } catch (error) {
    return errnoOf(error) ?? 'unknown error';
  }
}

/**
 * Watches the directory of `file`, and while there is none the nearest one above, for what leads to the file. chokidar
 * may never tell of the last of two quick changes: whoever hears of one looks again after a while.
 */
function watchChain(file: string, onChange: () => void) {
  let watched: string | undefined;
  let closing: Promise<unknown> | undefined;
  let watcher: ReturnType<typeof watchFiles> | undefined;

  const renew = () => {
    const { directory, next, ino } = nearestTo(file);
    const wanted = `${ino} ${directory}`;
    if (watched === wanted) return;
    watched = wanted;
    closing = watcher?.close();
    const ignored = (name: string) => name !== directory && name !== next;
    watcher = watchFiles(directory, { depth: 0, ignored, ignoreInitial: true });
    watcher.on('all', hear).on('ready', hear);
    watcher.on('error', () => undefined); // the sweep sees what it cannot
  };
  const hear = () => {
    renew();
    onChange();
  };
  renew();
  return {
    renew,
    async close() {
      await closing;
      await watcher?.close();
    },
  };
}

/** The nearest directory above that is there, and what in it leads to the file. */
function nearestTo(file: string): { directory: string; next: string; ino: number } {
  const directory = path.dirname(file);
  const stats = look(directory);
  const isThere = typeof stats === 'object' && stats.isDirectory();
  if (!isThere && directory !== file) return nearestTo(directory);
  return { directory, next: file, ino: isThere ? stats.ino : 0 };
}
