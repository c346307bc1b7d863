import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { loadConfig } from '../../../src/config/load.js';
import { createHome } from '../../helpers/daemon.js';

t.test('get prints the value in effect of a key, or all of them one on a line', async (t) => {
  const home = createHome(t);
  const { paths } = home;
  writeFileSync(paths.config, 'journal:\n  retainAge: 30d\n');
  t.strictSame(await home.invoke(['config', 'get', 'journal.retainAge']), {
    status: 0,
    stdout: '2592000000\n',
    stderr: '',
  });
  t.strictSame((await home.invoke(['config', 'get', 'journal.sync'])).stdout, 'interval\n');
  const { stdout } = await home.invoke(['config', 'get']);
  t.match(stdout, /^journal\.retainAge = 2592000000$/m);
  t.match(stdout, /^watch\.rate = 10$/m);
});

t.test('get --json prints JSON that is nested as the file is', async (t) => {
  const home = createHome(t);
  const { paths } = home;
  t.strictSame(JSON.parse((await home.invoke(['config', 'get', '--json'])).stdout), loadConfig(paths.config));
  t.strictSame(JSON.parse((await home.invoke(['config', 'get', '--json', 'journal.sync'])).stdout), 'interval');
});

t.test('get refuses an unknown key with 64, and an invalid file with 78', async (t) => {
  const home = createHome(t);
  const { paths } = home;
  t.match(await home.invoke(['config', 'get', 'journal.retainAgee']), {
    status: 64,
    stdout: '',
    stderr: 'journal.retainAge?',
  });
  writeFileSync(paths.config, 'wach: 1\n');
  t.match(await home.invoke(['config', 'get']), { status: 78, stdout: '', stderr: `${paths.config}:1:1: wach:` });
});

t.test('check prints nothing for a valid file, nor for a missing default file', async (t) => {
  const home = createHome(t);
  const { directory, paths } = home;
  const silent = { status: 0, stdout: '', stderr: '' };
  t.strictSame(await home.invoke(['config', 'check']), silent);
  writeFileSync(paths.config, 'watch:\n  rate: 5\n');
  t.strictSame(await home.invoke(['config', 'check']), silent);
  t.strictSame(await home.invoke(['config', 'check', paths.config]), silent);
  const missing = path.join(directory, 'missing.yaml');
  t.match(await home.invoke(['config', 'check', missing]), {
    status: 66,
    stdout: '',
    stderr: `${missing}: no such file`,
  });
});

t.test('check prints every problem with its line and column, and exits with 78', async (t) => {
  const home = createHome(t);
  const { directory } = home;
  const file = path.join(directory, '0123'); // a name that a parser of arguments may take for a number
  writeFileSync(file, 'watch:\n  rate: 900\n  "ev\\eil": 1\nsync: always\n');
  const { status, stdout, stderr } = await home.invoke(['config', 'check', file]);
  t.equal(status, 78);
  t.equal(stderr, '');
  const places = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(0, file.length + 4));
  t.strictSame(places, [`${file}:2:9`, `${file}:3:3`, `${file}:4:1`]);
  t.notMatch(stdout, '\u001b', 'what a terminal would obey is not printed as it is');
});

t.test('check --json prints the problems as an object', async (t) => {
  const home = createHome(t);
  const { directory, paths } = home;
  writeFileSync(paths.config, 'watch:\n  rate: 900\n');
  const wrong = await home.invoke(['config', 'check', '--json']);
  t.equal(wrong.status, 78);
  const [problem, ...more] = (JSON.parse(wrong.stdout) as { problems: object[] }).problems;
  t.match(problem, { line: 2, column: 9, message: /^watch\.rate: is 900/ });
  t.strictSame(more, []);

  const folder = path.join(directory, 'folder');
  mkdirSync(folder);
  const unreadable = await home.invoke(['config', 'check', '--json', folder]);
  t.equal(unreadable.status, 78);
  t.strictSame(JSON.parse(unreadable.stdout), { file: folder, problems: [{ message: 'is not a regular file' }] });

  writeFileSync(paths.config, '');
  t.strictSame(JSON.parse((await home.invoke(['config', 'check', '--json'])).stdout), {
    file: paths.config,
    problems: [],
  });
});

