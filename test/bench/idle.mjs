// A daemon that has nothing to do, beside one of PM2 if that is installed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { megabytes, openClient, report, startDaemon, usageOf } from './harness.mjs';

const SECONDS = Number(process.env.IDLE_SECONDS ?? 60);

export async function main() {
  const daemon = await startDaemon();
  const client = await openClient(daemon.socket);
  client.socket.write('{"type":"log","execution":"a","data":{"message":"something has happened"}}\n');
  await client.request('status');
  client.close();
  const peer = startPm2();
  await new Promise((resolve) => setTimeout(resolve, 3_000)); // what a start leaves behind settles
  const watched = [['progress', daemon.pid], ...(peer ? [['pm2', peer.pid]] : [])].map(([name, pid]) => ({
    name,
    pid,
    begin: usageOf(pid),
  }));
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  for (const { name, pid, begin } of watched) {
    const end = usageOf(pid);
    const cpu = ((end.cpuSeconds - begin.cpuSeconds) / SECONDS) * 100;
    report(
      `${name}, idle for ${SECONDS} s: memory`,
      megabytes(end.rss),
      name === 'progress' ? 'aim: not above PM2' : '',
    );
    report('processor', `${cpu.toFixed(2)} %`, `aim: under 0.2 %; ${end.switches - begin.switches} wake-ups`);
  }
  if (!peer) report('pm2', 'not installed');
  await daemon.stop();
  peer?.stop();
}

function startPm2() {
  const home = mkdtempSync(path.join(tmpdir(), 'pm2-bench-'));
  const env = { ...process.env, PM2_HOME: home };
  if (spawnSync('pm2', ['ping'], { env }).status !== 0) {
    rmSync(home, { recursive: true, force: true });
    return undefined;
  }
  return {
    pid: Number(readFileSync(path.join(home, 'pm2.pid'), 'utf8')),
    stop() {
      spawnSync('pm2', ['kill'], { env });
      rmSync(home, { recursive: true, force: true });
    },
  };
}
