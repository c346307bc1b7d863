import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { NOTHING_INHERITED, takeInherited } from '../../src/platform/inherited.js';
import { readOpenFiles } from '../../src/platform/processes.js';
import { withDispositions } from '../../src/runner/dispositions.js';
import type { Home } from '../helpers/daemon.js';
import { createHome, PROGRESS } from '../helpers/daemon.js';
import { isAble, isMissing, whyNo } from '../helpers/needs.js';
import { quoteWord, SHELLS } from '../helpers/scripts.js';
import { waitFor } from '../helpers/wait.js';

/** Shells that may be /bin/sh. */
const LAUNCHERS = SHELLS.filter(({ name, skip }) => name !== 'zsh' && !skip).map(({ name, command }) => ({
  name,
  // zsh as sh would take it for `set -f`
  shell: command.filter((word) => word !== '-f'),
}));
const OPEN = 'exec 3>three 5>five 20>twenty 63>sixty-three';
const DESCRIPTORS = ['ls', '-1', '/proc/self/fd'];
const MASKS = ['grep', '-E', 'Sig(Ign|Blk)', '/proc/self/status'];
const hasProc = process.platform === 'linux';

const command = (words: readonly string[]) => words.map(quoteWord).join(' ');

const waitUntilRunning = (home: Home) =>
  waitFor('the run', async () => /"status": ?"running"/.test((await home.invoke(['ps', '--json'])).stdout));

t.test('the record of the launcher', async (t) => {
  const take = (text?: string) => {
    const env = text === undefined ? {} : { PROGRESS_INHERITED: text };
    const taken = takeInherited(env);
    t.strictSame(env, {}, 'it is taken out of the environment');
    return taken;
  };
  t.strictSame(take(), NOTHING_INHERITED);
  t.strictSame(take('nonsense'), NOTHING_INHERITED);
  t.strictSame(take('0 0'), NOTHING_INHERITED);
  t.strictSame(take('16385 1073741824'), { ignored: ['SIGHUP', 'SIGTERM'], blocked: ['SIGSYS'], descriptors: [] });
  t.strictSame(take('4 0').ignored, [], 'bash ignores SIGQUIT itself');
  t.strictSame(take('6 0').ignored, ['SIGINT', 'SIGQUIT'], 'a script has started it in the background');
  t.strictSame(take('0 0 1 987654').descriptors, [1], 'what is open');
});

t.test('a command in the foreground inherits the same descriptors as without progress', async (t) => {
  if (isMissing(t, '/proc', hasProc) || isMissing(t, 'bash', whyNo('bash') === false)) return;
  const home = createHome(t);
  await home.startDaemon();
  const list = (before: readonly string[]) => {
    const script = `cd "$HOME"; ${OPEN}; ${command([...before, ...DESCRIPTORS])}`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script], { env: home.env, encoding: 'utf8' });
    t.equal(stderr, '');
    return stdout.split(/\s+/).join(' ').trim();
  };
  const direct = list([]);
  t.match(direct, /\b20 .*\b63\b/);
  for (const { name, shell } of LAUNCHERS) {
    t.equal(list([...shell, PROGRESS, 'run', '--no-pty', '--']), direct, name);
  }
  const onTerminal = new Set(list([PROGRESS, 'run', '--pty', '--']).split(' '));
  t.strictSame(
    direct.split(' ').filter((fd) => !onTerminal.has(fd)),
    [],
    'on a terminal',
  );
  t.equal(list([PROGRESS, 'run', '--', 'sh', '-c', '"$0" "$@"', PROGRESS, 'run', '--']), direct, 'a run in a run');
});

t.test('neither a detached run nor a daemon inherits descriptors', async (t) => {
  if (isMissing(t, '/proc', hasProc) || isMissing(t, 'bash', whyNo('bash') === false)) return;
  const home = createHome(t);
  const listed = path.join(home.directory, 'listed');
  const run = command([
    PROGRESS,
    'run',
    '--detach',
    '--',
    'sh',
    '-c',
    `ls -l /proc/self/fd >${listed}.tmp; mv ${listed}.tmp ${listed}`,
  ]);
  spawnSync('bash', ['-c', `cd "$HOME"; ${OPEN}; ${run}`], { env: home.env });
  const text = await waitFor('the descriptors', () => {
    try {
      return readFileSync(listed, 'utf8');
    } catch {
      return undefined;
    }
  });
  t.notMatch(text, /three|five|twenty/);
  const client = await waitFor('the daemon', () => home.connect().catch(() => undefined));
  const { pid } = await client.hello();
  await client.close();
  const directory = realpathSync(home.directory);
  t.notOk(readOpenFiles(pid).some((file) => ['three', 'five', 'twenty'].includes(path.relative(directory, file))));
});

