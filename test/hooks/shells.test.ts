/** The behaviour that the hooks of all shells share, in real shells on real terminals. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import type { HookShell } from '../helpers/hook-shells.js';
import { HOOK_SHELLS } from '../helpers/hook-shells.js';
import type { Command } from '../helpers/hooked-shell.js';
import { BROKEN, commandsIn, commandsOf, countProcesses, onSmallDisk, targetOf } from '../helpers/hooked-shell.js';
import { isAble, isMissing } from '../helpers/needs.js';
import type { ShellSession } from '../helpers/shell-session.js';
import type { SpoolEvent } from '../helpers/spool.js';
import { openHooked, openShell } from '../helpers/shell-session.js';

t.jobs = 4;

/** The events of one part of the tests, which share a shell. */
async function eventsOf(session: ShellSession, act: () => Promise<unknown>): Promise<SpoolEvent[]> {
  const before = session.events().length;
  await act();
  return session.events().slice(before);
}

/** The files with events. bash has hidden ones, too. */
const filesIn = (spool: string): string[] => readdirSync(spool).filter((name) => name.endsWith('.ndjson'));

const runAll = (session: ShellSession, lines: readonly string[]) => async () => {
  for (const line of lines) await session.run(line);
};

async function checkCommands(t: Test, session: ShellSession, { cases: { commands } }: HookShell): Promise<void> {
  const lines = commands.map(([line]) => line);
  const events = await eventsOf(session, runAll(session, lines));
  t.strictSame(
    commandsIn(events),
    commands.map(([name, exitCode = 0]) => ({ name, end: exitCode === 0 ? 'completed' : 'failed', exitCode })),
  );
  t.equal(new Set(events.map(({ execution }) => execution)).size, lines.length);
}

async function checkContinued(t: Test, session: ShellSession, { cases: { continued } }: HookShell): Promise<void> {
  const long = `: ${'x'.repeat(2_500)}`;
  const events = await eventsOf(session, async () => {
    for (const [rows] of continued) {
      for (const row of rows.slice(0, -1)) await session.enter(row);
      await session.run(rows.at(-1) ?? '');
    }
    await session.run(long);
  });
  const names = commandsIn(events).map(({ name }) => name);
  t.equal(names.length, continued.length + 1);
  for (const [index, [, name]] of continued.entries())
    if (typeof name === 'string') t.equal(names[index], name);
    else t.match(names[index], name);
  t.equal(names.at(-1), long.slice(0, 2_000));
}

