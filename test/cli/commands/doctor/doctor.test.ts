import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import { checkLines } from '../../../../src/cli/commands/doctor/doctor.js';
import type { Check } from '../../../../src/cli/commands/doctor/checks.js';
import {
  checkConfig,
  checkDisk,
  checkJournal,
  checkLocker,
  checkTerminal,
  checkNode,
  checkQuarantine,
  checkRuntime,
  checkSpool,
  checkState,
  judgeSpace,
} from '../../../../src/cli/commands/doctor/checks.js';
import { askDaemon, checkDaemon, checkLock, checkSocket } from '../../../../src/cli/commands/doctor/daemon.js';
import { checkNotifier, checkShell } from '../../../../src/cli/commands/doctor/shell.js';
import { resolvePaths } from '../../../../src/platform/paths.js';
import type { JournalStatus } from '../../../../src/api/messages.js';
import type { Home } from '../../../helpers/daemon.js';
import { createHome, PROGRESS, ROOT } from '../../../helpers/daemon.js';
import { listenAs } from '../../../helpers/fake-daemon.js';
import { waitFor } from '../../../helpers/wait.js';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

const checksOf = (json: string) => new Map((JSON.parse(json) as Check[]).map((check) => [check.name, check]));

async function diagnose(home: Home): Promise<{ status: number | null; checks: Map<string, Check> }> {
  const { status, stdout } = await home.invoke(['doctor', '--json']);
  return { status, checks: checksOf(stdout) };
}

/** A directory of this user, as the daemon creates it. */
function createState(t: Test): Home {
  const home = createHome(t);
  mkdirSync(home.paths.journal, { recursive: true, mode: 0o700 });
  mkdirSync(home.paths.runtime, { mode: 0o700 });
  return home;
}

t.test('before the first use everything is fine, and nothing is created', async (t) => {
  const home = createHome(t);
  const { status, checks } = await diagnose(home);
  t.equal(status, 0);
  for (const check of checks.values())
    if (check.name !== 'disk') t.match(check, { state: 'ok', message: /./ }, check.name);
  t.match(checks.get('daemon')?.message, 'not running');
  t.notOk(existsSync(home.paths.state), 'nothing was made and no daemon was started');
});

t.test('reports a running daemon with its PID, version, lock and socket', async (t) => {
  const home = createHome(t);
  const { pid } = await home.startDaemon();
  const { status, checks } = await diagnose(home);
  t.equal(status, 0);
  t.match(checks.get('daemon'), { state: 'ok', message: new RegExp(`^pid ${pid}, version `) });
  t.match(checks.get('lock'), { state: 'ok', message: `held by pid ${pid}` });
  t.match(checks.get('socket'), { state: 'ok', message: `${home.paths.socket}, mode 600` });
  t.match(checks.get('journal'), { state: 'ok', message: 'can be written' });
});

t.test('prints a line for each check, with advice below it', async (t) => {
  const home = createHome(t);
  writeFileSync(home.paths.config, 'wach: 1\nsync: 2\n');
  const { status, stdout } = await home.invoke(['doctor']);
  t.equal(status, 1);
  const config = new RegExp(
    `^problem  config +${home.paths.config}:1:1: .*\n +${home.paths.config}:2:1: .*\n +-> edit`,
    'm',
  );
  t.match(stdout, config);
  t.match(stdout, /^ok {7}node /m);
  const hostile: Check = { name: 'x', state: 'problem', message: 'a\u001b[2Jb', advice: 'c\u001b[2Jd' };
  t.strictSame(checkLines([hostile], { color: false, ascii: false }), [
    'problem  x  a^[[2Jb',
    '            -> c^[[2Jd',
  ]);
});

t.test('directories that other users can enter are a problem, and the advice fixes it', async (t) => {
  const { paths } = createState(t);
  for (const [check, directory] of [
    [checkState, paths.state],
    [checkRuntime, paths.runtime],
  ] as const) {
    t.match(check(paths), { state: 'ok', message: 'mode 700' });
    chmodSync(directory, 0o750);
    t.match(check(paths), { state: 'problem', message: 'mode 750', advice: `chmod 700 ${directory}` });
    chmodSync(directory, 0o700);
  }
  chmodSync(paths.journal, 0o755);
  t.match(await checkJournal(paths.journal, undefined), { state: 'problem', advice: `chmod 700 ${paths.journal}` });
});

