/** A file system that is mounted read-only: one message and one status, whichever command has to write. */
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { createHome, PROGRESS } from '../helpers/daemon.js';
import { isAble } from '../helpers/needs.js';

/** Mounts an empty file system over $1, read-only, for the following command. */
const READ_ONLY = 'mount -t tmpfs none "$1" && mount -o remount,ro "$1" && shift && exec "$@"';
const able = isAble('unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /mnt');
const options = { skip: !able && 'needs the right to mount' };

const WRITERS: Readonly<Record<string, string[]>> = {
  emit: ['emit', 'log', 'message=x'],
  'emit --wait': ['emit', '--wait', 'log', 'message=x'],
  'run -d': ['run', '-d', 'true'],
  'daemon start': ['daemon', 'start'],
  'daemon run': ['daemon', 'run'],
  ps: ['ps'],
  'config set': ['config', 'set', 'silence.after', '5m'],
  'setup of a shell': ['setup', 'bash'],
  'setup of an agent': ['setup', 'claude'],
  notify: ['notify', 'hello'],
  queue: ['queue', 'pause', 'builds'],
  web: ['web'],
};

t.test('commands that have to write end with status 74 and the reason, once', options, async (t) => {
  const home = createHome(t);
  const run = (args: string[], { directory, env } = home) => {
    const wrapped = ['-m', 'sh', '-c', READ_ONLY, 'sh', directory, PROGRESS, ...args];
    const { status, stderr, stdout } = spawnSync('unshare', wrapped, {
      env,
      encoding: 'utf8',
      input: '',
      timeout: 30_000,
    });
    return { status, stderr, stdout };
  };
  for (const [name, args] of Object.entries(WRITERS)) {
    const { status, stderr } = run(args);
    t.equal(status, 74, name);
    t.match(stderr, /^progress: .* cannot be written: its file system is read-only\n$/, name);
  }
  t.match(run(['run', 'sh', '-c', 'echo done; exit 3']), {
    status: 3,
    stdout: 'done\n',
    stderr: /^progress: this run is not recorded: .*: its file system is read-only\n$/,
  });
  const other = createHome(t);
  await other.startDaemon();
  t.match(other.progress(['emit', 'execution_completed', 'execution=x', '--wait']), { status: 0 });
  const exporting = run(['export', 'x', '-o', `${home.directory}/x.tar.gz`], { ...home, env: other.env });
  t.match(exporting, { status: 74, stderr: /^progress: .* cannot be written: its file system is read-only\n$/ });
  t.match(run(['logs']), { status: 0, stderr: '' }, 'what only reads works');
});
