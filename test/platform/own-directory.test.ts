/** Root leaves nothing in a home that it was lent, in Node as in the shells. */
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { whyNotOwn } from '../../src/platform/own-directory.js';
import { ROOT } from '../helpers/daemon.js';
import { whyNo } from '../helpers/needs.js';

const SOMEBODY = 12_345;
const isRoot = process.getuid?.() === 0;

t.test('root writes below what is its own alone', (t) => {
  const home = t.testdir();
  if (isRoot) chownSync(home, SOMEBODY, SOMEBODY);
  const owner = isRoot ? SOMEBODY : process.getuid?.();
  t.match(whyNotOwn(path.join(home, 'a/b'), 0), `${home} belongs to user ${owner}, and you are root`);
  t.equal(whyNotOwn('/nowhere/a', 0), undefined, 'the root directory is its own');
  t.equal(whyNotOwn(path.join(home, 'a/b'), owner), undefined);
  t.equal(whyNotOwn('/nowhere/a', SOMEBODY), undefined, 'others cannot, or may');
  t.end();
});

t.test('a home directory that does not exist is not made', (t) => {
  const { HOME } = process.env;
  t.teardown(() => (process.env['HOME'] = HOME));
  process.env['HOME'] = path.join(t.testdir(), 'missing');
  for (const uid of [0, SOMEBODY]) {
    t.match(whyNotOwn(path.join(process.env['HOME'], '.local/state'), uid), /missing does not exist/);
  }
  t.end();
});

const LOADS: Record<string, string> = { bash: 'source', zsh: 'source', fish: 'source', sh: '.' };
for (const [shell, load] of Object.entries(LOADS))
  t.test(`${shell}: root with the home of somebody`, { skip: whyNo(shell) || (!isRoot && 'needs root') }, (t) => {
    const directory = t.testdir({ lent: {}, own: {} });
    const [home, own] = [path.join(directory, 'lent'), path.join(directory, 'own')];
    chownSync(home, SOMEBODY, SOMEBODY);
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
