/** The hooks of fish, in real shells on real terminals. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { buildEvent } from '../../src/cli/emit-arguments.js';
import { isAble, isMissing, whyNo } from '../helpers/needs.js';
import { createHome, ROOT } from '../helpers/daemon.js';
import { CASES, SURROUNDINGS } from '../helpers/emit-cases.js';
import {
  BROKEN_FILES,
  BROKEN_SPOOLS,
  commandsOf,
  countProcesses,
  onSmallDisk,
  targetOf,
} from '../helpers/hooked-shell.js';
import type { ShellSession } from '../helpers/shell-session.js';
import { openShell } from '../helpers/shell-session.js';
import { PROMPT } from '../helpers/tmux.js';
import { waitFor } from '../helpers/wait.js';

const HOOKS = path.join(ROOT, 'hooks/progress.fish');
const FILE = /^fish-\d+-[0-9a-hjkmnp-tv-z]{10}\.ndjson$/;
/** A fish without configuration is private, and would not be reported. */
const PUBLIC = 'set -e fish_private_mode';

t.jobs = 4;
const skipWithoutTerminal = whyNo('fish');
const skip = skipWithoutTerminal || whyNo('tmux');

/** Typed lines before the hooks are loaded, which then load them. */
async function openHooked(t: Test, before: string[] = [], env: Record<string, string> = {}): Promise<ShellSession> {
  const shell = await openShell(t, 'fish', env);
  for (const line of [PUBLIC, ...before]) await shell.run(line);
  await shell.run(`source '${HOOKS}'`);
  return shell;
}

const namesOf = (shell: ShellSession): unknown[] => commandsOf(shell, 'fish-').map(({ name }) => name);

t.test('each line is an execution with its text and status', { skip }, async (t) => {
  const shell = await openHooked(t);
  const lines: [string, number?][] = [
    ['echo one'],
    ['false', 1],
    [`echo "a\\tb" 'c' | cat`],
    ['time sleep 0'],
    ['for i in 1 2; echo $i; end'],
    ['fish --no-config -c "exit 3"', 3],
    ['sleep 0 &'],
    ['true; and false; or sh -c "exit 5"', 5],
    ['function greet; echo hello $argv; end'],
    ['greet you'],
    ['test a = b', 1],
    ['set x 1'],
    ['set y (sh -c "exit 4")', 4],
    ['sh -c "kill -TERM \\$\\$"', 143],
    ['sh -c "exit 148"', 148],
    ['nosuchprogram', 127],
    ['echo é €'],
  ];
  for (const [line] of lines) await shell.run(line);
  t.strictSame(
    commandsOf(shell, 'fish-'),
    lines.map(([name, exitCode = 0]) => ({ name, end: exitCode === 0 ? 'completed' : 'failed', exitCode })),
  );
  const ids = shell.events('fish-').map(({ execution }) => execution);
  t.equal(new Set(ids).size, lines.length);
});

t.test('a line of many lines is one execution, and a long one is clipped', { skip }, async (t) => {
  const shell = await openHooked(t);
  await shell.enter('begin');
  await shell.enter('echo "two');
  await shell.enter('lines"');
  await shell.run('end');
  const long = `: ${'x'.repeat(2_500)}`;
  await shell.run(long);
  const [first, second] = namesOf(shell);
  t.match(first, /^begin\n *echo "two\n *lines"\n *end$/);
  t.equal(second, long.slice(0, 2_000));
});

