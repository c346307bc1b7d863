/** Runs continue while the daemon is killed, absent, or without space to write. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { isAlive, readProcess } from '../../src/platform/processes.js';
import { readAll } from '../helpers/journal.js';
import { isRunning } from '../helpers/daemon.js';
import { WAIT_FOR_FILE, waitFor } from '../helpers/wait.js';
import { shortOrLong } from '../helpers/long.js';
import { createRunHome, endOf, outputOf, sh } from '../helpers/runs.js';
import { isDiskMissing, startDaemonOnSmallDisk } from './helpers/small-disk.js';

/** Writes up to 10 MB/s of numbered lines until the gate is open; the last line has their number. */
const CHATTER = `
  const { existsSync, writeSync } = require('node:fs');
  const padding = '.'.repeat(92);
  let line = 0;
  const timer = setInterval(() => {
    let text = '';
    for (const end = line + ${shortOrLong(300, 10_000)}; line < end;) text += String(++line).padStart(7, '0') + padding + '\\n';
    process.stdout.write(text);
    if (!existsSync(process.argv[1])) return;
    clearInterval(timer);
    process.stdout.write('the end of ' + line + '\\n');
  }, 100);`;

t.test('kill -9 of a daemon with many runs: they are unaffected, and all found again', async (t) => {
  const home = createRunHome(t);
  const daemon = await home.startDaemon();
  const gate = home.gate('go');
  const soon = home.gate('soon');
  const times = <T>(count: number, make: (index: number) => T) =>
    Promise.all(Array.from({ length: count }, (_, i) => make(i)));
  const quiet = await times(shortOrLong(3, 10), (index) =>
    home.run(sh(`trap 'echo ordered' USR1; ${WAIT_FOR_FILE}; echo end; exit ${index}`, gate)),
  );
  const paused = await times(shortOrLong(2, 4), (index) =>
    home.run(sh(`${WAIT_FOR_FILE}; echo end; exit ${index}`, gate)),
  );
  const leaving = await times(shortOrLong(2, 4), (index) =>
    home.run(sh(`${WAIT_FOR_FILE}; sleep 0.${index}; echo end; exit ${index}`, soon)),
  );
  const chatty = await times(shortOrLong(1, 2), () => home.run([process.execPath, '-e', CHATTER, gate.path]));
  const all = [...quiet, ...paused, ...leaving, ...chatty];
  for (const id of all) await home.until(id, 'running');
  for (const id of paused) await home.order(id, { action: 'pause', by: 'test' });
  for (const id of paused) await home.until(id, 'paused');
  const children = await Promise.all(all.map(async (id) => (await home.recordOf(id)).child));
  soon.open();
  await daemon.kill();
  for (const [index, { pid }] of children.entries()) {
    if (!leaving.includes(all[index]!)) t.ok(isRunning(pid), 'it goes on');
  }
  for (const id of leaving) await waitFor('its end', async () => !isRunning((await home.recordOf(id)).runner.pid));

  const second = await home.startDaemon();
  for (const id of quiet) await home.order(id, { action: 'signal', signal: 'SIGUSR1', by: 'test' });
  for (const id of quiet) await home.hear(id, 'ordered');
  for (const id of paused) {
    t.equal((await home.find(id))?.status, 'paused', 'still');
    t.match(readProcess((await home.recordOf(id)).child.pid)?.state, /[TD]/);
  }
  await home.order(paused[0]!, { action: 'resume', by: 'test' });
  await home.until(paused[0]!, 'running');

  await second.kill();
  gate.open();
  for (const id of [...quiet, paused[0]!, ...chatty]) {
    await waitFor('its end', async () => !isRunning((await home.recordOf(id)).runner.pid));
  }
  await home.startDaemon();
  for (const id of paused.slice(1)) await home.order(id, { action: 'resume', by: 'test' });
  for (const id of all) await home.until(id, 'final');
  const written = (await readAll(home.paths.journal)).events;
  for (const id of all) {
    const events = written.filter(({ execution }) => execution === id);
    const { type, data } = endOf(t, events)!;
    const exitCode = Math.max(0, ...[quiet, paused, leaving].map((group) => group.indexOf(id)));
    t.match({ type, data }, { type: exitCode === 0 ? 'execution_completed' : 'execution_failed', data: { exitCode } });
    t.equal(events.filter(({ type }) => type === 'execution_started').length, 1);
    const lines = outputOf(t, events);
    if (!chatty.includes(id)) t.strictSame(lines, quiet.includes(id) ? ['ordered', 'end'] : ['end']);
    else {
      const wrong = lines.slice(0, -1).findIndex((line, at) => Number.parseInt(line, 10) !== at + 1);
      t.equal(wrong, -1, 'every line is there, in its place');
      t.equal(lines.at(-1), `the end of ${lines.length - 1}`);
      t.comment(`${lines.length} lines`);
    }
  }
});

