/** The hooks of bash in cases that exist in no other shell. shells.test.ts has what holds in each shell. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { BASH } from '../helpers/hook-shells.js';
import { commandsOf, namesOf, sameWithHooks } from '../helpers/hooked-shell.js';
import { openHooked, openShell } from '../helpers/shell-session.js';

t.jobs = 4;
const skip = BASH.skipInTmux;

/** Lines that would show a user any trace of the hooks. */
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
  ['timestamps that cannot be turned off', { before: `readonly HISTTIMEFORMAT='%F 7 '` }],
];

/** Removes known differences: what traps show of it when they run, and how a DEBUG trap is shown that ours wraps. */
const withoutOurs = (text: string): string =>
  text
    .split('\n')
    .filter((row) => !/__progress_|^;; esac|^trap -- |^echo/.test(row))
    .join('\n');

for (const [name, { before = ':', after = ':' }] of MODES)
  t.test(`a shell behaves as without hooks: ${name}`, { skip }, async (t) => {
    await sameWithHooks(t, BASH, [before, '. "$H"', after, ...WITNESSES], {
      clean: withoutOurs,
      check(hooked) {
        if (name.includes('readonly PROMPT')) return;
        t.strictSame(namesOf(hooked), [after, ...WITNESSES], 'and each line is reported');
      },
    });
  });

t.test('a line that the history omits is not reported, and a repeated line is', { skip }, async (t) => {
  const shell = await openHooked(t, BASH, [
    'HISTCONTROL=ignoreboth HISTIGNORE="pwd:secret*"',
    'alias greet="echo hello"',
  ]);
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
    // it cannot be distinguished from the line before, whose text it gets
    '(exit 1)',
  ]);
  await shell.run('HISTCONTROL=erasedups');
  for (const line of ['echo 1', 'echo 2', 'echo 1', ' echo 3']) await shell.run(line);
  t.strictSame(namesOf(shell).slice(-4), ['HISTCONTROL=erasedups', 'echo 1', 'echo 2', 'echo 1']);
});

t.test('without a history the first command of a line is its name', { skip }, async (t) => {
  const shell = await openHooked(t, BASH, ['set +o history']);
  await shell.run('echo a | cat');
  await shell.run('HISTSIZE=0');
  await shell.run('echo b; echo c');
  t.strictSame(namesOf(shell), ['echo a', 'HISTSIZE=0', 'echo b']);
});

t.test('a full history and a cleared one make no difference', { skip }, async (t) => {
  const shell = await openHooked(t, BASH, ['HISTSIZE=3']);
  const lines = ['echo 1', 'echo 2', 'echo 3', 'history -c', 'echo 4', 'history -s echo 5', 'echo 6', 'echo 7'];
  for (const line of lines) await shell.run(line);
  t.strictSame(namesOf(shell), lines);
});

const hasList = Number(spawnSync('bash', ['-c', 'echo $((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1]))']).stdout) >= 501;
const skipReplaced = skip || (!hasList && 'before bash 5.1 PROMPT_COMMAND is no list');

/** Lines after which PROMPT_COMMAND lacks some or all of the hooks. */
const REPLACEMENTS = [
  `PROMPT_COMMAND='echo theirs'`,
  `PROMPT_COMMAND=`,
  `unset PROMPT_COMMAND`,
  `PROMPT_COMMAND=('echo theirs')`,
  `export PROMPT_COMMAND='echo theirs'`,
  `PROMPT_COMMAND="echo theirs; $PROMPT_COMMAND"`,
];
for (const line of REPLACEMENTS)
  t.test(`the hooks are restored: ${line}`, { skip: skipReplaced }, async (t) => {
    const shell = await openHooked(t, BASH, line.startsWith('export') ? [`export PROMPT_COMMAND='echo old'`] : []);
    const isSpoken = line.includes('theirs');
    // as bash would show it without hooks, from the line itself on
    for (const [typed, shown] of [
      [line, ''],
      ['false', ''],
      ['echo $?', '1'],
      ['(exit 3)', ''],
    ] as const) {
      const said = (await shell.run(typed)).split('\n').filter(Boolean);
      t.strictSame(said, [shown, isSpoken ? 'theirs' : ''].filter(Boolean), typed);
    }
    t.strictSame(
      commandsOf(shell).slice(-4),
      [
        { name: line, end: 'completed', exitCode: 0 },
        { name: 'false', end: 'failed', exitCode: 1 },
        { name: 'echo $?', end: 'completed', exitCode: 0 },
        { name: '(exit 3)', end: 'failed', exitCode: 3 },
      ],
      'each has its own status, and none goes on',
    );
    if (line.startsWith('export'))
      t.match(await shell.run(`bash -c 'echo "[$PROMPT_COMMAND]"'`), 'echo theirs', 'what was exported still is');
  });

