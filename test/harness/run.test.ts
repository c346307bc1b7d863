import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { readProcess } from '../../src/platform/processes.js';
import { ROOT } from '../helpers/daemon.js';
import { waitFor } from '../helpers/wait.js';

const ARGS = ['test/run.mjs', '--no-install', '--grace=0.2', 'test/fixtures/harness-cases.ts'];
/** Variables that a user may have set, and no test may see. */
const FOREIGN = {
  ...{ FORCE_COLOR: '1', NO_COLOR: '1', CI: '1', NODE_OPTIONS: '--no-warnings', PROGRESS_HOME: '/nowhere' },
  ...{ TMUX: '/nowhere,1,0', CLAUDECODE: '1', LANG: 'de_DE.UTF-8', TZ: 'Asia/Tokyo', TERM: 'dumb' },
};

t.jobs = 2;

function runCase(name: string, env: NodeJS.ProcessEnv = {}) {
  const { status, stdout } = spawnSync(process.execPath, ARGS, {
    cwd: ROOT,
    env: { ...process.env, ...env, TEST_CASE: name },
    encoding: 'utf8',
  });
  return { status, stdout };
}

t.test('tests run in a neutral environment', async (t) => {
  t.match(runCase('environment', FOREIGN), { status: 0, stdout: /^4 passed, 0 failed/m });
});

t.test('failures and early ends are reported', async (t) => {
  t.match(runCase('fails'), { status: 1, stdout: /one is two[\s\S]*^0 passed, 1 failed/m });
  t.match(runCase('exits'), { status: 1, stdout: /ended with status 3[\s\S]*^0 passed, 1 failed/m });
});

t.test('an unlisted skip fails the run, in CI only', async (t) => {
  t.match(runCase('skips'), { status: 0, stdout: /something is missing[\s\S]*^0 passed, 0 failed, 1 skipped/m });
  t.match(runCase('skips', { CI: '1' }), { status: 1, stdout: /not listed[\s\S]*^0 passed, 1 failed, 1 skipped/m });
});

t.test('a process that outlives its test is killed, and fails the run', async (t) => {
  const { status, stdout } = runCase('leaves');
  t.match({ status, stdout }, { status: 1, stdout: /^1 passed, 1 failed/m });
  const [, pid] = /harness-cases\.ts: (\d+) sleep 300/.exec(stdout) ?? [];
  t.ok(pid);
  await waitFor('it to end', () => (readProcess(Number(pid))?.state ?? 'Z') === 'Z');
});

t.test('Ctrl-C kills everything', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'ctrl-c-'));
  const run = spawn(process.execPath, ARGS, {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: directory, TEST_CASE: 'hangs' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(run, 'exit');
  let said = '';
  for await (const chunk of run.stderr) {
    said += String(chunk);
    if (said.includes('sleeping')) break;
  }
  run.kill('SIGINT');
  t.strictSame(await ended, [130, null]);
  t.strictSame(readdirSync(directory), [], 'its directory is removed');
  const sleepers = spawnSync('pgrep', ['-f', '^sleep 300$'], { encoding: 'utf8' }).stdout.trim().split('\n');
  const ours = sleepers.filter(
    (pid) => pid !== '' && spawnSync('grep', ['-q', directory, `/proc/${pid}/environ`]).status === 0,
  );
  t.strictSame(ours, []);
});
