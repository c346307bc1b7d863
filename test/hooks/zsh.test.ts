/** The hooks of zsh, in real shells on real terminals. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, truncateSync, unlinkSync } from 'node:fs';
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
import { waitFor } from '../helpers/wait.js';

const HOOKS = path.join(ROOT, 'hooks/progress.zsh');
const FILE = /^zsh-\d+-[0-9a-hjkmnp-tv-z]{10}\.ndjson$/;

t.jobs = 4;
const skipWithoutTerminal = whyNo('zsh');
const skip = skipWithoutTerminal || whyNo('tmux');

/** Typed lines before the hooks are loaded, which then load them. */
async function openHooked(t: Test, before: string[] = [], env: Record<string, string> = {}): Promise<ShellSession> {
  const shell = await openShell(t, 'zsh', env);
  for (const line of before) await shell.run(line);
  await shell.run(`. '${HOOKS}'`);
  return shell;
}

const namesOf = (shell: ShellSession): unknown[] => commandsOf(shell, 'zsh-').map(({ name }) => name);

t.test('each line is an execution with its text and status', { skip }, async (t) => {
  const shell = await openHooked(t);
  const lines: [string, number?][] = [
    ['echo one'],
    ['false', 1],
    [`echo "a\\tb" 'c' | cat`],
    ['time sleep 0'],
    ['for i in 1 2; do echo $i; done'],
    ['(exit 3)', 3],
    ['sleep 0 &'],
    ['true && false || (exit 5)', 5],
    ['greet() { echo hello $1 }'],
    ['greet you'],
    ['[[ a == b ]]', 1],
    ['x=1'],
    ['sh -c "kill -TERM \\$\\$"', 143],
    ['sh -c "exit 148"', 148],
    ['nosuchprogram', 127],
    ['echo é €'],
  ];
  for (const [line] of lines) await shell.run(line);
  t.strictSame(
    commandsOf(shell, 'zsh-'),
    lines.map(([name, exitCode = 0]) => ({ name, end: exitCode === 0 ? 'completed' : 'failed', exitCode })),
  );
  const ids = shell.events('zsh-').map(({ execution }) => execution);
  t.equal(new Set(ids).size, lines.length);
});

t.test('a line of many lines is one execution, and a long one is clipped', { skip }, async (t) => {
  const shell = await openHooked(t);
  await shell.enter('for i in 1 2');
  await shell.enter('do echo $i');
  await shell.run('done');
  await shell.enter('echo "two');
  await shell.run('lines"');
  const long = `: ${'x'.repeat(2_500)}`;
  await shell.run(long);
  t.strictSame(namesOf(shell), ['for i in 1 2\ndo echo $i\ndone', 'echo "two\nlines"', long.slice(0, 2_000)]);
});