t.test('many runs are attached soon after a restart', async (t) => {
  const home = createRunHome(t);
  const daemon = await home.startDaemon();
  const count = shortOrLong(8, 100);
  const ids = await Promise.all(Array.from({ length: count }, () => home.run(['sleep', '1000'])));
  const attached = async () => (await home.ask('status', {})).connections - 1;
  await waitFor('all of them', async () => (await attached()) === count);
  await daemon.kill();
  await home.startDaemon();
  const begun = performance.now();
  await waitFor('all of them again', async () => (await attached()) === count);
  const took = performance.now() - begun;
  t.comment(`${count} runs in ${Math.round(took)} ms`);
  t.ok(took < 10_000);
  for (const id of ids) await home.order(id, { action: 'kill', by: 'test' });
  const ends = await Promise.all(ids.map((id) => home.until(id, 'final')));
  t.strictSame(new Set(ends.map(({ status }) => status)), new Set(['cancelled']));
});

t.test('no daemon can be started, and none runs at the end: everything is found later', async (t) => {
  const home = createRunHome(t);
  writeFileSync(home.paths.config, 'no: such: configuration');
  const gate = home.gate('go');
  const id = await home.run(sh(`echo begin; ${WAIT_FOR_FILE}; echo end; exit 3`, gate));
  t.notOk(existsSync(home.paths.socket));
  gate.open();
  const { runner } = await home.recordOf(id);
  await waitFor('its end', () => !isRunning(runner.pid));
  rmSync(home.paths.config);
  await home.startDaemon();
  const { status, outcome: { exitCode } = {} } = await home.until(id, 'final');
  t.match({ status, exitCode }, { status: 'failed', exitCode: 3 });
  const events = await home.events(id);
  endOf(t, events);
  t.strictSame(outputOf(t, events), ['begin', 'end']);
});

t.test('a full disk stops no run, and its events are recorded when there is space again', async (t) => {
  if (isDiskMissing(t)) return;
  const home = createRunHome(t);
  const disk = await startDaemonOnSmallDisk(t, home);
  Object.assign(home.paths, disk.paths);
  const gate = home.gate('go');
  const ended = home.gate('ended');
  // more than a pipe holds, twice
  const id = home.specify(sh(`echo begin; ${WAIT_FOR_FILE}; seq 20000; : > "$2"; exit 3`, gate).concat(ended.path));
  home.launch(id, disk.enter);
  const { runner, child } = await home.recordOf(id);
  await home.hear(id, 'begin');
  disk.fill();
  gate.open();
  await waitFor('its end', () => existsSync(ended.path) && !isAlive(child));
  t.equal((await home.find(id))?.status, 'running', 'as far as anybody can tell');
  const attempts = () => Number(/^syscw: (\d+)$/m.exec(readFileSync(`/proc/${runner.pid}/io`, 'utf8'))?.[1]);
  const before = attempts();
  await waitFor('its runner to try again', () => attempts() >= before + 5);
  t.ok(isAlive(runner), 'its runner stays until everything is recorded');
  disk.free();
  const { status, outcome: { exitCode } = {} } = await home.until(id, 'final');
  t.match({ status, exitCode }, { status: 'failed', exitCode: 3 });
  const events = await home.events(id);
  endOf(t, events);
  t.strictSame(outputOf(t, events).slice(-1), ['20000']);
  t.equal(outputOf(t, events).length, 20_001);
  await waitFor('its runner to go', () => !isAlive(runner));
});