t.test('a directory of another user is a problem', { skip: !isRoot && 'only root may give one away' }, async (t) => {
  const { paths } = createState(t);
  chownSync(paths.state, 12_345, 12_345);
  t.match(checkState(paths), { state: 'problem', message: 'belongs to user 12345', advice: /^chown \w+ / });
});

t.test('a directory that cannot be written is a problem', async (t) => {
  const { directory, env, paths } = createState(t);
  rmSync(paths.runtime, { recursive: true });
  chmodSync(paths.state, 0o500);
  // root may write everywhere, so another user runs the check
  if (isRoot) for (const one of [directory, paths.state, paths.journal]) chownSync(one, NOBODY, NOBODY);
  const as = isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
  const words = [...as, PROGRESS, 'doctor', '--json'];
  const { stdout } = spawnSync(words[0]!, words.slice(1), { env, encoding: 'utf8' });
  const state = (JSON.parse(stdout) as Check[]).find(({ name }) => name === 'state');
  t.match(state, { state: 'problem', message: 'cannot be written (EACCES)', advice: /^chmod u\+rwx / });
  chmodSync(paths.state, 0o700);
});

t.test('a file or a link in place of a directory is a problem', async (t) => {
  const { paths } = createState(t);
  rmSync(paths.runtime, { recursive: true });
  writeFileSync(paths.runtime, '');
  t.match(checkRuntime(paths), { state: 'problem', message: 'is not a directory', advice: /^move it away: mv / });
  rmSync(paths.state, { recursive: true });
  symlinkSync('/tmp', paths.state);
  t.match(checkState(paths), { state: 'problem', message: 'is not a directory' });
  rmSync(paths.state);
  writeFileSync(paths.state, '');
  t.match(checkRuntime(paths), { state: 'problem', message: `${paths.state} is not a directory` });
  t.match(await checkJournal(paths.journal, undefined), { state: 'ok' }, 'which the state directory reports');
});

t.test('names both paths when that of the socket is too long', async (t) => {
  const long = path.join(t.testdir(), 'x'.repeat(120));
  const { runtime, ...paths } = resolvePaths({ PROGRESS_HOME: long });
  const { state, message } = checkRuntime({ runtime, ...paths });
  t.equal(state, 'ok');
  t.ok(message.startsWith(runtime) && message.includes(`${long}/state/run`) && message.includes('too long'));
  t.notMatch(checkRuntime(resolvePaths({ PROGRESS_HOME: '/tmp/short' })).message, 'too long');
});

t.test('a free lock and a dead socket of a killed daemon are not a problem', async (t) => {
  const home = createHome(t);
  const daemon = await home.startDaemon();
  await daemon.kill();
  const { status, checks } = await diagnose(home);
  t.equal(status, 0);
  t.match(checks.get('lock'), { state: 'ok', message: `is free: pid ${daemon.pid}, its last holder, has ended` });
  t.match(checks.get('socket'), { state: 'warning', message: 'is left from a daemon that was killed' });
  t.match(checks.get('daemon'), { state: 'ok', message: 'not running' });
});

t.test(
  'a process that got the number of the last daemon does not hold the lock',
  { skip: !existsSync('/proc/self/fd') && 'no /proc' },
  async (t) => {
    const { paths } = createState(t);
    const { pid } = spawn('sleep', ['60'], { stdio: 'ignore' }); // ended with the home, which takes it for a daemon
    writeFileSync(paths.lock, JSON.stringify({ pid, version: '0', socket: paths.socket }), {
      mode: 0o600,
    });
    const daemon = await askDaemon(paths);
    t.match(checkLock(paths, daemon), { state: 'ok', message: 'is free' });
    t.match(checkDaemon(paths, daemon), { state: 'ok', message: 'not running' });
  },
);

