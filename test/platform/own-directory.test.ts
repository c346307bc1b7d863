/** Root creates nothing in the home of another user, in Node and in the shells. */
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { whyNotOwn } from '../../src/platform/own-directory.js';
import { ROOT } from '../helpers/daemon.js';
import { whyNo } from '../helpers/needs.js';

const OTHER_USER = 12_345;
const isRoot = process.getuid?.() === 0;

t.test('root writes only below its own directories', (t) => {
  const home = t.testdir();
  if (isRoot) chownSync(home, OTHER_USER, OTHER_USER);
  const owner = isRoot ? OTHER_USER : process.getuid?.();
  t.match(whyNotOwn(path.join(home, 'a/b'), 0), `${home} belongs to user ${owner}, and you are root`);
  t.equal(whyNotOwn('/nowhere/a', 0), undefined, 'the root directory is its own');
  t.equal(whyNotOwn(path.join(home, 'a/b'), owner), undefined);
  t.equal(whyNotOwn('/nowhere/a', OTHER_USER), undefined, 'others cannot, or may');
  t.end();
});

t.test('a home directory that does not exist is not made', (t) => {
  const { HOME } = process.env;
  t.teardown(() => (process.env['HOME'] = HOME));
  process.env['HOME'] = path.join(t.testdir(), 'missing');
  for (const uid of [0, OTHER_USER]) {
    t.match(whyNotOwn(path.join(process.env['HOME'], '.local/state'), uid), /missing does not exist/);
  }
  t.end();
});

const LOADS: Record<string, string> = { bash: 'source', zsh: 'source', fish: 'source', sh: '.' };
for (const [shell, load] of Object.entries(LOADS))
  t.test(`${shell}: root with the home of another user`, { skip: whyNo(shell) || (!isRoot && 'needs root') }, (t) => {
    const directory = t.testdir({ lent: {}, own: {} });
    const [home, own] = [path.join(directory, 'lent'), path.join(directory, 'own')];
    chownSync(home, OTHER_USER, OTHER_USER);
    const start = shell === 'sh' ? 'progress_start x; ' : '';
    const script = `${load} '${ROOT}/hooks/progress.${shell}'; ${start}progress emit log text=x`;
    const run = (env: Record<string, string>) =>
      spawnSync(shell, ['-c', script], { env: { ...process.env, PROGRESS_NO_DAEMON: '1', ...env } });
    run({ HOME: home, PATH: `${ROOT}/bin:${process.env['PATH']}` });
    const files = readdirSync(home, { recursive: true }).filter((name) => String(name).includes('progress'));
    t.strictSame(files, [], 'nothing is left there');
    const missing = path.join(directory, 'missing');
    run({ HOME: missing, PATH: `${ROOT}/bin:${process.env['PATH']}` });
    // fish makes it itself
    if (shell !== 'fish') t.notOk(existsSync(missing), 'a home that does not exist is not made');
    run({ HOME: own, PATH: `${ROOT}/bin:${process.env['PATH']}` });
    t.ok(existsSync(path.join(own, '.local/state/progress/spool')), 'in its own home it is');
    t.end();
  });
