import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Test } from 'tap';
import t from 'tap';
import type { ProcessInfo } from '../../src/platform/processes.js';
import { ancestorsOf, readProcess, readProcesses, readRss, treeOf, treeRss } from '../../src/platform/processes.js';
import { waitFor } from '../helpers/wait.js';

/** Starts a shell in a separate session, which is killed at the end of the test. */
function start(t: Test, script: string): ChildProcess & { pid: number } {
  const child = spawn('sh', ['-c', script], { detached: true, stdio: 'ignore' });
  const pid = child.pid ?? 0;
  t.teardown(() => {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // already ended
    }
  });
  return Object.assign(child, { pid });
}

const info = (pid: number, parent: number, session: number, state = 'S'): ProcessInfo => ({
  ...{
    pid,
    name: 'test',
    parent,
    session,
    state,
    group: session,
    start: 1,
    cpuMs: 0,
    waitedCpuMs: 0,
    terminal: 0,
    foregroundGroup: 0,
  },
});

t.test('a tree includes descendants in other sessions, and orphans in its session', (t) => {
  const processes = [
    info(1, 0, 1),
    info(10, 1, 10),
    info(11, 10, 10),
    info(12, 11, 12),
    info(13, 12, 12, 'Z'),
    info(14, 13, 12),
    info(15, 1, 10),
    info(16, 15, 16),
    info(20, 1, 20),
    info(21, 20, 20),
  ];
  const pids = (root: number) => treeOf(root, processes).map(({ pid }) => pid);
  t.strictSame(pids(10).sort(), [10, 11, 12, 14, 15, 16]);
  t.strictSame(pids(20), [20, 21]);
  t.strictSame(pids(99), []);
  t.strictSame(
    treeOf(
      10,
      processes.filter(({ pid }) => pid !== 10),
    )
      .map(({ pid }) => pid)
      .sort(),
    [11, 12, 14, 15, 16],
    'its first process has ended',
  );
  t.end();
});

t.test('ancestors: the process itself first, then each parent, and none of a process that has ended', (t) => {
  const { pid } = start(t, 'sleep 600');
  const found = [...ancestorsOf(pid)];
  t.same(
    found.slice(0, 2).map((one) => one.pid),
    [pid, process.pid],
  );
  found.slice(1).forEach((one, index) => t.equal(one.pid, found[index]?.parent));
  t.ok(found.every((one) => one.pid > 1));
  t.same([...ancestorsOf(2 ** 31 - 1)], []);
  t.end();
});

t.test('resident memory of a tree', async (t) => {
  const { pid } = start(t, 'sleep 60 & (sleep 60 & wait) & wait');
  const members = await waitFor('four processes', () => {
    const found = treeOf(pid, readProcesses());
    return found.length === 4 && found;
  });
  await waitFor('the memory of all, once they no longer grow', () => {
    const each = members.map((member) => readRss(member.pid));
    const sum = each.reduce((total, rss) => total + rss, 0);
    return each.every((rss) => rss > 100 * 1_024) && treeRss(pid) === sum;
  });
  const own = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  t.equal(readRss(pid), Number(own) * 1_024, 'in bytes');
});

t.test('an ended process has no memory', async (t) => {
  const child = start(t, 'exit 0');
  await waitFor('its end', () => readProcess(child.pid) === undefined);
  t.equal(treeRss(child.pid), 0);
  t.equal(readRss(child.pid), 0);
  t.equal(readRss(2 ** 30), 0);
});
