import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { loadConfig } from '../../src/config.js';
import { createHome } from '../helpers/daemon.js';

t.test('get prints the value in effect of a key, or all of them one on a line', async (t) => {
  const home = createHome(t);
  const { paths } = home;
  writeFileSync(paths.config, 'journal:\n  retainAge: 30d\n');
  t.strictSame(home.progress(['config', 'get', 'journal.retainAge']), {
    status: 0,
    stdout: '2592000000\n',
    stderr: '',
  });
  t.strictSame(home.progress(['config', 'get', 'journal.sync']).stdout, 'interval\n');
  const { stdout } = home.progress(['config', 'get']);
  t.match(stdout, /^journal\.retainAge = 2592000000$/m);
  t.match(stdout, /^watch\.rate = 10$/m);
});

t.test('get --json prints JSON that is nested as the file is', async (t) => {
  const home = createHome(t);
  const { paths } = home;
  t.strictSame(JSON.parse(home.progress(['config', 'get', '--json']).stdout), loadConfig(paths.config));
  t.strictSame(JSON.parse(home.progress(['config', 'get', '--json', 'journal.sync']).stdout), 'interval');
});

t.test('get refuses an unknown key with 64, and a wrong file with 78', async (t) => {
  const home = createHome(t);
  const { paths } = home;
  t.match(home.progress(['config', 'get', 'journal.retainAgee']), {
    status: 64,
    stdout: '',
    stderr: 'journal.retainAge?',
  });
  writeFileSync(paths.config, 'wach: 1\n');
  t.match(home.progress(['config', 'get']), { status: 78, stdout: '', stderr: `${paths.config}:1:1: wach:` });
});

t.test('check says nothing of a file that is right, nor of a default file that is missing', async (t) => {
  const home = createHome(t);
  const { directory, paths } = home;
  const silent = { status: 0, stdout: '', stderr: '' };
  t.strictSame(home.progress(['config', 'check']), silent);
  writeFileSync(paths.config, 'watch:\n  rate: 5\n');
  t.strictSame(home.progress(['config', 'check']), silent);
  t.strictSame(home.progress(['config', 'check', paths.config]), silent);
  const missing = path.join(directory, 'missing.yaml');
  t.match(home.progress(['config', 'check', missing]), {
    status: 66,
    stdout: '',
    stderr: `${missing}: there is no such file`,
  });
});

t.test('check prints every problem with its line and column, and exits with 78', async (t) => {
  const home = createHome(t);
  const { directory } = home;
  const file = path.join(directory, '0123'); // a name that a parser of arguments may take for a number
  writeFileSync(file, 'watch:\n  rate: 900\n  "ev\\eil": 1\nsync: always\n');
  const { status, stdout, stderr } = home.progress(['config', 'check', file]);
  t.equal(status, 78);
  t.equal(stderr, '');
  const places = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(0, file.length + 4));
  t.strictSame(places, [`${file}:2:9`, `${file}:3:3`, `${file}:4:1`]);
  t.notMatch(stdout, '\u001b', 'what a terminal would obey is not printed as it is');
});

t.test('check --json tells the same as an object', async (t) => {
  const home = createHome(t);
  const { directory, paths } = home;
  writeFileSync(paths.config, 'watch:\n  rate: 900\n');
  const wrong = home.progress(['config', 'check', '--json']);
  t.equal(wrong.status, 78);
  const [problem, ...more] = (JSON.parse(wrong.stdout) as { problems: object[] }).problems;
  t.match(problem, { line: 2, column: 9, message: /^watch\.rate: is 900/ });
  t.strictSame(more, []);

  const folder = path.join(directory, 'folder');
  mkdirSync(folder);
  const unreadable = home.progress(['config', 'check', '--json', folder]);
  t.equal(unreadable.status, 78);
  t.strictSame(JSON.parse(unreadable.stdout), { file: folder, problems: [{ message: 'is not a regular file' }] });

  writeFileSync(paths.config, '');
  t.strictSame(JSON.parse(home.progress(['config', 'check', '--json']).stdout), { file: paths.config, problems: [] });
});

t.test('path prints where the file is, or would be, and takes nothing', async (t) => {
  const home = createHome(t);
  const { paths } = home;
  t.strictSame(home.progress(['config', 'path']), { status: 0, stdout: `${paths.config}\n`, stderr: '' });
  t.strictSame(JSON.parse(home.progress(['config', 'path', '--json']).stdout), paths.config);
  t.match(home.progress(['config', 'path', 'x']), { status: 64, stdout: '' });
  t.match(home.progress(['config', 'set']), { status: 64, stdout: '' });
});
