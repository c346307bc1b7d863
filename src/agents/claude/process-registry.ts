/** Reads Claude Code's registry of its processes: a file `sessions/<pid>.json` for each, in a watched directory. */
import type { FSWatcher } from 'node:fs';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { isIdentifier } from '../../core/events/identifier.js';
import { finiteOf, parseObject, stringOf } from '../../formats/json.js';
import { readProcess } from '../../platform/processes.js';
import { watchDirectoryNames } from '../../tailing/watch-directory.js';
import type { ProcessRegistry, RegistryEntry } from '../sessions/process-registry.js';
import { readSmallFile } from '../sessions/read-file.js';

export interface ClaudeProcessesOptions {
  /** Need not exist. */
  directory: string;
  /** Start of a process, in clock ticks. @returns undefined if there is no such process */
  startOf?: (pid: number) => number | undefined;
  /** False: `refresh` reads all files. @default true */
  isWatched?: boolean;
}

/** Files that are read. */
const MAX_ENTRIES = 500;
/** Every n-th refresh of a watched directory reads all files. */
const FULL_REFRESH = 30;

const NAME = /^([1-9]\d{0,9})\.json$/;

/** Nothing is lost without a watch: each refresh reads all files. */
const ignoreFailure = () => undefined;

/** Parses an entry; unknown statuses count as busy. @returns undefined for an incomplete entry, or one of another process */
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

export class ClaudeProcesses implements ProcessRegistry {
  readonly #directory: string;
  readonly #startOf: (pid: number) => number | undefined;
  readonly #isWatched: boolean;
  readonly #entries = new Map<number, RegistryEntry>();
  #watcher: FSWatcher | undefined;
  #refreshes = 0;
  #isClosed = false;

  constructor({ directory, startOf = processStart, isWatched = true }: ClaudeProcessesOptions) {
    this.#directory = directory;
    this.#startOf = startOf;
    this.#isWatched = isWatched;
  }

  living(): RegistryEntry[] {
    return [...this.#entries.values()].filter(({ pid, start }) => this.#startOf(pid) === start);
  }

  entryOf(session: string): RegistryEntry | undefined {
    return this.living()
      .filter((entry) => entry.session === session)
      .sort((a, b) => b.changedAt - a.changedAt)[0];
  }

  refresh(): void {
    if (this.#isClosed) return;
    if (this.#isWatched && !this.#watcher) this.#watch();
    if (this.#refreshes++ % (this.#watcher ? FULL_REFRESH : 1) === 0) this.#readAll();
  }

  close(): void {
    this.#isClosed = true;
    this.#watcher?.close();
  }

  #watch(): void {
    // a watch reports later changes only
    this.#refreshes = 0;
    const watcher = watchDirectoryNames(
      this.#directory,
      (name) => this.#read(name),
      () => this.#readAll(),
      ignoreFailure,
    );
    this.#watcher = watcher?.on('close', () => (this.#watcher = undefined));
  }

  #read(name: string): void {
    const pid = Number(NAME.exec(name)?.[1]);
    if (!Number.isSafeInteger(pid)) return;
    const file = path.join(this.#directory, name);
    const entry = parseEntry(pid, readSmallFile(file));
    // another change follows an incomplete entry
    if (entry) this.#entries.set(pid, entry);
    else if (!existsSync(file)) this.#entries.delete(pid);
  }

  #readAll(): void {
    const names = namesIn(this.#directory);
    // a directory that is created again needs a new watch
    if (!existsSync(this.#directory)) this.#watcher?.close();
    const pids = new Set(names.map((name) => Number(NAME.exec(name)?.[1])));
    for (const pid of this.#entries.keys()) if (!pids.has(pid)) this.#entries.delete(pid);
    for (const name of names) this.#read(name);
  }
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
