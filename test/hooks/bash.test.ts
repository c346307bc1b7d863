/** The hooks of bash, in real shells on real terminals. */
import t from 'tap';
import { openShell } from '../helpers/shell-session.js';
import { commandsOf, HOOKS, namesOf, openHooked } from '../helpers/bash-session.js';
import { whyNo } from '../helpers/needs.js';

t.jobs = 4;
const skip = whyNo('tmux');

t.test('each line is an execution with its text and status', { skip }, async (t) => {
  const shell = await openHooked(t);
  const lines: [string, number?][] = [
    ['echo one'],
    ['false', 1],
    ['echo "a\\tb" \'c\' | cat'],
    ['time sleep 0'],
    ['for i in 1 2; do echo $i; done'],
    ['(exit 3)', 3],
    ['{ (exit 4); }', 4],
    ['sleep 0 &'],
    ['{ sleep 0; } &'],
    ['true && false || (exit 5)', 5],
    ['greet() { echo hello $1; }'],
    ['greet you'],
    ['[[ a == b ]]', 1],
    ['((1 - 1))', 1],
    ['x=1'],
    ['exec 9</dev/null'],
    ['bash -c "kill -TERM \\$\\$"', 143],
    ['nosuchprogram', 127],
    ['if true; then echo yes; fi'],
    ['echo é €'],
  ];
  for (const [line] of lines) await shell.run(line);
  t.strictSame(
    commandsOf(shell),
    lines.map(([name, exitCode = 0]) => ({ name, end: exitCode === 0 ? 'completed' : 'failed', exitCode })),
  );
});

t.test('a line of many lines is one execution', { skip }, async (t) => {
  const shell = await openHooked(t);
  await shell.enter('for i in 1 2');
  await shell.enter('do echo $i');
  await shell.run('done');
  await shell.enter('cat <<END');
  await shell.enter('some text');
  await shell.run('END');
  await shell.enter('echo "two');
  await shell.run('lines"');
  t.strictSame(namesOf(shell), ['for i in 1 2; do echo $i; done', 'cat <<END\nsome text\nEND\n', 'echo "two\nlines"']);
});

t.test('an execution says where it ran, and when', { skip }, async (t) => {
  const shell = await openHooked(t, [], { PROGRESS_EXECUTION: 'outer', TMUX_PANE: '%7' });
  const before = Date.now() / 1000;
  await shell.run('cd /tmp');
  await shell.run('(sleep 0.2)');
  const [, , start, end] = shell.events('bash-');
  t.match(start, { type: 'execution_started', execution: /^[0-9a-hjkmnp-tv-z]{10}$/ });
  t.match(start?.data, {
    kind: 'command',
    argv: ['(sleep 0.2)'],
    cwd: '/tmp',
    pid: shell.pid,
    tty: /^\/dev\//,
    tmux: '%7',
    parent: 'outer',
  });
  const duration = Number(end?.data['durationMs']);
  t.ok(duration >= 200 && duration < 5000, `the command took ${duration} ms`);
  t.ok(Math.abs(Number(end?.time) - Number(start?.time) - duration / 1000) < 0.01, 'both from one clock');
  t.ok(Number(start?.time) >= before && Number(start?.time) <= Date.now() / 1000);
});

t.test('what is no command is no execution', { skip }, async (t) => {
  const shell = await openHooked(t);
  await shell.run('');
  await shell.run('# a comment');
  await shell.enter('echo unfinished |');
  await shell.untilPrompt(() => shell.key('C-c'));
  await shell.run('if fi');
  await shell.run('   ');
  t.strictSame(namesOf(shell), []);
});

t.test('Ctrl-C ends an execution as cancelled', { skip }, async (t) => {
  const shell = await openHooked(t);
  await shell.enter('echo began; sleep 100');
  await shell.see(/^began/m);
  await shell.untilPrompt(() => shell.key('C-c'));
  t.strictSame(commandsOf(shell), [{ name: 'echo began; sleep 100', end: 'cancelled', exitCode: 130 }]);
  t.equal(shell.events('bash-')[1]?.data['signal'], 'SIGINT');
});

/** What a user could see of the hooks, if there were anything. */
const WITNESSES = [
  'echo "a b" c',
  'echo "$? $_"',
  'true | (exit 7) | true',
  'echo "${PIPESTATUS[*]} $?"',
  '[[ abc =~ b(.) ]]',
  'echo "${BASH_REMATCH[*]}" "$-"',
  'trap -p EXIT DEBUG INT',
  '(exit 9)',
  'echo $?',
  'set -o | cksum; shopt | cksum; jobs; umask',
  `compgen -v | grep -v -e __progress -e PROMPT_COMMAND -e PS0 -e '^_$' -e PIPESTATUS | cksum; ls /proc/"$$"/fd | wc -l`,
  'compgen -e | cksum',
  'history',
];

