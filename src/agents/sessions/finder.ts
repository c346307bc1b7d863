/** Finds the session files of one agent: those that lie there, and those that come or are written to again. */
import { lstatSync, realpathSync } from 'node:fs';
import type { FSWatcher, Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { FSWatcher as Watcher } from 'chokidar';
import { watch as watchFiles } from 'chokidar';
import { watchDirectoryNames } from '../../tailing/watch-directory.js';

export interface FinderOptions {
  /** It need not be there yet. */
  root: string;
  /** What may be found, by its path from there. */
  isDirectory: (parts: readonly string[]) => boolean;
  isFile: (parts: readonly string[]) => boolean;
  /** Written to at that time (Unix milliseconds), is it worth being found? */
  isWanted: (parts: readonly string[], writtenAt: number) => boolean;
  /** It is there, and something may have happened to it. */
  onFile: (parts: readonly string[], file: string) => void;
  /** A directory cannot be watched: what happens in it is found by the next sweep. */
  onWatchFailure: (error: unknown) => void;
}

export interface Finder {
  /** Everything there is, the newest first; told again, whatever was told before. */
  sweep(): Promise<void>;
  /** Whether a file that was found lies below this root. */
  holds(file: string): boolean;
  /** From now on what happens in the directory of this file is told at once. */
  attend(file: string): void;
  close(): Promise<void>;
}

/** In one sweep; whoever has more has made them for nobody. */
const MAX_DIRECTORIES = 20_000;
/** Of a sweep. */
const MAX_FILES = 500;
/** Directories that are attended to. The one that was added first goes. */
const MAX_ATTENDED = 200;

export function createFinder({ root, isDirectory, isFile, isWanted, onFile, onWatchFailure }: FinderOptions): Finder {
  let base: string | undefined;
  let watcher: Watcher | undefined;
  let awaiting: { directory: string; watching: FSWatcher | undefined } | undefined;
  /** Not all that is to be watched is: it is tried again with the next sweep. */
  let isIncomplete = false;
  const attended = new Map<string, FSWatcher | undefined>();
  let closed = false;

  const onFailure = (error: unknown) => {
    isIncomplete = true;
    onWatchFailure(error);
  };

  const partsOf = (file: string) => (file === base ? [] : path.relative(base ?? root, file).split(path.sep));
  const tell = (file: string) => {
    const parts = partsOf(file);
    if (!closed && isFile(parts)) onFile(parts, file);
  };

  /** Old files are not watched: their directory says when one of them is written to. */
  const isIgnored = (file: string, stats?: Stats): boolean => {
    const parts = partsOf(file);
    if (stats === undefined) return !isDirectory(parts) && !isFile(parts);
    if (stats.isDirectory()) return !isDirectory(parts);
    return !stats.isFile() || !isFile(parts) || !isWanted(parts, stats.mtimeMs);
  };

  /** Until there is something to watch, the nearest directory above it is. */
  const begin = () => {
    if (watcher || closed) return;
    base = realDirectory(root);
    if (base === undefined) return awaitRoot();
    awaiting?.watching?.close();
    awaiting = undefined;
    watcher = watchFiles(base, { ignored: isIgnored, followSymlinks: false, ignoreInitial: true });
    watcher.on('add', tell);
    watcher.on('change', tell);
    watcher.on('error', onFailure); // the sweep finds what it cannot
  };

  const awaitRoot = () => {
    let above = path.dirname(root);
    while (realDirectory(above) === undefined && above !== path.dirname(above)) above = path.dirname(above);
    if (awaiting?.directory === above && awaiting.watching) return;
    awaiting?.watching?.close();
    const isThere = () => {
      if (realDirectory(root) !== undefined || realDirectory(path.dirname(root)) !== undefined) void sweep();
    };
    awaiting = { directory: above, watching: watchDirectoryNames(above, isThere, isThere, onFailure) };
  };

  const watchAttended = (directory: string) =>
    watchDirectoryNames(
      directory,
      (name) => tell(path.join(directory, name)),
      () => void sweep(),
      onFailure,
    );

  const watchAgain = () => {
    if (!isIncomplete || closed) return;
    isIncomplete = false;
    void watcher?.close();
    watcher = undefined;
    for (const [directory, watching] of attended) if (!watching) attended.set(directory, watchAttended(directory));
  };

  const sweep = async () => {
    watchAgain();
    begin();
    const found: { file: string; writtenAt: number }[] = [];
    const directories = base === undefined ? [] : [base];
    for (const directory of directories) {
      if (closed) return;
      for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
        const file = path.join(directory, entry.name);
        if (entry.isDirectory() && isDirectory(partsOf(file)) && directories.length < MAX_DIRECTORIES) {
          directories.push(file);
        } else if (entry.isFile() && isFile(partsOf(file))) {
          const stats = await lstat(file).catch(() => undefined);
          if (stats && isWanted(partsOf(file), stats.mtimeMs)) found.push({ file, writtenAt: stats.mtimeMs });
        }
      }
    }
    found.sort((a, b) => b.writtenAt - a.writtenAt);
    for (const { file } of found.slice(0, MAX_FILES)) tell(file);
  };

  return {
    sweep,
    holds: (file) => base !== undefined && file.startsWith(base + path.sep),
    attend(file) {
      const directory = path.dirname(file);
      if (attended.has(directory) || closed) return;
      attended.set(directory, watchAttended(directory));
      const [oldest] = attended.keys();
      if (attended.size <= MAX_ATTENDED || oldest === undefined) return;
      attended.get(oldest)?.close();
      attended.delete(oldest);
    },
    async close() {
      closed = true;
      awaiting?.watching?.close();
      for (const watching of attended.values()) watching?.close();
      await watcher?.close();
    },
  };
}

/** The agent's own directory may be a link of its user's. */
function realDirectory(directory: string): string | undefined {
  try {
    const real = realpathSync(directory);
    return lstatSync(real).isDirectory() ? real : undefined;
  } catch {
    return undefined;
  }
}
