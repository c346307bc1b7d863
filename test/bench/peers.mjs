// Peers: Redis Streams with its log synced each second and syslog-ng for ingest, job queues for the start of a run.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hasPeer, isInstalled, waitFor } from './harness.mjs';

/**
 * Measures redis-benchmark, 200 requests in flight on one connection.
 * @returns { rate } in events a second, or { reason } if it cannot be measured.
 */
export async function measureRedis(events) {
  if (!isInstalled('redis-server') || !isInstalled('redis-benchmark')) return { reason: 'not installed' };
  const directory = mkdtempSync(path.join(tmpdir(), 'redis-'));
  const socket = path.join(directory, 'redis.sock');
  const place = ['--port', '0', '--unixsocket', socket, '--dir', directory];
  const durability = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''];
  const server = spawn('redis-server', [...place, ...durability], { stdio: 'ignore' });
  const answers = () => spawnSync('redis-cli', ['-s', socket, 'ping']).stdout?.toString().includes('PONG');
  if (!(await waitFor('redis', () => server.exitCode !== null || answers())) || server.exitCode !== null) {
    return { reason: 'did not start' };
  }
  const load = ['-s', socket, '-n', String(events), '-c', '1', '-P', '200', '--csv'];
  const { stdout } = spawnSync('redis-benchmark', [...load, 'XADD', 'stream', '*', 'event', 'x'.repeat(150)]);
  server.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
  const rate = Number(stdout.toString().trim().split('\n').at(-1)?.split('","')[1]);
  return rate > 0 ? { rate } : { reason: 'redis-benchmark printed no rate' };
}

/**
 * Measures syslog-ng from a Unix stream socket to a file, which must hold every event.
 * @returns { rate } in events a second, or { reason } if it cannot be measured.
 */
export async function measureSyslogNg(events) {
  if (!isInstalled('syslog-ng')) return { reason: 'not installed' };
  const directory = mkdtempSync(path.join(tmpdir(), 'syslog-'));
  const file = path.join(directory, 'out.log');
  const socket = path.join(directory, 'in.sock');
  const server = startSyslogNg(directory, socket, file);
  const attempt = () =>
    new Promise((resolve) => {
      const connection = connect(socket, () => resolve(connection)).on('error', () => resolve(undefined));
    });
  const client = await waitFor('syslog-ng', () => (server.exitCode === null ? attempt() : 'ended'));
  if (client === 'ended') return { reason: 'did not start' };
  const line = `${'x'.repeat(149)}\n`;
  const chunk = line.repeat(10_000);
  const begun = performance.now();
  for (let sent = 0; sent < events; sent += 10_000) {
    if (!client.write(chunk)) await new Promise((resolve) => client.once('drain', resolve));
  }
  const size = () => statSync(file, { throwIfNoEntry: false })?.size;
  await waitFor('syslog-ng', () => size() === events * line.length, 2).catch(() => undefined);
  const seconds = (performance.now() - begun) / 1000;
  const found = readFileSync(file).length / line.length;
  client.destroy();
  server.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
  return found === events ? { rate: events / seconds } : { reason: `wrote ${found} of ${events} events` };
}

function startSyslogNg(directory, socket, file) {
  const configuration = path.join(directory, 'syslog-ng.conf');
  const described = spawnSync('syslog-ng', ['--version'], { encoding: 'utf8' }).stdout;
  const version = /syslog-ng \d+ \((\d+\.\d+)/.exec(described)?.[1] ?? '3.38';
  writeFileSync(
    configuration,
    `@version: ${version}
source s { unix-stream("${socket}" flags(no-parse) log-iw-size(100000) max-connections(10)); };
destination d { file("${file}" template("$MSG\\n") log-fifo-size(200000)); };
log { source(s); destination(d); flags(flow-control); };
`,
  );
  const inDirectory = (name) => path.join(directory, name);
  const state = ['-R', inDirectory('persist'), '-c', inDirectory('ctl'), '-p', inDirectory('pid')];
  return spawn('syslog-ng', ['-F', '-f', configuration, ...state], { stdio: 'ignore' });
}

/** Shell commands by title: each enqueues a command with an installed job queue; tsp also waits for its end. */
export async function queueCommands(env, directory) {
  const commands = {};
  if (hasPeer('tsp')) commands['tsp -w $(tsp true)'] = `TS_SOCKET=${directory}/tsp sh -c 'tsp -w $(tsp true)'`;
  if (hasPeer('pueue')) {
    spawn('pueued', { env, stdio: 'ignore' }).on('error', () => {}); // then its commands fail, and say so
    await waitFor('pueued', () => spawnSync('pueue', ['status'], { env }).status === 0, 50).catch(() => undefined);
    commands['pueue add -- true'] = 'pueue add -- true';
  }
  if (hasPeer('pm2', 'PM2')) {
    commands['pm2 start'] = `PM2_HOME=${directory}/pm2 pm2 start --no-autorestart -f true`;
  }
  return commands;
}