const MODES: [string, { before?: string; after?: string }][] = [
  ['no option', {}],
  ['set -u', { before: 'set -u' }],
  ['set -e', { before: 'set -e', after: 'set +e' }],
  ['another IFS', { before: 'IFS=0x' }],
  ['set -o noclobber', { before: 'set -C' }],
  ['set -f', { before: 'set -f' }],
  ['set -a', { before: 'set -a' }],
  ['set -a later', { after: 'set -a' }],
  ['set -T', { after: 'set -T' }],
  ['extdebug', { after: 'shopt -s extdebug' }],
  ['posix', { before: 'set -o posix' }],
  ['nocasematch and nullglob', { before: 'shopt -s nocasematch nullglob' }],
  ['no promptvars', { after: 'shopt -u promptvars' }],
  ['a prompt with the status', { before: String.raw`PS1='<$? $_>\nready> '` }],
  ['PROMPT_COMMAND', { before: `PROMPT_COMMAND='echo "<$? \${PIPESTATUS[*]}>";'` }],
  ['PROMPT_COMMAND as a list', { before: `PROMPT_COMMAND=('echo "<$?>"; false' 'echo "<$? \${PIPESTATUS[*]}>"')` }],
  ['PROMPT_COMMAND later', { after: `PROMPT_COMMAND='echo "<$?>"'` }],
  ['an exported PROMPT_COMMAND', { before: `export PROMPT_COMMAND='echo "<$?>"'` }],
  ['a readonly PROMPT_COMMAND', { before: `readonly PROMPT_COMMAND='echo "<$?>"'` }],
  ['a readonly PS0', { before: `readonly PS0=` }],
  ['a DEBUG trap', { before: `trap 'echo "[$? $_ $BASH_COMMAND]"' DEBUG` }],
  ['a DEBUG trap later', { after: `trap 'echo "[$? $BASH_COMMAND]"' DEBUG` }],
  ['timestamps in the history', { before: `HISTTIMEFORMAT='%Y '` }],
];

/** Without what is known to differ: what traps show of it when they run, and how a DEBUG trap is shown that ours is around. */
const withoutOurs = (text: string): string =>
  text
    .replaceAll(HOOKS, '/dev/null')
    .split('\n')
    .filter((row) => !/__progress_|^;; esac|^trap -- |^echo/.test(row))
    .join('\n');

for (const [name, { before, after }] of MODES)
  t.test(`a shell is as it was without hooks: ${name}`, { skip }, async (t) => {
    const transcripts = await Promise.all(
      ['/dev/null', HOOKS].map(async (file) => {
        const shell = await openShell(t, 'bash', { H: file, HISTFILE: '' });
        const transcript: string[] = [];
        for (const line of [before ?? ':', '. "$H"', after ?? ':', ...WITNESSES])
          transcript.push(`${line} => ${withoutOurs(await shell.run(line))}`);
        if (file === HOOKS && !name.includes('readonly PROMPT'))
          t.strictSame(namesOf(shell), [after ?? ':', ...WITNESSES], 'and each line is reported');
        return transcript;
      }),
    );
    t.strictSame(transcripts[1], transcripts[0]);
  });

t.test('what the history leaves out is not reported, and a repeated line is', { skip }, async (t) => {
  const shell = await openHooked(t, ['HISTCONTROL=ignoreboth HISTIGNORE="pwd:secret*"', 'alias greet="echo hello"']);
  for (const line of [
    'greet you',
    'greet you',
    ' echo secret',
    'pwd',
    'greet you',
    ' greet me',
    'echo a|cat',
    'echo a|cat',
  ])
    await shell.run(line);
  for (const line of ['if true; then echo b; fi', 'if true; then echo b; fi', '(exit 1)', '(exit 1)', ' (exit 2)'])
    await shell.run(line);
  t.strictSame(namesOf(shell), [
    'greet you',
    'greet you',
    'greet you',
    'echo a|cat',
    'echo a|cat',
    'if true; then echo b; fi',
    'if true; then echo b; fi',
    '(exit 1)',
    '(exit 1)',
    // nothing tells it from the line before, whose text it gets
    '(exit 1)',
  ]);
  await shell.run('HISTCONTROL=erasedups');
  for (const line of ['echo 1', 'echo 2', 'echo 1', ' echo 3']) await shell.run(line);
  t.strictSame(namesOf(shell).slice(-4), ['HISTCONTROL=erasedups', 'echo 1', 'echo 2', 'echo 1']);
});

t.test('a line that begins with a space is not reported, whatever the history does', { skip }, async (t) => {
  const shell = await openHooked(t, ['HISTCONTROL=']);
  await shell.run(' echo a');
  await shell.run('  (exit 1)');
  await shell.run('echo b');
  t.strictSame(namesOf(shell), ['echo b']);
});

t.test('PROGRESS_IGNORE says what is left out', { skip }, async (t) => {
  const shell = await openHooked(t);
  for (const line of [
    'fg',
    'bg %1',
    'PROGRESS_IGNORE="l?:cd *:git *push*"',
    'ls',
    'la b',
    'cd /',
    'git a push b',
    'fg',
  ])
    await shell.run(line);
  for (const line of ['PROGRESS_IGNORE=', 'ls']) await shell.run(line);
  t.strictSame(namesOf(shell), ['PROGRESS_IGNORE="l?:cd *:git *push*"', 'la b', 'fg', 'PROGRESS_IGNORE=', 'ls']);
});

t.test('without a history the first command of a line stands for it', { skip }, async (t) => {
  const shell = await openHooked(t, ['set +o history']);
  await shell.run('echo a | cat');
  await shell.run('HISTSIZE=0');
  await shell.run('echo b; echo c');
  t.strictSame(namesOf(shell), ['echo a', 'HISTSIZE=0', 'echo b']);
});

t.test('a full history and a wiped one do not matter', { skip }, async (t) => {
  const shell = await openHooked(t, ['HISTSIZE=3']);
  const lines = ['echo 1', 'echo 2', 'echo 3', 'history -c', 'echo 4', 'history -s echo 5', 'echo 6', 'echo 7'];
  for (const line of lines) await shell.run(line);
  t.strictSame(namesOf(shell), lines);
});
