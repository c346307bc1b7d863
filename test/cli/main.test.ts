import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { COMMANDS } from '../../src/cli/dispatch.js';
import { VERSION } from '../../src/core/base/version.js';
import { createHome, PROGRESS, ROOT } from '../helpers/daemon.js';
import { collectOutput } from '../helpers/output.js';

const verbs = Object.keys(COMMANDS);

t.test('the version is that of the package', (t) => {
  const home = createHome(t);
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
  t.equal(VERSION, version);
  for (const option of ['--version', '-V', 'version'])
    t.strictSame(home.progress([option]), { status: 0, stdout: `${VERSION}\n`, stderr: '' });
  t.end();
});

t.test('help lists every command, and every command has help of its own', async (t) => {
  const home = createHome(t);
  const { status, stdout } = home.progress(['--help']);
  t.equal(status, 0);
  t.equal((await home.invoke(['help'])).stdout, stdout);
  t.equal((await home.invoke(['help', 'run'])).stdout, (await home.invoke(['run', '--help'])).stdout);
  t.ok(verbs.length >= 12);
  for (const verb of verbs) {
    t.match(stdout, new RegExp(`^  progress ${verb}\\b`, 'm'));
    for (const option of ['--help', '-h']) {
      const help = await home.invoke([verb, option]);
      t.match(help, { status: 0, stderr: '' }, verb);
      t.match(help.stdout, new RegExp(`^progress ${verb}`));
      t.ok(help.stdout.split('\n').every((line) => line.length <= 100));
    }
  }
});

t.test('errors of a command line go to stderr, with their status and a hint', async (t) => {
  const home = createHome(t);
  const cases: [string[], RegExp][] = [
    [[], /^progress: missing command/],
    [['pss'], /unknown command pss; did you mean 'progress ps'\?\n/],
    [['wtach'], /unknown command wtach; did you mean 'progress watch'\?\nrun 'progress --help' for a list/],
    [['statuss'], /did you mean 'progress ps'\?/],
    [['hepl'], /did you mean 'progress help'\?/],
    [['help', 'wach'], /did you mean 'progress watch'\?/],
    [['frobnicate'], /^progress: unknown command frobnicate\n/],
    [['constructor'], /^progress: unknown command constructor\n/],
    [['ps', '--al'], /unknown option --al; did you mean --all\?\nrun 'progress ps --help' for its options\n/],
    [['run', '--nmae', 'x', 'true'], /unknown option --nmae; did you mean --name\?/],
    [['ps', '-zx', '--frobnicate=1'], /unknown option -z\nunknown option -x\nunknown option --frobnicate\n/],
    [['ps', 'extra'], /unexpected argument extra\n/],
    [['show'], /^progress: missing argument: progress show <id>\n/],
    [['show', 'a', 'b'], /unexpected argument b\n/],
    [['daemon', 'explode'], /Choices: "run", "start", "status", "stop", "restart", "unit"/],
    [['logs', '--level', 'loud'], /Choices: "debug", "info"/],
    [['logs', '--tail', 'many'], /--tail must be a whole number from 0 to 100000/],
    [['logs', '--tail', '-1'], /--tail must be a whole number/],
    [['logs', '--grep', '('], /--grep: "\(": is no regular expression \(RE2\)/],
    [['logs', '--grep', 'a', '--grep', 'b'], /--grep is given twice/],
    [['logs', '--since', '10'], /--since: "10" is not a time such as 10m/],
    [['logs', '--since', '2026-02-30T00:00:00Z'], /--since/],
    [['watch', '--exit-status'], /--exit-status needs an ID/],
    [['watch', '--json', '--stream'], /exclude each other/],
    [['ps', '--no-json'], /unknown option --no-json;/],
  ];
  for (const [args, stderr] of cases) {
    const outcome = await home.invoke(args);
    t.equal(outcome.status, 64, args.join(' '));
    t.match(outcome.stderr, stderr, args.join(' '));
    t.match(outcome.stderr, /^progress: /);
    t.equal(outcome.stdout, '');
  }
  t.match(home.progress(['pss']), { status: 64, stdout: '', stderr: 'unknown command pss' }, 'as a program');
});

t.test('an internal error prints its stack only with PROGRESS_DEBUG', async (t) => {
  const home = createHome(t);
  const broken = { env: { PROGRESS_OUTPUT: 'sideways' } };
  t.match(await home.invoke(['watch', '--stream'], broken), {
    status: 64,
    stderr: 'progress: PROGRESS_OUTPUT: "sideways" is none of',
  });
});

t.test('a closed pipe is not an error', async (t) => {
  const home = createHome(t);
  const lines = Array.from({ length: 20_000 }, (_, n) => `{"type":"log","execution":"x","message":"${n}"}\n`).join('');
  home.progress(['emit', '--stdin', '--wait'], { input: lines });
  for (const command of ['logs x', 'logs x --json', 'watch x --json', '--help', 'ps --json', 'show x']) {
    const script = `{ ${PROGRESS} ${command}; echo "status $?" >&2; } | head -n 1`;
    const child = spawn('sh', ['-c', script], { env: home.env });
    t.equal((await collectOutput(child).ended).stderr, 'status 0\n', command);
  }
});

t.test(
  'a failure to write output is an error',
  { skip: process.platform !== 'linux' && '/dev/full is Linux’s' },
  (t) => {
    const home = createHome(t);
    home.progress(['ps']);
    const script = `${PROGRESS} ps --json > /dev/full`;
    const { status, stderr } = spawnSync('sh', ['-c', script], { env: home.env, encoding: 'utf8' });
    t.equal(status, 74);
    t.match(stderr, /^progress: cannot write output: ENOSPC/);
    t.end();
  },
);

t.test('a closed stderr is ignored', (t) => {
  const home = createHome(t);
  const script = `${PROGRESS} show nothing 2>&-; echo $?`;
  const { stdout } = spawnSync('sh', ['-c', script], { env: home.env, encoding: 'utf8' });
  t.equal(stdout, '66\n');
  t.end();
});