t.test('a daemon that does not answer is a problem', async (t) => {
  const home = createHome(t);
  const { pid } = await home.startDaemon();
  process.kill(pid, 'SIGSTOP');
  const { status, stdout } = home.progress(['doctor', '--json']); // a process: it must end, too
  const checks = checksOf(stdout);
  t.equal(status, 1);
  t.match(checks.get('daemon'), { state: 'problem', message: `pid ${pid} does not answer`, advice: `kill -9 ${pid}` });
  t.match(checks.get('socket'), { state: 'ok' }, 'it is not left over');
});

t.test('a daemon whose socket was removed is a problem', async (t) => {
  const home = createHome(t);
  const { pid } = await home.startDaemon();
  process.kill(pid, 'SIGSTOP'); // else it notices, and leaves
  rmSync(home.paths.socket);
  const { status, checks } = await diagnose(home);
  t.equal(status, 1);
  t.match(checks.get('daemon'), { state: 'problem', message: `pid ${pid} holds the lock, but no process listens` });
});

t.test('a socket or a lock of another file type is a problem', async (t) => {
  const { paths } = createState(t);
  writeFileSync(paths.socket, '');
  mkdirSync(paths.lock);
  const daemon = await askDaemon(paths);
  t.match(checkSocket(paths, daemon), { state: 'problem', message: 'is not a socket', advice: /^move it away/ });
  t.match(checkLock(paths, daemon), { state: 'problem', message: 'is not a file', advice: /^move it away/ });
});

/** Listens in place of the daemon, and answers every request with these fields. */
async function pretend(t: Test, { paths }: Home, answer: object): Promise<void> {
  await listenAs(t, paths, () => answer);
  chmodSync(paths.socket, 0o600);
}

t.test('advises to restart a daemon of another version or protocol', async (t) => {
  const home = createState(t);
  const { socket } = home.paths;
  const status = { version: '0.0.1', protocol: 1, pid: 7, socket, startedAt: new Date().toISOString() };
  await pretend(t, home, status);
  const older = await askDaemon(home.paths);
  const advice = /progress daemon restart/;
  t.match(checkDaemon(home.paths, older), { state: 'warning', message: /pid 7 is version 0\.0\.1, .*0\.1\.0/, advice });

  const other = createState(t);
  await pretend(t, other, { error: { code: 'protocol_mismatch', message: 'protocol 9 is spoken' } });
  const foreign = await askDaemon(other.paths);
  t.match(checkDaemon(other.paths, foreign), { state: 'problem', message: 'protocol 9 is spoken', advice });
  t.match(checkSocket(other.paths, foreign), { state: 'ok' });
  chmodSync(other.paths.socket, 0o666);
  t.match(checkSocket(other.paths, foreign), { state: 'warning', advice: /^chmod 600 / });
});

t.test('an invalid configuration is a problem with file, line and column', async (t) => {
  const { paths } = createHome(t);
  t.match(checkConfig(paths.config), { state: 'ok', message: 'all defaults' });
  writeFileSync(paths.config, 'watch:\n  rate: 900\n');
  t.match(checkConfig(paths.config), { state: 'problem', message: `${paths.config}:2:9: ` });
  writeFileSync(paths.config, '');
  t.match(checkConfig(paths.config), { state: 'ok', message: 'is valid' });
});

t.test('a journal that cannot be written is a problem', async (t) => {
  const { paths } = createState(t);
  const manifest = path.join(paths.journal, 'journal.json');
  t.match(await checkJournal(paths.journal, undefined), { state: 'ok' });
  const failure = { failure: { code: 'disk_full', message: 'no space' } } as JournalStatus;
  t.match(await checkJournal(paths.journal, failure), { state: 'problem', message: 'no space' });
  writeFileSync(manifest, '{"version":99,"id":"x"}');
  t.match(await checkJournal(paths.journal, undefined), {
    state: 'problem',
    message: 'was written by a later release',
  });
  writeFileSync(manifest, '{"vers');
  t.match(await checkJournal(paths.journal, undefined), { state: 'warning', message: 'is damaged' });
  rmSync(manifest);
  mkdirSync(manifest);
  t.match(await checkJournal(paths.journal, undefined), { state: 'warning', message: 'is damaged' });
});

