/**
 * Ensures one daemon for a state directory, by flock(2) on a file in it.
 *
 * Node has no flock, but the lock belongs to the open file, not to the process that asked: flock(1) (perl where there
 * is none, as on macOS) locks the descriptor that it inherits and exits, and the lock stays until this process ends,
 * however it ends. So a stale lock cannot exist, and there is no race. The file is never removed.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, constants, fstatSync, ftruncateSync, statSync, writeSync } from 'node:fs';
import { ProgressError, errnoOf } from '../core/base/errors.js';
import { cannotWrite, openRegularSync } from '../platform/regular-file.js';
import type { LockRecord } from '../protocol/lock-record.js';

export interface Lock {
  record(record: LockRecord): void;
  /** Whether the file of that name is still the locked one. If not, another daemon may have started. */
  isOurs(): boolean;
  /** Releases the lock, as the end of the process does. */
  release(): void;
}

/** Number of the inherited descriptor in the child. */
const CHILD_FD = 3;
/** Exit status of both programs when another process holds the lock. */
const HELD = 1;
type Locker = readonly [string, string[]];

const LOCKERS: readonly Locker[] = [
  ['flock', ['-n', '-x', String(CHILD_FD)]],
  [
    'perl',
    ['-e', `use Fcntl ":flock"; open(my $f, ">>&=", ${CHILD_FD}) or exit 2; exit !flock($f, LOCK_EX | LOCK_NB)`],
  ],
];

/** Takes the lock, or returns undefined when another process holds it. */
export function acquireLock(file: string): Lock | undefined {
  const fd = open(file);
  if (!lock(file, fd)) {
    closeSync(fd);
    return undefined;
  }
  let isHeld = true;
  return {
    record(record) {
      ftruncateSync(fd, 0);
      writeSync(fd, `${JSON.stringify(record)}\n`, 0);
    },
    isOurs() {
      const [ours, there] = [fstatSync(fd), statSync(file, { throwIfNoEntry: false })];
      return there?.ino === ours.ino && there.dev === ours.dev;
    },
    release() {
      if (isHeld) closeSync(fd);
      isHeld = false;
    },
  };
}

function open(file: string): number {
  try {
    return openRegularSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW);
  } catch (error) {
    throw cannotWrite(file, error);
  }
}

/** Takes the lock. Another program may have the name or refuse the options, so success counts only when it excludes others. */
function lock(file: string, fd: number): boolean {
  let isHeld = false;
  for (const locker of LOCKERS) {
    const status = run(locker, fd);
    if (status === 0 && excludesOthers(locker, file)) return true;
    isHeld ||= status === HELD;
  }
  if (isHeld) return false;
  throw new ProgressError('unavailable', 'neither flock(1) nor perl can take the lock: install util-linux');
}

/** Whether the lock that a program has taken excludes another attempt of it. */
function excludesOthers(locker: Locker, file: string): boolean {
  const another = open(file);
  try {
    return run(locker, another) === HELD;
  } finally {
    closeSync(another);
  }
}

/** Exit status; undefined when the program is missing. */
function run([command, args]: Locker, fd: number): number | null | undefined {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'ignore', fd] });
  const code = errnoOf(error);
  if (code === 'ENOENT' || code === 'EACCES') return undefined;
  if (error) throw new ProgressError('internal', `cannot run ${command} to take the lock`, { cause: error });
  return status;
}
