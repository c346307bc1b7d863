/** Watch of the spool directory, which may be removed and created again while the daemon runs. */
import { lstatSync } from 'node:fs';
import path from 'node:path';
import { watch as watchFiles } from 'chokidar';
import { watchDirectoryNames } from '../tailing/watch-directory.js';
import { exhaustedLimit } from '../tailing/watch-limits.js';

export interface DirectoryWatchOptions {
  directory: string;
  /** Called with the name of a file that may have changed. */
  onName: (name: string) => void;
  /** Called when something has changed and its name is unknown. */
  onUnknown: () => void;
  /** Called with the limit of the system, see inotify(7), that keeps changes from being reported. */
  onExhausted: (limit: string) => void;
}

export class DirectoryWatch {
  readonly #options: DirectoryWatchOptions;
  #open: { inode: number; close: () => Promise<void> } | undefined;
  #exhausted: string | undefined;

  constructor(options: DirectoryWatchOptions) {
    this.#options = options;
  }

  /** Watches the directory that is at the path now; tries again if a limit was exhausted before. */
  refresh(): void {
    const inode = lstatSync(this.#options.directory).ino;
    if (this.#open?.inode === inode && this.#exhausted === undefined) return;
    void this.#open?.close();
    const before = this.#exhausted;
    this.#exhausted = undefined;
    const close = this.#watch((error) => this.#onFailure(error, before));
    this.#open = { inode, close };
  }

  async close(): Promise<void> {
    await this.#open?.close();
  }

  /** @param before - the limit that was reported already */
  #onFailure(error: unknown, before: string | undefined): void {
    if (this.#exhausted !== undefined) return;
    this.#exhausted = exhaustedLimit(error);
    if (this.#exhausted !== undefined && this.#exhausted !== before) this.#options.onExhausted(this.#exhausted);
  }

  /** chokidar finds new files; fs.watch reports appended lines a hundred times sooner. */
  #watch(onFailure: (error: unknown) => void): () => Promise<void> {
    const { directory, onName, onUnknown } = this.#options;
    const finder = watchFiles(directory, { depth: 0, followSymlinks: false, ignoreInitial: true });
    finder.on('add', (file) => onName(path.basename(file)));
    finder.on('error', onFailure);
    const names = watchDirectoryNames(directory, onName, onUnknown, onFailure);
    return async () => {
      names?.close();
      await finder.close();
    };
  }
}
