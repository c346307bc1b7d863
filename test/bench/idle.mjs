// A daemon without work, beside the daemon of PM2.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { figure, hasPeer, mebibytes, missing, openClient, sized, startDaemon, usageOf } from './harness.mjs';

const SECONDS = sized(60, 3);
const SETTLE_MS = 3_000;

export async function main() {
  const daemon = await startDaemon();
  const client = await openClient(daemon.socket);
  client.socket.write('{"type":"log","execution":"a","data":{"message":"something has happened"}}\n');
  await client.request('status');
  client.close();
  const peer = startPm2();
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS)); // the work of the start ends
  const begin = usageOf(daemon.pid);
  const peerBegin = peer && usageOf(peer);
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  const own = { ...costOf(begin, usageOf(daemon.pid)), name: `idle for ${SECONDS} s` };
  figure(`${own.name}: memory`, own.memory, 'MiB', { better: 'less' });
  figure(`${own.name}: processor`, own.cpu, '%', { better: 'less', aim: 0.2 });
  figure(`${own.name}: wake-ups`, own.wakeUps, '/s', { better: 'less' });
  if (peer) {
    const other = costOf(peerBegin, usageOf(peer));
    figure('PM2: memory', other.memory, 'MiB');
    figure('PM2: processor', other.cpu, '%');
    figure('PM2: wake-ups', other.wakeUps, '/s');
    figure('memory relative to PM2', own.memory / other.memory, 'x', { better: 'less', aim: 1 });
  }
  await daemon.stop();
}

function costOf(begin, end) {
  return {
    memory: mebibytes(end.rss),
    cpu: ((end.cpuSeconds - begin.cpuSeconds) / SECONDS) * 100,
    wakeUps: (end.switches - begin.switches) / SECONDS,
  };
}

/** Returns its PID. */
function startPm2() {
  if (!hasPeer('pm2', 'PM2')) return undefined;
  const home = mkdtempSync(path.join(tmpdir(), 'pm2-'));
  const { status } = spawnSync('pm2', ['ping'], { env: { ...process.env, PM2_HOME: home } });
  if (status !== 0) return missing('PM2', 'did not start');
  return Number(readFileSync(path.join(home, 'pm2.pid'), 'utf8'));
}