t.test('a spool that other users can enter is a problem', (t) => {
  const { paths } = createState(t);
  t.match(checkSpool(paths), { state: 'ok', message: 'does not exist yet' });
  mkdirSync(paths.spool, { mode: 0o700 });
  t.match(checkSpool(paths), { state: 'ok', message: 'mode 700' });
  chmodSync(paths.spool, 0o777);
  t.match(checkSpool(paths), { state: 'problem', message: 'mode 777', advice: `chmod 700 ${paths.spool}` });
  t.end();
});

t.test('checks the hooks that a shell loads', async (t) => {
  const home = createHome(t);
  const { directory, env, paths } = home;
  const rc = path.join(directory, '.bashrc');
  const check = () => checkShell({ ...env, SHELL: '/bin/bash' }, paths);
  t.match(check(), { state: 'ok', message: `no hooks in ${rc}: \`progress setup\` adds them` });
  writeFileSync(rc, '# mine\n');
  await home.invoke(['setup', 'bash']);
  const text = readFileSync(rc, 'utf8');
  t.match(check(), { state: 'ok', message: `${rc}:2 loads the hooks of ${PROGRESS}` });
  const refusal = path.join(paths.spool, '.bash-refusal');
  mkdirSync(paths.spool, { recursive: true, mode: 0o700 });
  writeFileSync(refusal, 'PROMPT_COMMAND is read-only\n');
  t.match(check(), { state: 'warning', message: /records nothing: PROMPT_COMMAND is read-only$/, advice: /readonly/ });
  writeFileSync(refusal, '');
  t.match(check(), { state: 'ok' });
  const advice = /progress setup/;
  const cases = [
    ['problem', text.replaceAll(PROGRESS, '/nowhere/progress'), ':2: /nowhere/progress does not exist'],
    ['warning', text.replace('esac', 'esac # mine'), ':2: edited by hand'],
    ['problem', text.replace('# <<< progress <<<', ''), ':2: the block of progress that starts here has no end'],
    ['problem', text + text, ':6: a second block'],
  ] as const;
  for (const [state, broken, message] of cases) {
    writeFileSync(rc, broken);
    t.match(check(), { state, message: rc + message, advice });
  }
  rmSync(rc);
  mkdirSync(rc);
  t.match(check(), { state: 'problem', message: `${rc} is not a regular file`, advice });
  t.match(checkShell({ ...env, SHELL: '/bin/tcsh' }, paths), {
    state: 'ok',
    message: 'there are no hooks for /bin/tcsh',
  });
});

t.test('checks the hooks of agents that have been used', async (t) => {
  const home = createHome(t);
  Object.assign(home.env, { CLAUDE_CONFIG_DIR: undefined, CODEX_HOME: undefined, GEMINI_CLI_HOME: undefined });
  const file = path.join(home.directory, '.codex/hooks.json');
  const check = async () => (await diagnose(home)).checks.get('codex');
  t.equal(await check(), undefined);
  mkdirSync(path.dirname(file));
  t.match(await check(), { state: 'ok', message: `no hooks in ${file}: \`progress setup codex\` adds them` });
  await home.invoke(['setup', 'codex']);
  t.match(await check(), { state: 'ok', message: /has the hooks, for \d+ events$/ });
  t.strictSame(
    [...(await diagnose(home)).checks.keys()].filter((name) => ['claude', 'gemini'].includes(name)),
    [],
  );
  const text = readFileSync(file, 'utf8');
  const own = path.join(ROOT, 'hooks/claude-plugin/agent-hook');
  const other = path.join(home.directory, 'agent-hook');
  writeFileSync(other, '');
  const cases = [
    [
      'problem',
      text.replaceAll(own, '/nowhere/agent-hook'),
      '/nowhere/agent-hook does not exist',
      /run `progress setup codex` to repair it/,
    ],
    [
      'warning',
      text.replaceAll(own, other),
      `belong to another installation: ${other}`,
      /run `progress setup codex` to repair it/,
    ],
    ['warning', text.replaceAll('exec sh', 'exec dash'), 'edited by hand', /run `progress setup codex` to repair it/],
    ['warning', text.slice(0, -20), 'invalid JSON', /repair the file/],
  ] as const;
  for (const [state, broken, message, advice] of cases) {
    writeFileSync(file, broken);
    t.match(await check(), { state, message, advice });
  }
});

