/** The hooks of bash in states that they must not be felt in: no spool, a full disk, other hooks, other shells. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { openShell, readSpool } from '../helpers/shell-session.js';
import { waitFor } from '../helpers/wait.js';
import { commandsOf, HOOKS, namesOf, openHooked } from '../helpers/bash-session.js';
import { whyNo } from '../helpers/needs.js';

t.jobs = 4;
const skip = whyNo('tmux');

t.test('a prompt starts no process, nor does progress emit', { skip: skip || whyNo('strace') }, async (t) => {
  const shell = await openHooked(t);
  const log = path.join(shell.home, 'strace');
  const calls = 'trace=clone,clone3,fork,vfork,execve';
  const strace = spawn('strace', ['-f', '-e', calls, '-o', log, '-p', String(shell.pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.teardown(() => strace.kill('SIGKILL'));
  await once(strace.stderr, 'data');
  for (const line of ['echo a', 'cd /tmp', ':', 'false', 'progress emit log message=hello', 'x() { :; }', ''])
    await shell.run(line);
  t.equal(await shell.run('progress emit progress --step s current:=3'), '');
  t.equal(readFileSync(log, 'utf8'), '', 'no process');
  await shell.run('(exit 0)');
  await waitFor('strace to see one', () => /clone|fork/.test(readFileSync(log, 'utf8')));
  strace.kill('SIGINT');
  await once(strace, 'exit');
  t.equal(commandsOf(shell).length, 8);
});

t.test('progress emit writes to the file of its shell', { skip }, async (t) => {
  const shell = await openHooked(t);
  t.equal(await shell.run(`progress emit log --step s message='a "b"' count:=3; echo $?`), '0');
  t.equal(
    await shell.run(`: ; (progress emit log message=child); for i in 1 2; do progress emit log message=$i; done | cat`),
    '',
  );
  const [start, log, end, , ...logs] = shell.events('bash-');
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

t.test('its own variables and functions are not for commands', { skip }, async (t) => {
  const shell = await openHooked(t, ['set -a']);
  await shell.run('progress emit log message=a');
  t.equal(await shell.run('env | grep -c __progress'), '0');
  t.equal(await shell.run('bash -c "declare -F"'), '');
});

/** Each is done to a spool that a shell has begun to use. */
const SPOILS: Record<string, (spool: string) => void> = {
  'is gone': (spool) => rmSync(spool, { recursive: true }),
  'is a file': (spool) => {
    rmSync(spool, { recursive: true });
    writeFileSync(spool, '');
  },
  'is a FIFO': (spool) => {
    rmSync(spool, { recursive: true });
    execFileSync('mkfifo', [spool]);
  },
  'leads nowhere': (spool) => {
    rmSync(spool, { recursive: true });
    symlinkSync('/nowhere/at/all', spool);
  },
  'has FIFOs for files': (spool) => {
    for (const file of readdirSync(spool).map((name) => path.join(spool, name))) {
      rmSync(file);
      execFileSync('mkfifo', [file]);
    }
  },
  'has files that are full': (spool) => {
    for (const file of readdirSync(spool).map((name) => path.join(spool, name))) {
      rmSync(file);
      symlinkSync('/dev/full', file);
    }
  },
};

for (const [state, spoil] of Object.entries(SPOILS)) {
  t.test(`a prompt is as it was when the spool ${state}`, { skip }, async (t) => {
    const shell = await openHooked(t);
    spoil(shell.spool);
    for (const loading of [':', `. '${HOOKS}'`, `exec bash --norc --noprofile -i`, `. '${HOOKS}'`]) {
      t.equal(await shell.run(loading), '');
      t.equal(await shell.run('false'), '');
      t.equal(await shell.run('echo $? $_'), '1 false');
    }
  });
}

t.test('a spool that comes back is used again', { skip }, async (t) => {
  const shell = await openHooked(t);
  renameSync(shell.spool, `${shell.spool}.away`);
  await shell.run('echo a');
  mkdirSync(shell.spool);
  await shell.run('echo b');
  t.strictSame(namesOf(shell), ['echo b']);
});

