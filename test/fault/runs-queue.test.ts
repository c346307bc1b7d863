/** A queue runs each run once, and never more at a time than slots, however often the daemon is killed. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { DAEMON, isRunning } from '../helpers/daemon.js';
import { waitFor } from '../helpers/wait.js';
import { shortOrLong } from '../helpers/long.js';
import { createRunHome, endOf, outputOf, sh } from '../helpers/runs.js';

const SLOTS = 2;

t.test('kill -9 of the daemon in a loop, while a queue of two slots is processed', async (t) => {
  const home = createRunHome(t);
  // runners that find no daemon start one, too: the running one is killed
  const start = async () => {
    spawn(process.execPath, [DAEMON], { env: home.env, detached: true, stdio: 'ignore' }).unref();
    return await waitFor('a daemon', async () => (await home.ask('status', {}).catch(() => undefined))?.pid);
  };
  let pid = await start();
  const count = shortOrLong(8, 100);
  await home.ask('emit', { event: { type: 'queue_changed', data: { name: 'q', slots: SLOTS } } });
  const diary = path.join(home.directory, 'diary');
  const script = `echo "+ $$" >> "$1"; echo "from $(date +%s%N)"; sleep 0.2; echo "to $(date +%s%N)"; echo "- $$" >> "$1"`;
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    const id = home.specify(sh(script, { path: diary, open: () => undefined }), { queue: 'q' });
    await home.ask('emit', { event: { type: 'execution_queued', execution: id, data: { queue: 'q' } }, synced: true });
    ids.push(id);
  }
  const started = () => lines(diary).filter((line) => line.startsWith('+')).length;
  let kills = 0;
  for (; started() < count; kills++) {
    // at any time: during its start, and while it starts runs
    await delay(Math.random() * 300);
    process.kill(pid, 'SIGKILL');
    await waitFor('it to be gone', () => !isRunning(pid));
    pid = await start();
  }
  t.comment(`${kills} kills`);
  for (const id of ids) await home.until(id, 'final');

  const spans: { at: number; change: number }[] = [];
  for (const id of ids) {
    const events = await home.events(id);
    t.equal(endOf(t, events)?.type, 'execution_completed');
    t.equal(events.filter(({ type }) => type === 'execution_started').length, 1);
    const [from, to, ...more] = outputOf(t, events).map((line) => Number(line.split(' ')[1]));
    t.strictSame(more, [], 'it ran once');
    spans.push({ at: from!, change: 1 }, { at: to!, change: -1 });
  }
  spans.sort((a, b) => a.at - b.at);
  let now = 0;
  const most = Math.max(...spans.map(({ change }) => (now += change)));
  t.ok(most <= SLOTS, `at most ${most} at a time`);
  t.equal(lines(diary).length, 2 * count);
});

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1);
  } catch {
    return [];
  }
}
