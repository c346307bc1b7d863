/** The file that single commands append to: its name moves on to a new one when it has grown. */
import { closeSync, linkSync, lstatSync, openSync, readdirSync, renameSync, unlinkSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { SHARED_NAME, SPOOL_SUFFIX } from './names.js';

export interface Shared {
  name: string;
  inode: number;
}

/**
 * A shared file has two names: SHARED_NAME while it is the newest, and one of its own that is never used again, by
 * which the journal remembers how far it was read. Returns that one, giving it first if the file has none yet;
 * undefined when there is no shared file, or something else in its place. `known`: the last answer.
 */
export function nameShared(directory: string, known?: Shared): Shared | undefined {
  const shared = path.join(directory, SHARED_NAME);
  const stat = lstatSync(shared, { throwIfNoEntry: false });
  if (!stat?.isFile()) return undefined;
  const inode = stat.ino;
  if (known?.inode === inode) return known;
  const own = readdirSync(directory).find((name) => isOwnName(name) && inodeOf(path.join(directory, name)) === inode);
  if (own !== undefined) return { name: own, inode };
  const name = createName();
  linkSync(shared, path.join(directory, name));
  return { name, inode };
}

/** From here on commands append to a new file. Whoever has the old one open still writes there. */
export function rotateShared(directory: string): void {
  const own = path.join(directory, createName());
  const moving = path.join(directory, '.shared.tmp');
  closeSync(openSync(own, 'ax', 0o600));
  if (lstatSync(moving, { throwIfNoEntry: false })) unlinkSync(moving);
  linkSync(own, moving);
  renameSync(moving, path.join(directory, SHARED_NAME));
}

/** Is it still the one that commands append to? */
export function isNewestShared(directory: string, name: string): boolean {
  const newest = inodeOf(path.join(directory, SHARED_NAME));
  return newest !== undefined && newest === inodeOf(path.join(directory, name));
}

function isOwnName(name: string): boolean {
  return name.startsWith('shared-') && name.endsWith(SPOOL_SUFFIX);
}

function inodeOf(file: string): number | undefined {
  return lstatSync(file, { throwIfNoEntry: false })?.ino;
}

/** 64 random bits. */
function createName(): string {
  return `shared-${randomBytes(8).toString('hex')}${SPOOL_SUFFIX}`;
}
