/** The hooks of bash in special states: an odd spool, jobs, other hooks. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { BASH } from '../helpers/hook-shells.js';
import { commandsOf, namesOf } from '../helpers/hooked-shell.js';
import { openHooked, openShell } from '../helpers/shell-session.js';
import { readSpool } from '../helpers/spool.js';
import { whyNo } from '../helpers/needs.js';

t.jobs = 4;
const { hooks: HOOKS, skipInTmux: skip } = BASH;

t.test('progress emit writes to the file of its shell', { skip }, async (t) => {
  const shell = await openHooked(t, BASH);
  t.equal(await shell.run(`progress emit log --step s message='a "b"' count:=3; echo $?`), '0');
  t.equal(
    await shell.run(`: ; (progress emit log message=child); for i in 1 2; do progress emit log message=$i; done | cat`),
    '',
  );
  const [start, log, end, , ...logs] = shell.events();
  t.match(log, { type: 'log', step: 's', data: { message: 'a "b"', count: 3 } });
  t.notOk(log?.execution, 'it belongs to the open execution of the file');
  t.ok(Number(log?.time) >= Number(start?.time) && Number(log?.time) <= Number(end?.time));
  t.strictSame(
    logs.slice(0, 3).map(({ data }) => data['message']),
    ['child', '1', '2'],
  );
  t.match(
    await shell.run('progress emit; echo $?'),
    /needs a type[^]*\n64$/,
    'what is wrong is for the program to say',
  );
  t.match(await shell.run('progress --version'), /^\d/);
});

t.test('a spool that is created again is used again', { skip }, async (t) => {
  const shell = await openHooked(t, BASH);
  renameSync(shell.spool, `${shell.spool}.away`);
  await shell.run('echo a');
  mkdirSync(shell.spool);
  await shell.run('echo b');
  t.strictSame(namesOf(shell), ['echo b']);
});

t.test('a shell creates its spool, for its user only', { skip }, async (t) => {
  const home = mkdtempSync(path.join(t.testdir(), 'home-'));
  const shell = await openHooked(t, BASH, ['umask 0'], { PROGRESS_HOME: home });
  await shell.run('echo a');
  const spool = path.join(home, 'state/spool');
  t.equal(readSpool({ paths: { spool } }, 'bash-').length, 2);
  t.equal(statSync(spool).mode & 0o777, 0o700);
  for (const file of readdirSync(spool)) t.equal(statSync(path.join(spool, file)).mode & 0o777, 0o600, file);
});

t.test('loading twice is harmless', { skip }, async (t) => {
  const shell = await openHooked(t, BASH);
  await shell.run(`. '${HOOKS}'`);
  await shell.run('PROMPT_COMMAND="echo theirs"');
  await shell.run(`. '${HOOKS}'; . '${HOOKS}'`);
  t.equal(await shell.run('false'), 'theirs');
  t.strictSame(commandsOf(shell).at(-1), { name: 'false', end: 'failed', exitCode: 1 });
  t.equal(namesOf(shell).filter((name) => name === 'false').length, 1);
});

t.test('a job stopped by Ctrl-Z is paused, and ends when fg does', { skip }, async (t) => {
  const shell = await openHooked(t, BASH);
  await shell.enter('bash -c "echo began; until [ -e ~/go ]; do sleep 0.02; done; exit 3"');
  await shell.see(/^began/m);
  await shell.untilPrompt(() => shell.key('C-z'));
  await shell.run('echo $?');
  writeFileSync(path.join(shell.home, 'go'), '');
  await shell.run('fg');
  await shell.run('fg');
  const [start, ...events] = shell.events();
  t.strictSame(
    events.filter(({ execution }) => execution === start?.execution).map(({ type, data }) => [type, data['exitCode']]),
    [
      ['execution_paused', undefined],
      ['execution_resumed', undefined],
      ['execution_failed', 3],
    ],
  );
  t.strictSame(namesOf(shell).slice(1), ['echo $?']);
});

/** The relevant parts of bash-preexec: two lists of functions, a late start from PROMPT_COMMAND, the DEBUG trap. */
const LIBRARY = `
bash_preexec_imported=defined
late_start='trap - DEBUG; start_library'
PROMPT_COMMAND=\${PROMPT_COMMAND:+$PROMPT_COMMAND$'\\n'}$late_start
start_library() {
  trap 'before_command "$_"' DEBUG
  PROMPT_COMMAND=$'before_prompt\\n'\${PROMPT_COMMAND/"$late_start"/:}$'\\ninteractive=1'
  before_prompt
  interactive=1
}
before_prompt() {
  last_status=$?
  local name
  for name in "\${precmd_functions[@]}"; do give_status "$last_status"; "$name"; done
}
before_command() {
  [[ \${interactive-} ]] || return 0
  interactive=
  local name result=0
  for name in "\${preexec_functions[@]}"; do give_status "$last_status"; "$name" "$BASH_COMMAND" || result=$?; done
  give_status "$result" "$1"
}
give_status() { return "$1"; }
preexec_functions+=(theirs)
theirs() { echo "about to: $1"; }
`;

for (const order of ['before', 'after'])
  t.test(`bash-preexec loaded ${order} the hooks keeps working, and so do the hooks`, { skip }, async (t) => {
    const shell = await openShell(t, BASH);
    const library = path.join(shell.home, 'library.bash');
    writeFileSync(library, LIBRARY);
    const files = order === 'before' ? [library, HOOKS] : [HOOKS, library];
    await shell.run(`. '${files[0]}'; . '${files[1]}'; shopt -s extdebug`);
    // loaded later, it takes the commands of our first prompt for a line, once
    await shell.run(':');
    t.equal(await shell.run('echo a | cat'), 'about to: echo a\na');
    await shell.run('(exit 3)');
    t.equal(await shell.run('echo $?'), 'about to: echo $?\n3');
    await shell.run('false');
    t.strictSame(
      commandsOf(shell).map(({ name, exitCode }) => [name, exitCode]),
      [
        [':', 0],
        ['echo a | cat', 0],
        ['(exit 3)', 3],
        ['echo $?', 0],
        ['false', 1],
      ],
    );
  });

t.test('shellcheck reports nothing', { skip: whyNo('shellcheck') }, (t) => {
  const files = readdirSync(path.dirname(HOOKS)).filter((name) => name.endsWith('.bash'));
  const { stdout } = spawnSync('shellcheck', ['-e', 'SC1091', ...files], {
    cwd: path.dirname(HOOKS),
    encoding: 'utf8',
  });
  t.equal(stdout, '');
  t.end();
});
