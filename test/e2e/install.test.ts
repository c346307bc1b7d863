/** The package as npm installs it: commands, second names and manual pages. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { createHome, ROOT } from '../helpers/daemon.js';

/** npm has neither the network nor the packages in its cache. */
const OFFLINE =
  /ENOTCACHED|EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|E40[134]|ERR_SOCKET_TIMEOUT/;

t.test('npm pack and npm install -g install a program with its manual', async (t) => {
  const home = createHome(t);
  const prefix = path.join(home.directory, 'prefix');
  mkdirSync(prefix);
  const npm = (...args: string[]) =>
    spawnSync('npm', [...args, '--no-audit', '--no-fund', '--no-update-notifier'], {
      cwd: ROOT,
      encoding: 'utf8',
      timeout: 240_000,
    });
  if (npm('--version').error) return void t.pass('npm', { skip: 'npm is not installed' });
  // built before the tests: building now would remove dist/ while others use it
  const packed = npm('pack', '--ignore-scripts', '--pack-destination', home.directory);
  t.equal(packed.status, 0, packed.stderr);
  const archive = readdirSync(home.directory).find((file) => file.endsWith('.tgz')) ?? '';
  const installed = npm('install', '-g', '--prefix', prefix, '--prefer-offline', path.join(home.directory, archive));
  if (installed.status !== 0 && OFFLINE.test(installed.stderr)) {
    return void t.pass('npm install', { skip: 'npm cannot fetch the dependencies' });
  }
  t.equal(installed.status, 0, installed.stderr);
  t.notMatch(installed.stderr, /prepare|progressd/, 'without a warning about this package');

  const { version, man } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
    man: string[];
  };
  const bin = path.join(prefix, 'bin');
  const env = { ...home.env, PATH: `${bin}:${process.env['PATH']}` };
  for (const name of ['progress', 'progressd']) {
    t.equal(spawnSync(name, ['--version'], { env, encoding: 'utf8' }).stdout, `${version}\n`, name);
  }
  const modules = realpathSync(path.join(prefix, 'lib/node_modules/progressd'));
  const examples = spawnSync(path.join(bin, 'progressd'), ['path', 'examples'], {
    env,
    encoding: 'utf8',
  }).stdout.trim();
  t.equal(examples, path.join(modules, 'examples'));
  t.equal(
    spawnSync(path.join(bin, 'progressd'), ['run', '--', path.join(examples, 'backup.sh'), '--fail'], { env }).status,
    3,
  );
  for (const page of man.map((file) => path.basename(file))) {
    t.ok(existsSync(path.join(prefix, `share/man/man${page.at(-1)}`, page)), page);
  }
});
