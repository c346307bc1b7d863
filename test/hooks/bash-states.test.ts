/** The hooks of bash in states that they must not be felt in: no spool, a full disk, other hooks, other shells. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { openShell, readSpool } from '../helpers/shell-session.js';
import { whyNoTmux } from '../helpers/tmux.js';
import { waitFor } from '../helpers/wait.js';
import { commandsOf, HOOKS, namesOf, openHooked } from './bash-session.js';

t.jobs = 4;
const skip = whyNoTmux() ?? false;

function whyNoStrace(): string | false {
  try {
    execFileSync('strace', ['-V']);
    return false;
  } catch (error) {
    if (process.env['CI'] === 'true') throw error;
    return 'strace is not installed';
  }
}

t.test('a prompt starts no process, nor does progress emit', { skip: skip || whyNoStrace() }, async (t) => {
  const shell = await openHooked(t);
  const log = path.join(shell.home, 'strace');
  const calls = 'trace=clone,clone3,fork,vfork,execve';
  const strace = spawn('strace', ['-f', '-e', calls, '-o', log, '-p', String(shell.pid)], { stdio: ['ignore', 'ignore', 'pipe'] });
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
  t.equal(await shell.run(`progress emit log --step s message='a "b"' n:=3; echo $?`), '0');
  t.equal(await shell.run(`(progress emit log message=child); for i in 1 2; do progress emit log message=$i; done | cat`), '');
  const [start, log, end, , ...logs] = shell.events('bash-');
  t.match(log, { type: 'log', step: 's', data: { message: 'a "b"', n: 3 } });
  t.notOk(log?.execution, 'it belongs to the open execution of the file');
  t.ok(Number(log?.time) >= Number(start?.time) && Number(log?.time) <= Number(end?.time));
  t.strictSame(logs.slice(0, 3).map(({ data }) => data['message']), ['child', '1', '2']);
  t.match(await shell.run('progress emit; echo $?'), /needs a type[^]*\n2$/m, 'what is wrong is for the program to say');
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
      t.equal(await shell.run('echo $? $_'), '1 ');
    }
  });
}

t.test('a spool that comes back is used again', { skip }, async (t) => {
  const shell = await openHooked(t);
  renameSync(shell.spool, `${shell.spool}.away`);
  await shell.run('echo a');
  mkdirSync(shell.spool);
  await shell.run('echo b');
  t.match(readSpool(shell.spool)[0], { data: { exitCode: 0 } });
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
  t.strictSame(new Set(namesOf(shell)), new Set(['bash --norc --noprofile -i', 'echo inner', 'echo outer', 'exec bash --norc --noprofile -i', 'echo anew']));
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
  const home = t.testdir();
  const script = `. '${HOOKS}'; trap; echo "\${PROMPT_COMMAND-none} \${PS0-none}"; progress emit log message=hello; echo $?`;
  const output = execFileSync('bash', ['-eu', '-c', script], { env: { PATH: process.env['PATH'], HOME: home, PROGRESS_HOME: home }, encoding: 'utf8' });
  t.equal(output, 'none none\n0\n');
});