t.test('an execution says where it ran, and how long', { skip }, async (t) => {
  const shell = await openHooked(t, [], { PROGRESS_EXECUTION: 'outer', TMUX_PANE: '%7' });
  await shell.run('cd /tmp');
  await shell.run('sleep 0.2');
  const [, , start, end] = shell.events('fish-');
  t.match(start, { type: 'execution_started', execution: /^[0-9a-hjkmnp-tv-z]{10}$/ });
  t.equal(start?.time, undefined, 'for want of a clock');
  t.strictSame(start?.data, {
    ...{ name: 'sleep 0.2', kind: 'command', argv: ['sleep 0.2'], cwd: '/tmp', pid: shell.pid },
    ...{ tty: start?.data['tty'], tmux: '%7', parent: 'outer' },
  });
  t.match(start?.data['tty'], /^\/dev\//);
  const duration = Number(end?.data['durationMs']);
  t.ok(duration >= 200 && duration < 5_000, `it took ${duration} ms`);
  const [file = '', ...others] = readdirSync(shell.spool);
  t.match(file, FILE);
  t.strictSame(others, []);
  t.equal(statSync(path.join(shell.spool, file)).mode & 0o777, 0o600);
});

t.test('Ctrl-C cancels, Ctrl-Z pauses, and neither matters at the prompt', { skip }, async (t) => {
  const shell = await openHooked(t);
  await shell.run('');
  await shell.enter('echo unfinished |');
  await shell.untilPrompt(() => shell.key('C-c'));
  await shell.enter('echo began; sleep 100');
  await shell.see(/^began/m);
  await shell.untilPrompt(() => shell.key('C-c'));
  for (const word of ['again', 'more']) {
    await shell.enter(`sh -c "echo ${word}; exec sleep 100"`);
    await shell.see(new RegExp(`^${word}`, 'm'));
    await shell.untilPrompt(() => shell.key('C-z'));
  }
  await shell.run('sleep 0 &');
  await shell.run('kill %1 %2');
  t.strictSame(commandsOf(shell, 'fish-').slice(0, 4), [
    { name: 'echo began; sleep 100', end: 'cancelled', exitCode: 130 },
    { name: 'sh -c "echo again; exec sleep 100"', end: 'paused', exitCode: undefined },
    { name: 'sh -c "echo more; exec sleep 100"', end: 'paused', exitCode: undefined },
    { name: 'sleep 0 &', end: 'completed', exitCode: 0 },
  ]);
  t.equal(shell.events('fish-')[1]?.data['signal'], 'SIGINT');
});

t.test('fg and bg resume what Ctrl-Z paused', { skip }, async (t) => {
  const shell = await openHooked(t);
  for (const word of ['one', 'two']) {
    await shell.enter(`sh -c "echo ${word}; exec sleep 100"`);
    await shell.see(new RegExp(`^${word}`, 'm'));
    await shell.untilPrompt(() => shell.key('C-z'));
  }
  await shell.run('bg');
  await waitFor('bg', () => shell.events('fish-').some(({ type }) => type === 'execution_resumed'));
  for (const job of [2, 1]) {
    await shell.enter('fg');
    await shell.see(new RegExp(`Send job ${job} .* foreground`));
    await shell.untilPrompt(() => shell.key('C-c'));
  }
  t.strictSame(commandsOf(shell, 'fish-'), [
    { name: 'sh -c "echo one; exec sleep 100"', end: 'cancelled', exitCode: 130 },
    { name: 'sh -c "echo two; exec sleep 100"', end: 'cancelled', exitCode: 130 },
  ]);
  t.equal(shell.events('fish-').filter(({ type }) => type === 'execution_resumed').length, 2);
});

t.test('what the history or the user leaves out is not reported', { skip }, async (t) => {
  const shell = await openHooked(t);
  await shell.run(" set -g IFS ''");
  for (const line of [' echo secret', 'fg', 'bg %1']) await shell.run(line);
  await shell.run(" set PROGRESS_IGNORE 'ls:ls *:a?b:[c]:x|y'");
  for (const line of ['ls', 'ls /', ': ls', 'a+b', '[c]', 'c', 'fg']) await shell.run(line);
  await shell.run(' set PROGRESS_IGNORE');
  await shell.run('ls');
  await shell.run(' set -g fish_private_mode 1');
  await shell.run('echo private');
  await shell.run(' set -e fish_private_mode; function fish_should_add_to_history; test "$argv[1]" != "echo no"; end');
  await shell.run('echo no');
  await shell.run('echo yes');
  t.strictSame(namesOf(shell), [': ls', 'c', 'fg', 'ls', 'echo yes']);
});

t.test('other shells inside are not confused, and `exec` opens a new one', { skip }, async (t) => {
  const shell = await openHooked(t);
  const start = `fish --no-config -i -C "function fish_prompt; printf '${PROMPT}'; end; set -g fish_greeting; ${PUBLIC}"`;
  t.equal(await shell.run(' env | grep __progress'), '');
  await shell.run(start);
  await shell.run(`source '${HOOKS}'`);
  await shell.run('echo inside');
  await shell.run('exit');
  await shell.run(`exec ${start}`);
  await shell.run(`source '${HOOKS}'`);
  await shell.run('echo anew');
  const files = readdirSync(shell.spool);
  t.equal(files.length, 3);
  t.equal(files.filter((file) => file.startsWith(`fish-${shell.pid}-`)).length, 2);
  t.strictSame(
    commandsOf(shell, 'fish-')
      .map(({ name, end }) => `${String(name)} ${end}`)
      .sort(),
    ['echo anew completed', 'echo inside completed', `exec ${start} started`, `${start} completed`].sort(),
  );
});

/** What a user could see of the hooks, if there were anything. */
const WITNESSES = [
  'echo "a b" c',
  'echo $status',
  'true | sh -c "exit 7" | true',
  'echo $pipestatus $status',
  'sh -c "exit 9"',
  'echo $status',
  'umask; jobs; trap',
  'random 5; random',
  'random',
  "set -n | string match -v '__progress*' | string join ' ' | cksum",
  'functions -n | string match -v progress | cksum',
  'env | grep -v -e __progress -e ^H= -e HOME= -e PWD= -e SHLVL -e ^TMUX | sort | cksum',
];

const MODES: [string, string][] = [
  ['nothing special', ':'],
  ['an empty IFS', "set -g IFS ''"],
  ['an exported name of ours', 'set -gx __progress_file /nonexistent'],
  ['hooks of its own', 'function theirs --on-event fish_postexec; echo "<$status $pipestatus>"; end'],
];

for (const [name, before] of MODES)
  t.test(`a shell is as it was without hooks: ${name}`, { skip }, async (t) => {
    const transcripts = await Promise.all(
      [path.join(t.testdir({ 'none.fish': '' }), 'none.fish'), HOOKS].map(async (file) => {
        const shell = await openShell(t, 'fish', { H: file });
        const transcript: string[] = [];
        for (const line of [PUBLIC, before, 'source $H', 'source $H', ...WITNESSES])
          transcript.push(`${line} => ${await shell.run(line)}`);
        t.equal(commandsOf(shell, 'fish-').length, file === HOOKS ? WITNESSES.length + 1 : 0);
        return transcript;
      }),
    );
    t.strictSame(transcripts[1], transcripts[0]);
  });

for (const [name, breakSpool] of BROKEN_SPOOLS)
  t.test(`nothing is seen of a spool that is ${name}`, { skip }, async (t) => {
    const shell = await openShell(t, 'fish');
    await shell.run(PUBLIC);
    breakSpool(shell.spool);
    t.equal(await shell.run(`source '${HOOKS}'`), '');
    t.equal(await shell.run('echo $status'), '0');
    t.equal(await shell.run('sh -c "exit 3"'), '');
    t.equal(await shell.run('echo $status'), '3');
  });

for (const [name, breakFile] of BROKEN_FILES)
  t.test(`nothing is seen of a file that has become ${name}`, { skip }, async (t) => {
    const shell = await openHooked(t);
    const [file = ''] = readdirSync(shell.spool);
    const place = path.join(shell.spool, file);
    breakFile(place);
    t.equal(await shell.run('sh -c "exit 3"'), '');
    t.equal(await shell.run('echo $status'), '3');
    t.notOk(existsSync(targetOf(place)));
  });

t.test('a full disk is told once, by fish itself, and half a line there spoils no other', { skip }, async (t) => {
  if (isMissing(t, 'unshare', isAble('unshare', '--mount', 'true'))) return;
  const shell = await openShell(t, 'fish');
  const start = `fish --no-config -i -C "function fish_prompt; printf \\"${PROMPT}\\"; end; set -g fish_greeting; ${PUBLIC}"`;
  await shell.run(onSmallDisk(shell.spool, start));
  await shell.run(`source '${HOOKS}'`);
  const spool = `/proc/${shell.pid}/root${shell.spool}`;
  await shell.run(` head -c 12000 /dev/zero >>${shell.spool}/fill`);
  let told = '';
  for (let at = 0; at < 15; at++) told += await shell.run(`: ${'x'.repeat(200)}`);
  t.match(told, /^write: No space left on device\n*$/);
  unlinkSync(path.join(spool, 'fill'));
  await shell.run('echo after');
  await shell.run('echo and again');
  const [file = ''] = readdirSync(spool);
  const lines = readFileSync(path.join(spool, file), 'utf8').trimEnd().split('\n');
  t.match(JSON.parse(lines.at(-4) ?? ''), { data: { name: 'echo after' } });
  t.match(JSON.parse(lines.at(-2) ?? ''), { data: { name: 'echo and again' } });
});

t.test('no process is started for a line, nor by `progress emit`', { skip }, async (t) => {
  if (isMissing(t, 'strace', isAble('strace', '-qq', 'true'))) return;
  const shell = await openHooked(t);
  const log = path.join(t.testdir(), 'strace');
  const lines = ['true', 'set x 1', 'cd /', 'progress emit log message=x', `progress emit log -- 'a="b\\c"'`];
  const act = async () => {
    for (const line of lines) await shell.run(line);
  };
  t.equal(await countProcesses(shell.pid, log, act), 0);
  t.equal(shell.events('fish-').length, 2 * lines.length + 2);
  t.ok((await countProcesses(shell.pid, log, () => shell.run('/bin/true'))) >= 1, 'it would be seen');
});

t.test('without a terminal the function alone is there', { skip: skipWithoutTerminal }, (t) => {
  const home = createHome(t);
  const script = `source '${HOOKS}'; ls "$PROGRESS_HOME"
    progress emit log 'message=one "two"' n1:=2; true (progress emit log message=three)
    PROGRESS_EXECUTION=e progress emit log; progress --version; progress emit log oops; echo $status`;
  const env = { ...home.env, PATH: `/usr/bin:/bin:${path.dirname(process.execPath)}` };
  const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', script], { env, encoding: 'utf8' });
  t.match(stdout, /^\d+\.\d+\.\d+.*\n64\n$/);
  t.match(stderr, /oops/, 'what is wrong is for the program to say');
  const [file = ''] = readdirSync(home.paths.spool);
  const lines = readFileSync(path.join(home.paths.spool, file), 'utf8').trimEnd().split('\n');
  t.strictSame(
    lines.map((line) => JSON.parse(line) as unknown),
    [
      { type: 'log', data: { message: 'one "two"', n1: 2 } },
      { type: 'log', data: { message: 'three' } },
      { type: 'log', execution: 'e', data: {} },
    ],
  );
  t.end();
});

const TRY = 'set IFS ""; function try; __progress_build_plain $argv; or __progress_build $argv; end';

for (const [title, env] of SURROUNDINGS)
  t.test(`words become the event that the program makes of them: ${title}`, { skip: skipWithoutTerminal }, (t) => {
    const quote = (word: string): string => `'${word.replaceAll(/['\\]/g, '\\$&')}'`;
    const lines = CASES.map(([words]) => `try ${words.map(quote).join(' ')}; and echo $__progress_line; or echo`);
    const { stdout, stderr } = spawnSync(
      'fish',
      ['--no-config', '-c', `source '${HOOKS}'; ${TRY}\n${lines.join('\n')}`],
      {
        env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', HOME: t.testdir(), ...env },
        encoding: 'utf8',
      },
    );
    t.equal(stderr, '');
    const built = stdout.split('\n').slice(0, -1);
    t.equal(built.length, CASES.length);
    for (const [index, [words, args, pairs = []]] of CASES.entries()) {
      const line = built[index] ?? '';
      const expected = args && buildEvent(args, pairs, env);
      t.strictSame(
        line === '' ? undefined : JSON.parse(line),
        expected && JSON.parse(JSON.stringify(expected)),
        words.join(' '),
      );
    }
    t.end();
  });
