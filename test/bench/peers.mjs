// What others take for the same: Redis Streams with its log synced each second, syslog-ng to a file.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isInstalled, waitFor } from './harness.mjs';

/** Events a second by redis-benchmark, 200 in flight on one connection; undefined where it is not installed. */
export async function measureRedis(events) {
  if (!isInstalled('redis-server') || !isInstalled('redis-benchmark')) return undefined;
  const directory = mkdtempSync(path.join(tmpdir(), 'redis-bench-'));
  const socket = path.join(directory, 'redis.sock');
  const options = [
    '--port',
    '0',
    '--unixsocket',
    socket,
    '--appendonly',
    'yes',
    '--appendfsync',
    'everysec',
    '--save',
    '',
    '--dir',
    directory,
  ];
  const server = spawn('redis-server', options, { stdio: 'ignore' });
  await waitFor('redis', () => spawnSync('redis-cli', ['-s', socket, 'ping']).stdout?.toString().includes('PONG'));
  const command = ['XADD', 'stream', '*', 'event', 'x'.repeat(150)];
  const { stdout } = spawnSync('redis-benchmark', [
    '-s',
    socket,
    '-n',
    String(events),
    '-c',
    '1',
    '-P',
    '200',
    '--csv',
    ...command,
  ]);
  server.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
  const fields = stdout.toString().trim().split('\n').at(-1)?.split('","') ?? [];
  return Number(fields[1]);
}

/** The same for syslog-ng, from a Unix stream socket to a file. */
export async function measureSyslogNg(events) {
  if (!isInstalled('syslog-ng')) return undefined;
  const directory = mkdtempSync(path.join(tmpdir(), 'syslog-bench-'));
  const socket = path.join(directory, 'in.sock');
  const file = path.join(directory, 'out.log');
  const configuration = path.join(directory, 'syslog-ng.conf');
  const version =
    /syslog-ng \d+ \((\d+\.\d+)/.exec(spawnSync('syslog-ng', ['--version']).stdout.toString())?.[1] ?? '3.38';
  writeFileSync(
    configuration,
    `@version: ${version}
source s { unix-stream("${socket}" flags(no-parse) log-iw-size(100000) max-connections(10)); };
destination d { file("${file}" template("$MSG\\n") log-fifo-size(200000)); };
log { source(s); destination(d); flags(flow-control); };
`,
  );
  const state = [
    '-R',
    path.join(directory, 'persist'),
    '-c',
    path.join(directory, 'ctl'),
    '-p',
    path.join(directory, 'pid'),
  ];
  const server = spawn('syslog-ng', ['-F', '-f', configuration, ...state], { stdio: 'ignore' });
  const client = await waitFor(
    'syslog-ng',
    () =>
      new Promise((resolve) => {
        const connection = connect(socket, () => resolve(connection)).on('error', () => resolve(undefined));
      }),
  );
  const line = `${'x'.repeat(149)}\n`;
  const chunk = line.repeat(10_000);
  const begun = performance.now();
  for (let sent = 0; sent < events; sent += 10_000) {
    if (!client.write(chunk)) await new Promise((resolve) => client.once('drain', resolve));
  }
  await waitFor(
    'syslog-ng to write everything',
    () => statSync(file, { throwIfNoEntry: false })?.size === events * line.length,
    2,
  ).catch(() => undefined);
  const seconds = (performance.now() - begun) / 1000;
  const found = readFileSync(file).length / line.length;
  client.destroy();
  server.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
  return found === events ? events / seconds : undefined;
}