t.test('a command ignores and blocks the same signals as without progress', async (t) => {
  if (isMissing(t, '/proc', hasProc)) return;
  const home = createHome(t);
  await home.startDaemon();
  const masks = (around: string, before: readonly string[]) => {
    const script = around.replace('$', command([...before, ...MASKS]));
    return spawnSync('sh', ['-c', script], { env: home.env, encoding: 'utf8' }).stdout;
  };
  const canBlock = isAble('env', '--block-signal=USR2', 'true');
  const cases = [
    '$',
    "trap '' HUP TERM USR1 PIPE; $",
    '$ & wait',
    ...(canBlock ? ['env --block-signal=USR2,TERM $'] : []),
  ];
  for (const around of cases) {
    const direct = masks(around, []);
    t.match(direct, /SigIgn:/);
    for (const { name, shell } of LAUNCHERS) {
      t.equal(masks(around, [...shell, PROGRESS, 'run', '--no-pty', '--']), direct, `${around} in ${name}`);
    }
  }
  const all = cases[1] ?? '';
  t.equal(masks(all, [PROGRESS, 'run', '--pty', '--']).replaceAll('\r', ''), masks(all, []), 'on a terminal');
});

t.test('without env(1) of GNU no signals are blocked', async (t) => {
  if (isMissing(t, '/proc', hasProc)) return;
  const { PATH } = process.env;
  t.teardown(() => (process.env['PATH'] = PATH));
  process.env['PATH'] = '/nonexistent';
  const inherited = { ...NOTHING_INHERITED, ignored: ['SIGHUP', 'SIGTERM'], blocked: ['SIGUSR1'] } as const;
  const [file, ...args] = withDispositions(['grep', '-E', 'Sig(Ign|Blk)', '/proc/self/status'], inherited, {});
  process.env['PATH'] = PATH;
  const { stdout } = spawnSync(file, args, { encoding: 'utf8' });
  t.match(stdout, /^SigBlk:\s+0+\nSigIgn:\s+0+4001\n$/);
});

t.test('a command that ignores signals has variables whose names are no identifiers', (t) => {
  const env = { ...process.env, 'odd.name': 'a=b\nc', 'BASH_FUNC_f%%': '() {  echo "f of $1"\n}' };
  const inherited = { ...NOTHING_INHERITED, ignored: ['SIGHUP'] } as const;
  const [file, ...args] = withDispositions(['env', '-0'], inherited, env);
  const given = spawnSync(file, args, { env, encoding: 'utf8' }).stdout.split('\0');
  for (const name of ['odd.name', 'BASH_FUNC_f%%'] as const) t.ok(given.includes(`${name}=${env[name]}`), name);
  const plain = withDispositions(['env', '-0'], inherited, { PATH: '' });
  t.strictSame(plain.slice(-3), ['sh', 'env', '-0'], 'nothing more without them');
  t.end();
});

t.test('a runner ignores inherited ignored signals, and handles the others', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const argv = ['run', '--no-pty', '--name', 'nohup', '--', 'sleep', '600'];
  const child = spawn('sh', ['-c', `trap '' HUP; exec ${command([PROGRESS, ...argv])}`], {
    env: home.env,
    stdio: 'ignore',
  });
  const closed = once(child, 'close');
  await waitUntilRunning(home);
  child.kill('SIGHUP');
  child.kill('SIGTERM');
  t.strictSame(await closed, [143, null]);
  const { stdout } = await waitFor('its end', async () => {
    const shown = await home.invoke(['show', '--json', 'nohup']);
    return shown.stdout.includes('endedAt') && shown;
  });
  t.match(JSON.parse(stdout), { status: 'cancelled', outcome: { signal: 'SIGTERM' } });
});

t.test('a run in the background of a script ignores SIGINT, and is stopped by SIGTERM', async (t) => {
  if (isMissing(t, '/proc', hasProc)) return;
  const home = createHome(t);
  await home.startDaemon();
  const argv = [PROGRESS, 'run', '--no-pty', '--name', 'background', '--', 'sleep', '600'];
  const child = spawn('sh', ['-c', `${command(argv)} & wait`], { env: home.env, stdio: 'ignore' });
  const closed = once(child, 'close');
  await waitUntilRunning(home);
  t.match((await home.invoke(['stop', 'background'])).stdout, /stopped by SIGTERM/);
  await closed;
});
