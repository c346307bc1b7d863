/** Claude Code's registry of its own processes: `sessions/<pid>.json` in its directory, watched and read. */
import type { FSWatcher } from 'node:fs';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { isIdentifier } from '../../core/identifier.js';
import { readProcess } from '../../platform/processes.js';
import { watchDirectoryNames } from '../../tailing/watch-directory.js';
import { finiteOf, parseObject, stringOf } from '../../formats/json.js';
import { readSmallFile } from '../sessions/session-file.js';

export interface RegistryEntry {
  pid: number;
  /** When the process started, in clock ticks since the machine did. */
  start: number;
  /** The session that it works on now. */
  session: string;
  /** Absent until it is ready. */
  status?: 'busy' | 'waiting' | 'idle';
  /** What it waits for. */
  waitingFor?: string;
  /** When its status was set, in Unix milliseconds. */
  changedAt: number;
}

export interface Registry {
  /** Entries of processes that exist: one that was killed leaves its entry. */
  living(): RegistryEntry[];
  /** The entry of that session, if a process works on it. */
  entryOf(session: string): RegistryEntry | undefined;
  /** Reads what the system has not told of; where the directory cannot be watched, everything. */
  refresh(): void;
  close(): void;
}

export interface RegistryOptions {
  /** It need not exist. */
  directory: string;
  /** When the process of that number started, in clock ticks; undefined if there is none. */
  startOf?: (pid: number) => number | undefined;
  /** False: `look` reads everything. @default true */
  isWatched?: boolean;
}

/** Entries that are read; more processes nobody runs. */
const MAX_ENTRIES = 500;
/** Calls of `look` after which all files are read although the directory is watched. */
const FULL_LOOK = 30;

const NAME = /^([1-9]\d{0,9})\.json$/;

/** Nothing is lost: then each look reads everything. */
const notWatched = () => undefined;

/** Undefined where the text is none, half of one, or one of another process. Unknown states are those of a busy one. */
export function parseEntry(pid: number, text: string): RegistryEntry | undefined {
  const fields = parseObject(text);
  const [session, start] = [fields?.['sessionId'], Number(fields?.['procStart'])];
  if (fields?.['pid'] !== pid || !isIdentifier(session) || !Number.isSafeInteger(start)) return undefined;
  const [status, waitingFor] = [stringOf(fields['status']), stringOf(fields['waitingFor'])];
  const changedAt = finiteOf(fields['statusUpdatedAt']) ?? finiteOf(fields['updatedAt']) ?? 0;
  const entry: RegistryEntry = { pid, start, session, changedAt };
  if (status !== undefined) entry.status = status === 'idle' || status === 'waiting' ? status : 'busy';
  if (waitingFor !== undefined) entry.waitingFor = waitingFor;
  return entry;
}

export function openRegistry({ directory, startOf = processStart, isWatched = true }: RegistryOptions): Registry {
  const entries = new Map<number, RegistryEntry>();
  let watching: FSWatcher | undefined;
  let looks = 0;
  let closed = false;

  const read = (name: string) => {
    const pid = Number(NAME.exec(name)?.[1]);
    if (!Number.isSafeInteger(pid)) return;
    const file = path.join(directory, name);
    const entry = parseEntry(pid, readSmallFile(file));
    // what is half written comes again
    if (entry) entries.set(pid, entry);
    else if (!existsSync(file)) entries.delete(pid);
  };
  const readAll = () => {
    const names = namesIn(directory);
    // another directory of that name is another one to watch
    if (!existsSync(directory)) watching?.close();
    const pids = new Set(names.map((name) => Number(NAME.exec(name)?.[1])));
    for (const pid of entries.keys()) if (!pids.has(pid)) entries.delete(pid);
    names.forEach(read);
  };
  const living = () => [...entries.values()].filter(({ pid, start }) => startOf(pid) === start);

  return {
    living,
    entryOf: (session) =>
      living()
        .filter((entry) => entry.session === session)
        .sort((a, b) => b.changedAt - a.changedAt)[0],
    refresh() {
      if (closed) return;
      // what a watch tells begins with it
      if (isWatched && !watching) looks = 0;
      if (isWatched)
        watching ??= watchDirectoryNames(directory, read, readAll, notWatched)?.on(
          'close',
          () => (watching = undefined),
        );
      if (looks++ % (watching ? FULL_LOOK : 1) === 0) readAll();
    },
    close() {
      closed = true;
      watching?.close();
    },
  };
}

function processStart(pid: number): number | undefined {
  const found = readProcess(pid);
  return found?.state === 'Z' ? undefined : found?.start;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => NAME.test(name))
      .slice(0, MAX_ENTRIES);
  } catch {
    return [];
  }
}