t.test('path prints where the file is, or would be, and takes nothing', async (t) => {
  const home = createHome(t);
  const { paths } = home;
  t.strictSame(await home.invoke(['config', 'path']), { status: 0, stdout: `${paths.config}\n`, stderr: '' });
  t.strictSame(JSON.parse((await home.invoke(['config', 'path', '--json'])).stdout), paths.config);
  t.match(await home.invoke(['config', 'path', 'x']), { status: 64, stdout: '' });
  t.match(await home.invoke(['config', 'set']), { status: 64, stdout: '' });
});

t.test('set creates a missing file and its directory', async (t) => {
  const home = createHome(t);
  const env = { PROGRESS_HOME: '', HOME: home.directory, XDG_CONFIG_HOME: path.join(home.directory, 'not/yet') };
  t.strictSame(await home.invoke(['config', 'set', 'watch.rate', '5'], { env }), { status: 0, stdout: '', stderr: '' });
  const file = path.join(home.directory, 'not/yet/progress/config.yaml');
  t.equal(readFileSync(file, 'utf8'), 'watch:\n  rate: 5\n');
  t.equal((await home.invoke(['config', 'set', 'watch.rate', '6', '--json'], { env })).stdout, '6\n');
  t.equal((await home.invoke(['config', 'unset', 'watch.rate', '--json'], { env })).stdout, '10\n');
  t.equal(readFileSync(file, 'utf8'), '');
});

t.test('set keeps mode and link, and leaves no other file', async (t) => {
  const home = createHome(t);
  const { paths, directory } = home;
  const real = path.join(directory, 'dotfiles.yaml');
  writeFileSync(real, '# über\nwatch:\n  rate: 5 # five\n', { mode: 0o640 });
  symlinkSync('dotfiles.yaml', paths.config);
  const { ino } = statSync(real);
  t.equal((await home.invoke(['config', 'set', 'watch.rate', '6'])).status, 0);
  t.equal(readFileSync(real, 'utf8'), '# über\nwatch:\n  rate: 6 # five\n');
  t.ok(lstatSync(paths.config).isSymbolicLink());
  t.equal(statSync(real).mode & 0o777, 0o640);
  t.not(statSync(real).ino, ino, 'in one step');
  t.strictSame(
    readdirSync(directory)
      .filter((name) => name.includes('yaml'))
      .sort(),
    ['config.yaml', 'dotfiles.yaml'],
  );
});

t.test('set refuses an invalid value, and an invalid file', async (t) => {
  const home = createHome(t);
  const { paths } = home;
  writeFileSync(paths.config, 'watch: { rate: 5 }\n');
  t.match(await home.invoke(['config', 'set', 'watch.rate', 'fast']), {
    status: 64,
    stderr: 'watch.rate: is "fast", wanted',
  });
  t.match(await home.invoke(['config', 'set', 'watch.rate']), { status: 64, stderr: 'needs a key and a value' });
  t.match(await home.invoke(['config', 'unset']), { status: 64, stderr: 'needs a key' });
  t.match(await home.invoke(['config', 'get', 'watch.rate', '5']), { status: 64, stderr: 'takes no "5"' });
  writeFileSync(paths.config, 'wach: 1\n');
  t.match(await home.invoke(['config', 'set', 'watch.rate', '6']), { status: 78, stderr: `${paths.config}:1:1: wach` });
  t.equal(readFileSync(paths.config, 'utf8'), 'wach: 1\n');
});

t.test('schema prints a JSON Schema', async (t) => {
  const { status, stdout } = await createHome(t).invoke(['config', 'schema']);
  t.equal(status, 0);
  t.match(JSON.parse(stdout), { $schema: /2020-12/, properties: { watch: { properties: { rate: { default: 10 } } } } });
});