t.test('an execution says where it ran, and when', { skip }, async (t) => {
  const shell = await openHooked(t, [], { PROGRESS_EXECUTION: 'outer', TMUX_PANE: '%7' });
  const before = Date.now() / 1000;
  await shell.run('cd /tmp');
  await shell.run('sleep 0.2');
  const [, , start, end] = shell.events('zsh-');
  t.match(start, { type: 'execution_started', execution: /^[0-9a-hjkmnp-tv-z]{10}$/ });
  t.strictSame(start?.data, {
    ...{ name: 'sleep 0.2', kind: 'command', argv: ['sleep 0.2'], cwd: '/tmp', pid: shell.pid },
    ...{ tty: start?.data['tty'], tmux: '%7', parent: 'outer' },
  });
  t.match(start?.data['tty'], /^\/dev\//);
  const duration = Number(end?.data['durationMs']);
  t.ok(duration >= 200 && duration < 5_000, `it took ${duration} ms`);
  t.ok(Number(start?.time) >= before && Number(end?.time) <= Date.now() / 1000);
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
  await shell.untilPrompt(() => shell.key('C-c'));
  await shell.enter('echo began; sleep 100');
  await shell.see(/^began/m);
  await shell.untilPrompt(() => shell.key('C-c'));
  await shell.enter('sh -c "echo again; exec sleep 100"');
  await shell.see(/^again/m);
  await shell.untilPrompt(() => shell.key('C-z'));
  await shell.run('kill %1');
  t.ok(shell.events('zsh-').some(({ type }) => type === 'execution_paused'));
  t.match(commandsOf(shell, 'zsh-'), [
    { name: 'echo began; sleep 100', end: 'cancelled', exitCode: 130 },
    // killed in the background: seen at this prompt or at the next
    { name: 'sh -c "echo again; exec sleep 100"', end: /^(?:resumed|lost)$/ },
    { name: 'kill %1', end: 'completed', exitCode: 0 },
  ]);
  t.equal(shell.events('zsh-')[1]?.data['signal'], 'SIGINT');
});

t.test('fg and bg resume what Ctrl-Z paused', { skip }, async (t) => {
  const shell = await openHooked(t);
  for (const word of ['one', 'two']) {
    await shell.enter(`sh -c "echo ${word}; exec sleep 100"`);
    await shell.see(new RegExp(`^${word}`, 'm'));
    await shell.untilPrompt(() => shell.key('C-z'));
  }
  await shell.run('bg');
  await waitFor('bg', () => shell.events('zsh-').some(({ type }) => type === 'execution_resumed'));
  for (const line of ['fg %1', 'fg']) {
    await shell.enter(line);
    await shell.see(/^\[\d\] .*(?:continued|running) .*$/m);
    await shell.untilPrompt(() => shell.key('C-c'));
  }
  t.strictSame(commandsOf(shell, 'zsh-'), [
    { name: 'sh -c "echo one; exec sleep 100"', end: 'cancelled', exitCode: 130 },
    { name: 'sh -c "echo two; exec sleep 100"', end: 'cancelled', exitCode: 130 },
  ]);
  t.equal(shell.events('zsh-').filter(({ type }) => type === 'execution_resumed').length, 2);
});

t.test('what the history or the user leaves out is not reported', { skip }, async (t) => {
  const shell = await openHooked(t, ['setopt hist_ignore_space', "alias hidden=' echo'"]);
  for (const line of [' echo secret', 'hidden x', 'fg', 'bg %1']) await shell.run(line);
  await shell.run(" HISTORY_IGNORE='(token*|[x'");
  await shell.run('echo a broken pattern does no harm');
  await shell.run(" HISTORY_IGNORE='(token*|pass)'");
  await shell.run('token=1');
  await shell.run(" PROGRESS_IGNORE='ls:ls *:a?b:[c]:x|y'");
  for (const line of ['ls', 'ls /', ': ls', 'a+b', '[c]', 'c', 'fg']) await shell.run(line);
  await shell.run(' PROGRESS_IGNORE=');
  await shell.run('ls');
  t.strictSame(namesOf(shell), ['echo a broken pattern does no harm', ': ls', 'c', 'fg', 'ls']);
});

t.test('other shells inside are not confused, and `exec` opens a new one', { skip }, async (t) => {
  const shell = await openHooked(t, ['setopt all_export']);
  t.equal(await shell.run(' env | grep __progress'), '');
  await shell.run('zsh -f -i');
  await shell.run(`. '${HOOKS}'`);
  await shell.run('echo inside');
  await shell.run('exit');
  await shell.run('(exec true)');
  await shell.run('exec zsh -f -i');
  await shell.run(`. '${HOOKS}'`);
  await shell.run('echo anew');
  const files = readdirSync(shell.spool);
  t.equal(files.length, 3);
  t.equal(files.filter((file) => file.startsWith(`zsh-${shell.pid}-`)).length, 2);
  t.strictSame(
    commandsOf(shell, 'zsh-')
      .map(({ name, end }) => `${String(name)} ${end}`)
      .sort(),
    [
      '(exec true) completed',
      'echo anew completed',
      'echo inside completed',
      'exec zsh -f -i started',
      'zsh -f -i completed',
    ],
  );
});

/** What a user could see of the hooks, if there were anything. */
const WITNESSES = [
  'echo "a b" c',
  'echo "$? $_"',
  'true | (exit 7) | true',
  'echo "$pipestatus $?"',
  'echo $signals[1] $-',
  '(exit 9)',
  'echo $?',
  'setopt; trap; umask; jobs; echo ${(k)functions[(I)TRAP*]}',
  'RANDOM=5; echo $RANDOM',
  'echo $RANDOM',
  '[[ abc == (#b)a(*) ]]; echo $match $MATCH',
  // but what holds the hooks, and what the module of the clock brings
  `typeset +m '*' | sed 's/.* //' | grep -v -e __progress -e '^EPOCH' -e '^epochtime' -e '^H$' -e '^pre.*_functions' | sort | cksum`,
  'fc -l',
];

const MODES: [string, { before?: string; after?: string }][] = [
  ['no option', {}],
  ['ksh_arrays', { before: 'setopt ksh_arrays' }],
  ['no_unset and sh_word_split', { before: 'setopt no_unset sh_word_split' }],
  ['err_return, nomatch and no_clobber', { before: 'setopt err_return nomatch no_clobber' }],
  ['extended_glob and glob_subst', { before: 'setopt extended_glob glob_subst' }],
  ['warn_create_global', { before: 'setopt warn_create_global' }],
  ['posix_builtins and no_bang_hist', { before: 'setopt posix_builtins no_bang_hist' }],
  ['xtrace', { after: 'setopt xtrace' }],
  ['aliases', { before: `alias -g L='| cat' local=true; alias progress=x printf=y` }],
  ['IFS', { before: 'IFS=0x' }],
  ['a ZERR trap', { before: `trap 'echo "trap $?"' ZERR` }],
  ['a function for failures', { before: 'TRAPZERR() { echo "trap $?" }' }],
  ['other hooks', { before: 'precmd() { echo "<$? $_>" }; precmd_functions=(precmd) preexec_functions=(:)' }],
];

/** The members of a pipeline are traced in any order. */
const withoutTrace = (text: string): string => text.replaceAll(/^\+zsh:.*\n?/gm, '');

for (const [name, { before, after }] of MODES)
  t.test(`a shell is as it was without hooks: ${name}`, { skip }, async (t) => {
    const transcripts = await Promise.all(
      ['/dev/null', HOOKS].map(async (file) => {
        const shell = await openShell(t, 'zsh', { H: file });
        const transcript: string[] = [];
        for (const line of [before ?? ':', '. "$H"; :', '. "$H"; :', after ?? ':', ...WITNESSES])
          transcript.push(`${line} => ${withoutTrace(await shell.run(line))}`);
        return transcript;
      }),
    );
    t.strictSame(transcripts[1], transcripts[0]);
  });

t.test('with err_exit a shell survives until a command of its own fails', { skip }, async (t) => {
  const shell = await openHooked(t, ['setopt err_exit']);
  for (const line of ['true', ' true', 'fg_no=1', 'if false; then :; fi']) await shell.run(line);
  t.strictSame(namesOf(shell), ['true', 'fg_no=1', 'if false; then :; fi']);
});

for (const [name, breakSpool] of BROKEN_SPOOLS)
  t.test(`nothing is seen of a spool that is ${name}`, { skip }, async (t) => {
    const shell = await openShell(t, 'zsh');
    breakSpool(shell.spool);
    t.equal(await shell.run(`. '${HOOKS}'`), '');
    t.equal(await shell.run('echo "$?"'), '0');
    t.equal(await shell.run('(exit 3)'), '');
    t.equal(await shell.run('echo "$?"'), '3');
  });

for (const [name, breakFile] of BROKEN_FILES)
  t.test(`nothing is seen of a file that has become ${name}`, { skip }, async (t) => {
    const shell = await openHooked(t);
    const [file = ''] = readdirSync(shell.spool);
    const place = path.join(shell.spool, file);
    breakFile(place);
    t.equal(await shell.run('(exit 3)'), '');
    t.equal(await shell.run('echo "$?"'), '3');
    t.notOk(existsSync(targetOf(place)));
  });

t.test('a full disk is borne in silence, and half a line there spoils no other', { skip }, async (t) => {
  if (isMissing(t, 'unshare', isAble('unshare', '--mount', 'true'))) return;
  const shell = await openShell(t, 'zsh');
  await shell.run(onSmallDisk(shell.spool, 'zsh -f -i'));
  await shell.run(`. '${HOOKS}'`);
  const spool = `/proc/${shell.pid}/root${shell.spool}`;
  await shell.run(` head -c 12000 /dev/zero >>${shell.spool}/fill`);
  for (let at = 0; at < 15; at++) t.equal(await shell.run(`: ${'x'.repeat(200)}`), '', 'silent');
  truncateSync(path.join(spool, 'fill'));
  unlinkSync(path.join(spool, 'fill'));
  await shell.run('echo after');
  const [file = ''] = readdirSync(spool);
  const lines = readFileSync(path.join(spool, file), 'utf8').trimEnd().split('\n');
  t.match(JSON.parse(lines.at(-2) ?? ''), { data: { name: 'echo after' } });
  t.ok(lines.length < 30, 'some were lost');
  t.throws(() => lines.map((line) => JSON.parse(line) as unknown), 'one was torn');
});

t.test('no process is started for a line, nor by `progress emit`', { skip }, async (t) => {
  if (isMissing(t, 'strace', isAble('strace', '-qq', 'true'))) return;
  const shell = await openHooked(t);
  const log = path.join(t.testdir(), 'strace');
  const lines = [
    'true',
    'x=1',
    'cd /',
    '[[ a == b ]]',
    'progress emit log message=x',
    `progress emit log -- 'a="b\\c"'`,
  ];
  const act = async () => {
    for (const line of lines) await shell.run(line);
  };
  t.equal(await countProcesses(shell.pid, log, act), 0);
  t.equal(shell.events('zsh-').length, 2 * lines.length + 2);
  t.ok((await countProcesses(shell.pid, log, () => shell.run('/bin/true'))) >= 1, 'it would be seen');
});

t.test('without a terminal the function alone is there', { skip: skipWithoutTerminal }, (t) => {
  const home = createHome(t);
  const script = `. '${HOOKS}'; echo "$preexec_functions$precmd_functions"; ls "$PROGRESS_HOME"
    progress emit log 'message=one "two"' n1:=2; (progress emit log message=four)
    PROGRESS_EXECUTION=e progress emit log; progress --version; progress emit log oops; echo $?`;
  const env = { ...home.env, PATH: `/usr/bin:/bin:${path.dirname(process.execPath)}` };
  const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', script], { env, encoding: 'utf8' });
  t.match(stdout, /^\n\d+\.\d+\.\d+.*\n64\n$/);
  t.match(stderr, /oops/, 'what is wrong is for the program to say');
  const [file = ''] = readdirSync(home.paths.spool);
  const lines = readFileSync(path.join(home.paths.spool, file), 'utf8').trimEnd().split('\n');
  t.match(
    lines.map((line) => JSON.parse(line) as unknown),
    [
      { type: 'log', time: Number, data: { message: 'one "two"', n1: 2 } },
      { type: 'log', data: { message: 'four' } },
      { type: 'log', execution: 'e', data: {} },
    ],
  );
  t.end();
});

for (const [title, env] of SURROUNDINGS)
  t.test(`words become the event that the program makes of them: ${title}`, { skip: skipWithoutTerminal }, (t) => {
    const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
    const lines = CASES.map(([words]) => `try ${words.map(quote).join(' ')}`);
    const script = `. '${HOOKS}'; setopt no_unset sh_word_split ksh_arrays
      try() { { __progress_build_plain "$@" || __progress_build "$@" } && print -r -- $__progress_line || print }
      ${lines.join('\n')}`;
    const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', script], {
      env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', HOME: t.testdir(), ...env },
      encoding: 'utf8',
    });
    t.equal(stderr, '');
    const built = stdout.split('\n').slice(0, -1);
    t.equal(built.length, CASES.length);
    for (const [index, [words, args, pairs = []]] of CASES.entries()) {
      const line = built[index] ?? '';
      const event = line === '' ? undefined : (JSON.parse(line) as { time?: unknown });
      if (!pairs.some((pair) => pair.startsWith('time'))) delete event?.time;
      const expected = args && buildEvent(args, pairs, env);
      t.strictSame(event, expected && JSON.parse(JSON.stringify(expected)), words.join(' '));
    }
    t.end();
  });
