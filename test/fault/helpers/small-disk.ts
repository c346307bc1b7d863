/** File systems of a few megabytes that a test can fill. */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import type { Paths } from '../../../src/platform/paths.js';
import { readLockRecord } from '../../../src/protocol/lock-record.js';
import type { Home } from '../../helpers/daemon.js';
import { DAEMON } from '../../helpers/daemon.js';
import { waitFor } from '../../helpers/wait.js';
import { isAble, isMissing } from '../../helpers/needs.js';

export interface SmallDisk {
  /** PID of the command. */
  pid: number;
  /** Path of a file of the command, as this process sees it. */
  within: (file: string) => string;
  fill: () => void;
  free: () => void;
}

const NAMESPACE = process.getuid?.() === 0 ? ['-m'] : ['-Urm'];
const MOUNT = 'mount -t tmpfs -o size="$1",mode=700 tmpfs "$2" && shift 2 && exec "$@"';

/** True when the test cannot be run. */
export function isDiskMissing(t: Test): boolean {
  return isMissing(t, 'mount namespaces', isAble('unshare', ...NAMESPACE, 'mount', '-t', 'tmpfs', 'x', '/mnt'));
}

/** Runs a command that sees a file system of this size at `directory`; other processes see it through /proc only. */
export async function startOnSmallDisk(
  t: Test,
  directory: string,
  size: string,
  command: string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<SmallDisk> {
  const args = [...NAMESPACE, 'sh', '-c', MOUNT, 'sh', size, directory, ...command];
  const child = spawn('unshare', args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const pid = child.pid!;
  t.teardown(async () => {
    child.kill('SIGKILL');
    await waitFor('what runs on the disk to be gone', () => child.exitCode ?? child.signalCode ?? undefined);
  });
  const within = (file: string) => path.join(`/proc/${pid}/root`, file);
  const { dev } = statSync(directory);
  await waitFor('the disk', () => statSync(within(directory)).dev !== dev);
  const ballast = within(path.join(directory, 'ballast'));
  return {
    pid,
    within,
    fill() {
      for (let size = 1024 * 1024; size >= 1_024; size >>= 1) {
        try {
          for (;;) writeFileSync(ballast, Buffer.alloc(size, 'x'), { flag: 'a' });
        } catch {
          // halved until not even a page fits
        }
      }
    },
    free: () => rmSync(ballast),
  };
}

export interface DaemonOnSmallDisk extends SmallDisk {
  /** Paths as this process sees them. */
  paths: Paths;
  /** Words before a command that has to see the disk, too. */
  enter: string[];
}

/** A daemon whose state directory is a disk of one megabyte. */
export async function startDaemonOnSmallDisk(t: Test, home: Home): Promise<DaemonOnSmallDisk> {
  const { state, socket, journal, lock, checkpoint, daemonLog, spool, runs } = home.paths;
  mkdirSync(state, { mode: 0o700, recursive: true });
  const disk = await startOnSmallDisk(t, state, '1m', [process.execPath, DAEMON], home.env);
  const { pid, within } = disk;
  const paths = {
    ...home.paths,
    state: within(state),
    socket: within(socket),
    journal: within(journal),
    lock: within(lock),
    checkpoint: within(checkpoint),
    daemonLog: within(daemonLog),
    spool: within(spool),
    runs: within(runs),
  };
  await waitFor('the daemon to listen', () => readLockRecord(paths.lock) !== undefined);
  const asUser = process.getuid?.() === 0 ? [] : ['-U', '--preserve-credentials'];
  return { ...disk, paths, enter: ['nsenter', '-t', String(pid), ...asUser, '-m', '--'] };
}