t.test(
  'PROMPT_COMMAND replaced twice in a row: an execution without a known status is lost',
  { skip: skipReplaced },
  async (t) => {
    const shell = await openHooked(t, BASH);
    for (const line of ['PROMPT_COMMAND=(:)', 'PROMPT_COMMAND=(:) && false', 'true', 'false']) await shell.run(line);
    t.strictSame(commandsOf(shell), [
      { name: 'PROMPT_COMMAND=(:)', end: 'lost', exitCode: undefined },
      { name: 'true', end: 'completed', exitCode: 0 },
      { name: 'false', end: 'failed', exitCode: 1 },
    ]);
  },
);

t.test('a read-only PROMPT_COMMAND: doctor gives the reason why nothing is recorded', { skip }, async (t) => {
  const shell = await openHooked(t, BASH, [`readonly PROMPT_COMMAND='history -a'`]);
  t.strictSame(commandsOf(shell), []);
  const file = path.join(shell.spool, '.bash-refusal');
  t.equal(readFileSync(file, 'utf8'), 'PROMPT_COMMAND is read-only\n');
  await shell.run(BASH.nested);
  await shell.run(BASH.load);
  t.equal(readFileSync(file, 'utf8'), '', 'the newest shell counts');
});

/** The relevant parts of ble.sh: it reads and runs the lines, and has hooks of its own. */
const BLESH = `
blehook() { local one; for one in "$@"; do eval "\${one%%!=*}+=(\${one#*!=})"; done; }
BLE_VERSION=0.4 PREEXEC=() PRECMD=()
ble_run() { local hook status; for hook in "\${PREEXEC[@]}"; do "$hook" "$1"; done; eval "$1"; status=$?
  for hook in "\${PRECMD[@]}"; do (exit "$status"); "$hook"; done; }
`;
for (const order of ['before', 'after'])
  t.test(`ble.sh loaded ${order} the hooks: its own hooks are used`, { skip }, async (t) => {
    const shell = await openShell(t, BASH, { B: BLESH });
    for (const line of order === 'before' ? ['eval "$B"', BASH.load] : [BASH.load, 'eval "$B"']) await shell.run(line);
    await shell.run('unset B; :');
    const before = commandsOf(shell).length;
    await shell.run('ble_run true; ble_run "(exit 4)"; trap -p DEBUG; echo "${PROMPT_COMMAND[*]}"');
    t.strictSame(commandsOf(shell).slice(before), [
      { name: 'true', end: 'completed', exitCode: 0 },
      { name: '(exit 4)', end: 'failed', exitCode: 4 },
    ]);
  });

t.test('typed lines are stored in the spool only', { skip }, async (t) => {
  const shell = await openHooked(t, BASH, [], { XDG_RUNTIME_DIR: '' });
  for (const line of ['echo first-of-two-lines äöü', 'echo second', 'mysql -phunter2 2>/dev/null'])
    await shell.run(line);
  const files = readdirSync(shell.spool).filter((name) => name.startsWith('.bash-'));
  t.not(files.length, 0);
  for (const name of files)
    t.notMatch(readFileSync(path.join(shell.spool, name), 'utf8'), /first|second|hunter2/, name);
  t.equal(namesOf(shell).length, 3);
});
