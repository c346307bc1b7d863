/** Detects exhausted limits of inotify(7), which all processes of a user share. */
import { watch } from 'node:fs';
import { errnoOf } from '../core/base/errors.js';

const LIMITS: Readonly<Record<string, string | undefined>> = {
  EMFILE: 'fs.inotify.max_user_instances',
  ENOSPC: 'fs.inotify.max_user_watches',
};

/** @returns The name of the limit (sysctl) that made a watch fail; undefined if it failed for another reason. */
export function exhaustedLimit(error: unknown): string | undefined {
  return process.platform === 'linux' ? LIMITS[errnoOf(error) ?? ''] : undefined;
}

/** @returns The limit that keeps a new process of this user from watching files; undefined if it could. */
export function findExhaustedLimit(): string | undefined {
  try {
    watch('/', { persistent: false }, () => undefined).close();
    return undefined;
  } catch (error) {
    return exhaustedLimit(error);
  }
}