t.test('a shell makes the directory that it needs, for its user alone', { skip }, async (t) => {
  const home = mkdtempSync(path.join(t.testdir(), 'home-'));
  const shell = await openHooked(t, ['umask 0'], { PROGRESS_HOME: home });
  await shell.run('echo a');
  const spool = path.join(home, 'state/spool');
  t.equal(readSpool(spool, 'bash-').length, 2);
  t.equal(statSync(spool).mode & 0o777, 0o700);
  for (const file of readdirSync(spool)) t.equal(statSync(path.join(spool, file)).mode & 0o777, 0o600, file);
});

t.test('a shell in a shell has a file and an execution of its own', { skip }, async (t) => {
  const shell = await openHooked(t);
  await shell.enter('bash --norc --noprofile -i');
  await shell.run('echo "not hooked"');
  await shell.run(`. '${HOOKS}'`);
  await shell.run('echo inner');
  await shell.run('exit');
  await shell.run('echo outer');
  await shell.run('exec bash --norc --noprofile -i');
  await shell.run(`. '${HOOKS}'`);
  await shell.run('echo anew');
  t.equal(readdirSync(shell.spool).filter((name) => name.endsWith('.ndjson')).length, 3);
  t.strictSame(
    new Set(namesOf(shell)),
    new Set(['bash --norc --noprofile -i', 'echo inner', 'echo outer', 'exec bash --norc --noprofile -i', 'echo anew']),
  );
});

t.test('loading twice does no harm', { skip }, async (t) => {
  const shell = await openHooked(t);
  await shell.run(`. '${HOOKS}'`);
  await shell.run('PROMPT_COMMAND="echo theirs"');
  await shell.run(`. '${HOOKS}'; . '${HOOKS}'`);
  t.equal(await shell.run('false'), 'theirs');
  t.strictSame(commandsOf(shell).at(-1), { name: 'false', end: 'failed', exitCode: 1 });
  t.equal(namesOf(shell).filter((name) => name === 'false').length, 1);
});

t.test('a shell that is not interactive gets the function and nothing else', async (t) => {
  const home = t.testdir({ state: { spool: {} } });
  const script = `. '${HOOKS}'; trap; echo "\${PROMPT_COMMAND-none} \${PS0-none}"; progress emit log message=hello; echo $?`;
  const output = execFileSync('bash', ['-eu', '-c', script], {
    env: { PATH: process.env['PATH'], HOME: home, PROGRESS_HOME: home },
    encoding: 'utf8',
  });
  t.equal(output, 'none none\n0\n');
  t.match(readSpool(path.join(home, 'state/spool')), [{ type: 'log', data: { message: 'hello' } }]);
});

t.test('a job stopped by Ctrl-Z is paused, and ends when fg does', { skip }, async (t) => {
  const shell = await openHooked(t);
  await shell.enter('bash -c "echo began; until [ -e ~/go ]; do sleep 0.02; done; exit 3"');
  await shell.see(/^began/m);
  await shell.untilPrompt(() => shell.key('C-z'));
  await shell.run('echo $?');
  writeFileSync(path.join(shell.home, 'go'), '');
  await shell.run('fg');
  await shell.run('fg');
  const [start, ...events] = shell.events('bash-');
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

/** What matters here of bash-preexec: two lists of functions, a late start from PROMPT_COMMAND, the DEBUG trap. */
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
  t.test(`bash-preexec loaded ${order} the hooks goes on working, and the hooks with it`, { skip }, async (t) => {
    const shell = await openShell(t, 'bash', { HISTFILE: '' });
    const library = path.join(shell.home, 'library.bash');
    writeFileSync(library, LIBRARY);
    const files = order === 'before' ? [library, HOOKS] : [HOOKS, library];
    await shell.run(`. '${files[0]}'; . '${files[1]}'; shopt -s extdebug`);
    // loaded later it takes what our first prompt runs for a line, once
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

t.test('shellcheck has nothing to say', { skip: whyNo('shellcheck') }, (t) => {
  const files = readdirSync(path.dirname(HOOKS)).filter((name) => name.endsWith('.bash'));
  const { stdout } = spawnSync('shellcheck', ['-e', 'SC1091', ...files], {
    cwd: path.dirname(HOOKS),
    encoding: 'utf8',
  });
  t.equal(stdout, '');
  t.end();
});