t.test('a desktop without notify-send is a warning, a machine without a desktop is not', (t) => {
  const DBUS_SESSION_BUS_ADDRESS = 'unix:path=/nowhere';
  const bin = t.testdir();
  t.match(checkNotifier({ DBUS_SESSION_BUS_ADDRESS: '', PATH: bin }), { state: 'ok', message: 'no session bus' });
  t.match(checkNotifier({ DBUS_SESSION_BUS_ADDRESS, PATH: bin }), { state: 'warning', advice: /^install libnotify/ });
  writeFileSync(path.join(bin, 'notify-send'), '', { mode: 0o755 });
  t.match(checkNotifier({ DBUS_SESSION_BUS_ADDRESS, PATH: bin }), {
    state: 'ok',
    message: 'notifications can be shown',
  });
  t.end();
});

t.test('quarantined files are a warning', async (t) => {
  const { paths } = createState(t);
  const directory = path.join(paths.journal, 'quarantine');
  mkdirSync(directory);
  t.match(checkQuarantine(paths.journal), { state: 'ok' });
  writeFileSync(path.join(directory, '17.bin'), 'x'.repeat(2_048));
  t.match(checkQuarantine(paths.journal), { state: 'warning', message: `1 file, 2.0 KiB` });
});

t.test('too little space is a warning, and none a problem', async (t) => {
  const { paths } = createHome(t);
  t.match(checkDisk(paths.journal), { message: / free on the file system of / });
  const mebibyte = 1024 * 1024;
  t.match(judgeSpace(1_000 * mebibyte, '/'), { state: 'ok' });
  t.match(judgeSpace(100 * mebibyte, '/'), { state: 'warning', advice: /^free some space/ });
  t.match(judgeSpace(0.5 * mebibyte, '/'), { state: 'problem', advice: /^free some space/ });
});

t.test('the oldest Node.js is the one that the bundle is made for', async (t) => {
  const [, oldest = ''] = /target: 'node([\d.]+)'/.exec(readFileSync(path.join(ROOT, 'build.mjs'), 'utf8')) ?? [];
  const [major = 0, minor = 0] = oldest.split('.').map(Number);
  t.match(checkNode(`${major}.${minor}.0`), { state: 'ok' });
  t.match(checkNode(`${major + 2}.0.0`), { state: 'ok' });
  t.match(checkNode(`${major}.${minor - 1}.9`), { state: 'problem', message: 'is too old', advice: oldest });
  t.match(checkNode(`${major - 2}.99.0`), { state: 'problem' });
});

t.test('without setsid commands run without a pseudo-terminal', async (t) => {
  const bin = t.testdir();
  t.match(checkTerminal(process.env['PATH'] ?? ''), { state: 'ok' });
  t.match(checkTerminal(bin), { state: 'warning', message: /setsid/, advice: /util-linux/ });
  symlinkSync(process.execPath, path.join(bin, 'node'));
  symlinkSync('/usr/bin/env', path.join(bin, 'env'));
  const home = createHome(t);
  await home.startDaemon();
  const run = ['run', '--pty', '--name', 'plain', '--', '/bin/sh', '-c', '[ -t 1 ] || echo no terminal'];
  const { stdout, stderr, status } = await home.invoke(run, { env: { PATH: bin } });
  t.equal(stdout, 'no terminal\n');
  t.match(stderr, /cannot allocate a terminal, the command gets pipes: neither a setsid\(1\) with -c nor perl/);
  t.equal(status, 0);
  await waitFor('the journal to say so', async () =>
    (await home.invoke(['logs', 'plain'])).stdout.includes('the command gets pipes'),
  );
});

t.test('without flock and perl no daemon can start; one of them is enough', async (t) => {
  const bin = t.testdir();
  t.match(checkLocker(`${bin}:/nowhere`), { state: 'problem', advice: /util-linux/ });
  writeFileSync(path.join(bin, 'flock'), '');
  t.match(checkLocker(bin), { state: 'problem' }, 'it has to be executable');
  writeFileSync(path.join(bin, 'perl'), '', { mode: 0o755 });
  t.match(checkLocker(`/nowhere::${bin}`), { state: 'ok', message: 'perl' });
});
