/** Finds the session files of one agent: existing ones by sweeps, new and changed ones by watches. */
import { lstatSync, realpathSync } from 'node:fs';
import type { FSWatcher, Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { FSWatcher as TreeWatcher } from 'chokidar';
import { watch as watchTree } from 'chokidar';
import { watchDirectoryNames } from '../../tailing/watch-directory.js';

export interface FinderOptions {
  /** Need not exist yet. */
  root: string;
  /** Whether to search a directory. Paths are relative to the root. */
  isDirectory: (parts: readonly string[]) => boolean;
  isFile: (parts: readonly string[]) => boolean;
  /** Whether to report a file that was last written at this time (Unix milliseconds). */
  isWanted: (parts: readonly string[], writtenAt: number) => boolean;
  /** Called for a file that exists and may have changed. */
  onFile: (parts: readonly string[], file: string) => void;
  /** Called when a directory cannot be watched; the next sweep finds its changes. */
  onWatchFailure: (error: unknown) => void;
}

/** Limits of one sweep. */
const MAX_DIRECTORIES = 20_000;
const MAX_FILES = 500;
/** Directories that are watched individually. */
const MAX_WATCHED = 200;

export class Finder {
  readonly #options: FinderOptions;
  /** Real path of the root. */
  #base: string | undefined;
  #tree: TreeWatcher | undefined;
  /** Watch of the nearest existing directory above a root that does not exist. */
  #above: { directory: string; watcher: FSWatcher | undefined } | undefined;
  /** Some watches have failed; the next sweep tries them again. */
  #hasFailures = false;
  readonly #watched = new Map<string, FSWatcher | undefined>();
  #isClosed = false;

  constructor(options: FinderOptions) {
    this.#options = options;
  }

  /** Reports all wanted files, the newest first, including those that were reported before. */
  async sweep(): Promise<void> {
    const { isDirectory, isFile, isWanted } = this.#options;
    this.#retryWatches();
    this.#watchTree();
    const found: { file: string; writtenAt: number }[] = [];
    const directories = this.#base === undefined ? [] : [this.#base];
    for (const directory of directories) {
      if (this.#isClosed) return;
      for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
        const file = path.join(directory, entry.name);
        const parts = this.#partsOf(file);
        if (entry.isDirectory() && isDirectory(parts) && directories.length < MAX_DIRECTORIES) {
          directories.push(file);
        } else if (entry.isFile() && isFile(parts)) {
          const stats = await lstat(file).catch(() => undefined);
          if (stats && isWanted(parts, stats.mtimeMs)) found.push({ file, writtenAt: stats.mtimeMs });
        }
      }
    }
    found.sort((a, b) => b.writtenAt - a.writtenAt);
    for (const { file } of found.slice(0, MAX_FILES)) this.#report(file);
  }

  /** Whether a file that was found is below this root. */
  holds(file: string): boolean {
    return this.#base !== undefined && file.startsWith(this.#base + path.sep);
  }

  /** Watches the directory of this file, so that changes in it are reported at once. */
  watchDirectoryOf(file: string): void {
    const directory = path.dirname(file);
    if (this.#watched.has(directory) || this.#isClosed) return;
    this.#watched.set(directory, this.#watchDirectory(directory));
    const [oldest] = this.#watched.keys();
    if (this.#watched.size <= MAX_WATCHED || oldest === undefined) return;
    this.#watched.get(oldest)?.close();
    this.#watched.delete(oldest);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#above?.watcher?.close();
    for (const watcher of this.#watched.values()) watcher?.close();
    await this.#tree?.close();
  }

  #partsOf(file: string): string[] {
    return file === this.#base ? [] : path.relative(this.#base ?? this.#options.root, file).split(path.sep);
  }

  #report(file: string): void {
    const parts = this.#partsOf(file);
    if (!this.#isClosed && this.#options.isFile(parts)) this.#options.onFile(parts, file);
  }

  readonly #onFailure = (error: unknown): void => {
    this.#hasFailures = true;
    this.#options.onWatchFailure(error);
  };

  /** Excludes old files from the watch: the watch of their directory reports when one of them is written again. */
  #isIgnored(file: string, stats?: Stats): boolean {
    const { isDirectory, isFile, isWanted } = this.#options;
    const parts = this.#partsOf(file);
    if (stats === undefined) return !isDirectory(parts) && !isFile(parts);
    if (stats.isDirectory()) return !isDirectory(parts);
    return !stats.isFile() || !isFile(parts) || !isWanted(parts, stats.mtimeMs);
  }

  #watchTree(): void {
    if (this.#tree || this.#isClosed) return;
    this.#base = realDirectory(this.#options.root);
    if (this.#base === undefined) return this.#watchAbove();
    this.#above?.watcher?.close();
    this.#above = undefined;
    const report = (file: string) => this.#report(file);
    const ignored = (file: string, stats?: Stats) => this.#isIgnored(file, stats);
    this.#tree = watchTree(this.#base, { ignored, followSymlinks: false, ignoreInitial: true });
    this.#tree.on('add', report);
    this.#tree.on('change', report);
    this.#tree.on('error', this.#onFailure);
  }

  /** Waits for the root to be created. */
  #watchAbove(): void {
    const { root } = this.#options;
    let directory = path.dirname(root);
    while (realDirectory(directory) === undefined && directory !== path.dirname(directory)) {
      directory = path.dirname(directory);
    }
    if (this.#above?.directory === directory && this.#above.watcher) return;
    this.#above?.watcher?.close();
    const check = () => {
      if (realDirectory(root) !== undefined || realDirectory(path.dirname(root)) !== undefined) void this.sweep();
    };
    this.#above = { directory, watcher: watchDirectoryNames(directory, check, check, this.#onFailure) };
  }

  #watchDirectory(directory: string): FSWatcher | undefined {
    return watchDirectoryNames(
      directory,
      (name) => this.#report(path.join(directory, name)),
      () => void this.sweep(),
      this.#onFailure,
    );
  }

  #retryWatches(): void {
    if (!this.#hasFailures || this.#isClosed) return;
    this.#hasFailures = false;
    void this.#tree?.close();
    this.#tree = undefined;
    for (const [directory, watcher] of this.#watched) {
      if (!watcher) this.#watched.set(directory, this.#watchDirectory(directory));
    }
  }
}

/** Resolves a directory, which may be a symbolic link of the user. */
function realDirectory(directory: string): string | undefined {
  try {
    const real = realpathSync(directory);
    return lstatSync(real).isDirectory() ? real : undefined;
  } catch {
    return undefined;
  }
}