async function checkData(t: Test, session: ShellSession, { name, hasClock }: HookShell): Promise<void> {
  const before = Date.now() / 1000;
  const line = name === 'bash' ? '(sleep 0.2)' : 'sleep 0.2';
  const [, , start, end] = await eventsOf(session, runAll(session, ['cd /tmp', line]));
  t.match(start, { type: 'execution_started', execution: /^[0-9a-hjkmnp-tv-z]{10}$/ });
  t.strictSame(start?.data, {
    ...{ name: line, kind: 'command', argv: [line], cwd: '/tmp', pid: session.pid },
    ...{ tty: start?.data['tty'], tmux: '%7', parent: 'outer' },
  });
  t.match(start?.data['tty'], /^\/dev\//);
  const duration = Number(end?.data['durationMs']);
  t.ok(duration >= 200 && duration < 5_000, `it took ${duration} ms`);
  if (hasClock) {
    t.ok(Number(start?.time) >= before && Number(end?.time) <= Date.now() / 1000);
    t.ok(Math.abs(Number(end?.time) - Number(start?.time) - duration / 1000) < 0.01, 'both from one clock');
  } else t.equal(start?.time, undefined, 'for want of a clock');
  const [file = '', ...others] = filesIn(session.spool);
  t.match(file, new RegExp(`^${name}-${session.pid}-[0-9a-hjkmnp-tv-z]{10}\\.ndjson$`));
  t.strictSame(others, []);
  t.equal(statSync(path.join(session.spool, file)).mode & 0o777, 0o600);
}

async function checkKeys(t: Test, session: ShellSession, { cases: { nothing, redraws } }: HookShell): Promise<void> {
  const pause = (word: string) => `sh -c "echo ${word}; exec sleep 100"`;
  const events = await eventsOf(session, async () => {
    for (const line of nothing) await session.run(line);
    await session.enter('echo unfinished |');
    await session.untilPrompt(() => session.key('C-c'));
    if (redraws) await session.untilPrompt(() => session.key('C-c'));
    await session.enter('echo began; sleep 100');
    await session.see(/^began/m);
    await session.untilPrompt(() => session.key('C-c'));
    for (const word of ['again', 'more']) {
      await session.enter(pause(word));
      await session.see(new RegExp(`^${word}`, 'm'));
      await session.untilPrompt(() => session.key('C-z'));
    }
    await session.run('sleep 0 &');
  });
  t.strictSame(commandsIn(events), [
    { name: 'echo began; sleep 100', end: 'cancelled', exitCode: 130 },
    { name: pause('again'), end: 'paused', exitCode: undefined },
    { name: pause('more'), end: 'paused', exitCode: undefined },
    { name: 'sleep 0 &', end: 'completed', exitCode: 0 },
  ]);
  t.equal(events[1]?.data['signal'], 'SIGINT');
}

async function checkProcesses(t: Test, session: ShellSession, { cases: { builtins } }: HookShell): Promise<void> {
  if (isMissing(t, 'strace', isAble('strace', '-qq', 'true'))) return;
  const log = path.join(t.testdir(), 'strace');
  const events = await eventsOf(session, async () => {
    const act = async () => {
      await session.run('');
      for (const line of builtins) t.equal(await session.run(line), '', line);
    };
    t.equal(await countProcesses(session.pid, log, act), 0, 'none is started');
  });
  const emitted = builtins.filter((line) => line.startsWith('progress emit')).length;
  t.equal(events.length, 2 * builtins.length + emitted);
  t.ok((await countProcesses(session.pid, log, () => session.run('/bin/true'))) >= 1, 'it would be seen');
}

/** Secrets are masked before the first byte is written: the file of a shell stays as long as the shell lives. */
async function checkSecrets(t: Test, session: ShellSession): Promise<void> {
  const lines = ['true --password=hunter2', 'mysql -phunter2', 'true https://me:hunter2@localhost/'];
  const names = ['true --password=***', 'mysql -p***', 'true https://me:***@localhost/'];
  const events = await eventsOf(session, runAll(session, lines));
  t.strictSame(
    commandsIn(events).map(({ name }) => name),
    names,
  );
  t.notMatch(JSON.stringify(events), 'hunter2');
}

async function checkNested(t: Test, shell: HookShell): Promise<void> {
  const session = await openHooked(t, shell, shell.cases.exportAll);
  await session.run(' progress emit log message=a');
  for (const line of shell.cases.unexported) t.equal(await session.run(line), '', line);
  const lines = [
    ...[shell.nested, 'echo "not hooked"', shell.load, 'echo inside', 'exit', 'echo outside', '(exec true)'],
    ...[`exec ${shell.nested}`, shell.load, 'echo anew'],
  ].filter((line) => shell.name !== 'fish' || line !== '(exec true)');
  for (const line of lines) await session.run(line);
  const files = filesIn(session.spool);
  t.equal(files.length, 3);
  t.equal(files.filter((file) => file.startsWith(`${shell.name}-${session.pid}-`)).length, 2);
  const expected = lines.filter((line) => ![shell.load, 'exit', 'echo "not hooked"'].includes(line));
  const show = ({ name, end }: Command) => `${String(name)} ${end}`;
  t.strictSame(
    commandsOf(session).map(show).sort(),
    expected.map((name) => show({ name, end: name.startsWith('exec') ? 'started' : 'completed', exitCode: 0 })).sort(),
  );
}

/** The shell is replaced by exec for each state; no error is shown in it, nor after the hooks are loaded again. */
async function checkBroken(t: Test, shell: HookShell): Promise<void> {
  const session = await openHooked(t, shell);
  const [line, show, shown] = shell.failure;
  for (const [state, breakIt] of BROKEN) {
    rmSync(path.dirname(session.spool), { recursive: true, force: true });
    await session.run(`exec ${shell.nested}`);
    mkdirSync(session.spool, { recursive: true, mode: 0o700 });
    await session.run(shell.load);
    const files = readdirSync(session.spool).map((name) => path.join(session.spool, name));
    const filesWithEvents = files.filter((file) => file.endsWith('.ndjson'));
    t.equal(filesWithEvents.length, 1, 'the shell has a file');
    for (const file of files) breakIt(file);
    for (const loading of [[], [`exec ${shell.nested}`, shell.load, shell.load]]) {
      for (const words of loading) t.equal(await session.run(words), '', `${state}: ${words}`);
      if (loading.length > 0) t.match(await session.run(show), /^0/, state);
      t.equal(await session.run(line), '', state);
      t.equal(await session.run(show), shown, state);
    }
    for (const file of filesWithEvents) t.notOk(existsSync(targetOf(file)), state);
  }
}

async function checkFullDisk(t: Test, shell: HookShell): Promise<void> {
  if (isMissing(t, 'unshare', isAble('unshare', '--mount', 'true'))) return;
  const session = await openShell(t, shell);
  await session.run(onSmallDisk(session.spool, shell.nested));
  await session.run(shell.load);
  const spool = `/proc/${session.pid}/root${session.spool}`;
  await session.run(` head -c 12000 /dev/zero >>${session.spool}/fill`);
  let shown = '';
  for (let at = 0; at < 15; at++) shown += await session.run(`: ${'x'.repeat(200)}`);
  t.match(shown, shell.cases.onFullDisk);
  truncateSync(path.join(spool, 'fill'));
  unlinkSync(path.join(spool, 'fill'));
  for (const line of ['echo after', 'echo and again']) await session.run(line);
  const [file = ''] = readdirSync(spool);
  const lines = readFileSync(path.join(spool, file), 'utf8').trimEnd().split('\n');
  t.match(JSON.parse(lines.at(-4) ?? ''), { data: { name: 'echo after' } });
  t.match(JSON.parse(lines.at(-2) ?? ''), { data: { name: 'echo and again' } });
  t.ok(lines.length < 32, 'some were lost');
  t.throws(() => lines.map((line) => JSON.parse(line) as unknown), 'one was torn');
}

for (const shell of HOOK_SHELLS) {
  const { cases, skipInTmux: skip } = shell;

  t.test(`${shell.name}: a shell with hooks`, { skip }, async (t) => {
    const session = await openHooked(t, shell, [], { PROGRESS_EXECUTION: 'outer', TMUX_PANE: '%7' });
    await t.test('each line is an execution with its text and status', (t) => checkCommands(t, session, shell));
    await t.test('a multi-line command is one execution; a long name is cut', (t) => checkContinued(t, session, shell));
    await t.test('an execution has its place and time', (t) => checkData(t, session, shell));
    await t.test('neither a line nor progress emit starts a process', (t) => checkProcesses(t, session, shell));
    await t.test('lines that the history or the user excludes are not reported', async (t) => {
      const events = await eventsOf(session, runAll(session, cases.ignoring.lines));
      t.strictSame(
        commandsIn(events).map(({ name }) => name),
        cases.ignoring.names,
      );
    });
    await t.test('secrets are not written', (t) => checkSecrets(t, session));
    await t.test('Ctrl-C cancels, Ctrl-Z pauses, and neither has an effect at the prompt', (t) =>
      checkKeys(t, session, shell),
    );
  });

  t.test(`${shell.name}: nested shells are distinguished, and exec starts another one`, { skip }, (t) =>
    checkNested(t, shell),
  );

  t.test(`${shell.name}: a spool that cannot be written causes no output`, { skip }, (t) => checkBroken(t, shell));

  if (cases.onFullDisk)
    t.test(`${shell.name}: a partial line on a full disk damages no other`, { skip }, (t) => checkFullDisk(t, shell));
}
