/** Caches the first UUID of each session file of Claude Code, so that the parent of a fork is found without reading all files. */
import { lstatSync } from 'node:fs';
import path from 'node:path';
import { evictOldest } from '../../core/base/evict.js';
import { entriesOf } from '../sessions/session-paths.js';

interface Sibling {
  inode: number;
  /** Sort key: creation time, then name. */
  age: string;
  uuid: string | undefined;
}

interface Directory {
  /** Unix milliseconds; undefined while more files may be added in the same tick of the clock. */
  changedAt: number | undefined;
  siblings: Map<string, Sibling>;
}

const MAX_DIRECTORIES = 200;
/** Files of a directory that are compared, the newest first. */
const MAX_SIBLINGS = 2_000;
/** Resolution of the modification time of a directory. */
const TICK_MS = 50;

export class SiblingIndex {
  readonly #directories = new Map<string, Directory>();
  readonly #readUuid: (file: string) => string | undefined;

  /** @param readUuid returns the first UUID in a file, if it has one yet */
  constructor(readUuid: (file: string) => string | undefined) {
    this.#readUuid = readUuid;
  }

  /** Returns the older files in the same directory that start with the same UUID, the newest first. */
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
    const siblings = readSiblings(directory, known?.siblings);
    const isSettled = changedAt !== undefined && Date.now() - changedAt > TICK_MS;
    this.#directories.delete(directory);
    this.#directories.set(directory, { changedAt: isSettled ? changedAt : undefined, siblings });
    evictOldest(this.#directories, MAX_DIRECTORIES);
    return siblings;
  }
}

/** @param known siblings of an earlier call, whose UUIDs need not be read again */
function readSiblings(directory: string, known: ReadonlyMap<string, Sibling> | undefined): Map<string, Sibling> {
  const siblings = new Map<string, Sibling>();
  for (const entry of entriesOf(directory)) {
    if (!entry.isFile() || !entry.name.endsWith('.jsonl')) continue;
    const stat = lstatSync(path.join(directory, entry.name), { throwIfNoEntry: false });
    if (!stat) continue;
    const before = known?.get(entry.name);
    const created = stat.birthtimeMs > 0 ? Math.min(stat.birthtimeMs, stat.mtimeMs) : stat.mtimeMs;
    siblings.set(entry.name, {
      inode: stat.ino,
      age: `${created.toFixed(4).padStart(20, '0')} ${entry.name}`,
      uuid: before?.inode === stat.ino ? before.uuid : undefined,
    });
  }
  return siblings;
}
