/** Shared spool file that single commands append to, and its rotation. */
import { closeSync, linkSync, lstatSync, openSync, readdirSync, renameSync, unlinkSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { SHARED_NAME, SPOOL_SUFFIX } from './names.js';

export interface Shared {
  name: string;
  inode: number;
}

/**
 * A shared file has two names: SHARED_NAME while it is the newest, and a unique one that is never used again, by
 * which the journal remembers how far it was read. Returns the unique one, and creates it if the file has none yet;
 * undefined when there is no shared file, or it is not a regular file. `known`: the last answer.
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

/** Gives SHARED_NAME to a new file. Processes that have the old one open still write to it. */
export function rotateShared(directory: string): void {
  const own = path.join(directory, createName());
  const moving = path.join(directory, '.shared.tmp');
  closeSync(openSync(own, 'ax', 0o600));
  if (lstatSync(moving, { throwIfNoEntry: false })) unlinkSync(moving);
  linkSync(own, moving);
  renameSync(moving, path.join(directory, SHARED_NAME));
}

/** Whether commands still append to this file. */
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

/** Unique by 64 random bits. */
function createName(): string {
  return `shared-${randomBytes(8).toString('hex')}${SPOOL_SUFFIX}`;
}
