/** Runs with too much or unusual output, and many runs: no growth, no leaks. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { readProcess, readProcesses } from '../../src/platform/processes.js';
import { createHome, PROGRESS } from '../helpers/daemon.js';
import { startRunHome } from '../helpers/runs.js';
import { waitFor } from '../helpers/wait.js';
import { shortOrLong } from '../helpers/long.js';
import { collectOutput } from '../helpers/output.js';

const GIGABYTE = 1024 ** 3;
const MEGABYTE = 1024 ** 2;

/** Peak memory of a process, in bytes. */
function peakOf(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}

t.test('a gigabyte without a newline, without a client', async (t) => {
  const home = await startRunHome(t);
  const bytes = shortOrLong(GIGABYTE / 4, GIGABYTE);
  const limit = shortOrLong(2 * MEGABYTE, 64 * MEGABYTE);
  writeFileSync(home.paths.config, `runs: { outputLimit: ${limit} }\n`);
  const id = await home.start(
    [],
    'sh',
    '-c',
    `head -c ${bytes} /dev/zero | tr '\\0' x; echo; echo the end; exec sleep 1000`,
  );
  const { runner, child } = await home.recordOf(id);
  await waitFor('all of it to be read', () => peakOf(runner.pid) > 0 && isIdle(child.pid));
  t.ok(peakOf(runner.pid) < 160 * MEGABYTE, `${Math.round(peakOf(runner.pid) / MEGABYTE)} MiB`);
  home.progress(['stop', '--kill', id]);
  const logs = home.progress(['logs', id]).stdout;
  t.match(logs, /omitted here/);
  t.ok(logs.length < 1.1 * limit, 'the first part and the last');
  t.match(logs.slice(-2_000), /x\nthe end\n/);
});

/** Waits until it has become `sleep`: all earlier output was read. */
function isIdle(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1') === 'sleep\n';
  } catch {
    return false;
  }
}

t.test('bytes of all values are kept unchanged', async (t) => {
  const home = await startRunHome(t);
  const random = path.join(home.directory, 'random');
  const id = await home.start([], 'sh', '-c', `head -c 300000 /dev/urandom | tee ${random}`);
  await home.until(id, 'completed');
  const events = home.progress(['logs', '--json', id]).stdout.trim().split('\n');
  const parts = events.map((line) => (JSON.parse(line) as { data: Record<string, unknown> }).data);
  const content = Buffer.concat(
    parts.flatMap(({ text, base64, continued, unterminated }) => [
      typeof base64 === 'string' ? Buffer.from(base64, 'base64') : Buffer.from(String(text)),
      ...(continued === true || unterminated === true ? [] : [Buffer.from('\n')]),
    ]),
  );
  t.ok(content.equals(readFileSync(random)), 'to the last byte');
});

t.test('a slow reader gets the complete output', async (t) => {
  const home = createHome(t);
  const count = shortOrLong(1_000_000, 3_000_000);
  const child = spawn('sh', ['-c', `${PROGRESS} run -- seq 1 ${count} | (sleep 2; wc -l)`], { env: home.env });
  t.equal((await collectOutput(child).ended).stdout.trim(), `${count}`);
});

t.test('many runs leave no zombie, no file and no descriptor', async (t) => {
  const home = await startRunHome(t);
  const count = shortOrLong(6, 1_000);
  const descriptors = () => readdirSync(`/proc/${home.daemon.pid}/fd`).length;
  const before = descriptors();
  const ids: string[] = [];
  for (let n = 0; n < count; n++) ids.push(await home.start([], 'sh', '-c', 'sleep 0.1 & echo hi; wait'));
  for (const id of ids) await home.until(id, 'completed');
  await waitFor('their runners to be gone', () => !ids.some((id) => home.isAlive(id)));
  const ours = readProcesses().filter(({ parent, state }) => state === 'Z' && parent === home.daemon.pid);
  t.strictSame(ours, [], 'no zombies');
  t.ok(readProcess(home.daemon.pid));
  for (const id of ids) t.strictSame(readdirSync(path.join(home.paths.runs, id)).sort(), ['runner.json', 'spec.json']);
  // figures of the last processes are kept for a while; those of all runs are not
  await waitFor('descriptors to be closed', () => descriptors() < before + count / 2);
  // a starting runner cleans up at once, others every 30 seconds
  await home.replaceDaemon();
  await waitFor(
    'their files of the spool to be cleared',
    () => !readdirSync(home.paths.spool).some((name) => name.startsWith('run-')),
    70_000,
  );
});
