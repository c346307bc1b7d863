/** A state directory of one megabyte, to be filled at will. */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import type { Paths } from '../../../src/paths.js';
import { readLockRecord } from '../../../src/protocol/lock-record.js';
import type { Home } from '../../helpers/daemon.js';
import { DAEMON } from '../../helpers/daemon.js';
import { waitFor } from '../../helpers/wait.js';
import { isAble, isMissing } from './needs.js';

export interface SmallDisk {
  /** Of the daemon. */
  pid: number;
  /** As they are seen from here. */
  paths: Paths;
  /** Words before a command that is to see it, too. */
  enter: string[];
  fill: () => void;
  free: () => void;
}

const NAMESPACE = process.getuid?.() === 0 ? ['-m'] : ['-Urm'];
const MOUNT = 'mount -t tmpfs -o size=1m,mode=700 tmpfs "$1" && shift && exec "$@"';

/** True when the test cannot be run. */
export function isDiskMissing(t: Test): boolean {
  return isMissing(t, 'mount namespaces', isAble('unshare', ...NAMESPACE, 'mount', '-t', 'tmpfs', 'x', '/mnt'));
}

/** A daemon whose state directory is a file system of one megabyte, that nobody else sees but through /proc. */
export async function startOnSmallDisk(t: Test, home: Home): Promise<SmallDisk> {
  mkdirSync(home.paths.state, { mode: 0o700, recursive: true });
  const args = ['sh', '-c', MOUNT, 'sh', home.paths.state, process.execPath, DAEMON];
  const child = spawn('unshare', [...NAMESPACE, ...args], { env: home.env, stdio: ['ignore', 'ignore', 'inherit'] });
  const pid = child.pid!;
  t.teardown(async () => {
    child.kill('SIGKILL');
    await waitFor('the daemon to be gone', () => child.exitCode ?? child.signalCode ?? undefined);
  });
  const within = (file: string) => path.join(`/proc/${pid}/root`, file);
  const { state, socket, journal, lock, checkpoint, daemonLog, spool, runs } = home.paths;
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
  const ballast = path.join(paths.state, 'ballast');
  return {
    pid,
    paths,
    enter: [
      'nsenter',
      '-t',
      String(pid),
      ...(process.getuid?.() === 0 ? [] : ['-U', '--preserve-credentials']),
      '-m',
      '--',
    ],
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
