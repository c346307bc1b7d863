/** Remembers with which UUID each session file of Claude Code begins, so that a fork is found without reading all of them. */
import { lstatSync } from 'node:fs';
import path from 'node:path';
import { evictOldest } from '../../core/evict.js';
import { entriesOf } from './session-paths.js';

interface Sibling {
  inode: number;
  /** Sorts by when the file was made; its name decides between two that were made at once. */
  age: string;
  uuid: string | undefined;
}

interface Directory {
  /** Unix milliseconds; undefined while files may be added in the same tick of the clock. */
  changedAt: number | undefined;
  siblings: Map<string, Sibling>;
}

const MAX_DIRECTORIES = 200;
/** Of a directory, the newest. */
const MAX_SIBLINGS = 2_000;
/** A directory has changed within the resolution of file times. */
const TICK_MS = 50;

export class SiblingIndex {
  readonly #directories = new Map<string, Directory>();
  readonly #readUuid: (file: string) => string | undefined;

  /** @param readUuid the first UUID in a file, if there is one yet. */
  constructor(readUuid: (file: string) => string | undefined) {
    this.#readUuid = readUuid;
  }

  /** Files beside this one, made before it, that begin with the same UUID; the newest first. */
  olderThan(file: string, uuid: string): string[] {
    const directory = path.dirname(file);
    const siblings = this.#siblingsOf(directory);
    const own = siblings.get(path.basename(file));
    if (!own) return [];
    return [...siblings]
      .filter(([, { age }]) => age < own.age)
      .sort(([, one], [, other]) => (one.age < other.age ? 1 : -1))
      .slice(0, MAX_SIBLINGS)
      .map(([name, sibling]) => ({ file: path.join(directory, name), sibling }))
      .filter((one) => (one.sibling.uuid ??= this.#readUuid(one.file)) === uuid)
      .map((one) => one.file);
  }

  #siblingsOf(directory: string): Map<string, Sibling> {
    const known = this.#directories.get(directory);
    const changedAt = lstatSync(directory, { throwIfNoEntry: false })?.mtimeMs;
    if (known?.changedAt !== undefined && known.changedAt === changedAt) return known.siblings;
    const siblings = new Map<string, Sibling>();
    for (const entry of entriesOf(directory)) {
      if (!entry.isFile() || !entry.name.endsWith('.jsonl')) continue;
      const stat = lstatSync(path.join(directory, entry.name), { throwIfNoEntry: false });
      if (!stat) continue;
      const before = known?.siblings.get(entry.name);
      const made = stat.birthtimeMs > 0 ? Math.min(stat.birthtimeMs, stat.mtimeMs) : stat.mtimeMs;
      siblings.set(entry.name, {
        inode: stat.ino,
        age: `${made.toFixed(4).padStart(20, '0')} ${entry.name}`,
        uuid: before?.inode === stat.ino ? before.uuid : undefined,
      });
    }
    const isSettled = changedAt !== undefined && Date.now() - changedAt > TICK_MS;
    this.#directories.delete(directory);
    this.#directories.set(directory, { changedAt: isSettled ? changedAt : undefined, siblings });
    evictOldest(this.#directories, MAX_DIRECTORIES);
    return siblings;
  }
}
