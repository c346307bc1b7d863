// A thousand SSE streams: missed events and cost, relative to nginx with nchan, which does nothing but pass messages on.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { figure, isInstalled, mebibytes, missing, sized, usageOf, waitFor } from './harness.mjs';
import { freePort, write } from './web-page.mjs';

export const STREAMS = sized(1_000, 50);
const EVENTS_PER_SECOND = 100;
const SECONDS = sized(10, 1);
const TOTAL = EVENTS_PER_SECOND * SECONDS;
const TICK_MS = 10;
const NCHAN_MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so';

export async function measureStreams(daemon, client) {
  const before = usageOf(daemon.pid);
  const socketPath = path.join(path.dirname(daemon.socket), 'http.sock');
  const result = await streamTo({ socketPath, path: '/stream/progress?last=0' }, 'seq', (n) =>
    write(client, `{"type":"log","execution":"streams","message":"n${n}"}\n`),
  );
  const name = `${STREAMS} streams at ${EVENTS_PER_SECOND} events/s`;
  const own = reportStreams(name, result, before, usageOf(daemon.pid), { better: 'less' });
  const peer = await measureNchan();
  if (!peer) return;
  figure('memory relative to nchan', own.memory / peer.memory, 'x', { better: 'less' });
  figure('processor relative to nchan', own.cpu / Math.max(peer.cpu, 0.1), 'x', { better: 'less' });
}

function reportStreams(name, { missed, behindMs }, before, after, details) {
  const memory = mebibytes(after.rss);
  const cpu = ((after.cpuSeconds - before.cpuSeconds) / SECONDS) * 100;
  figure(`${name}, missed`, missed, 'events', { ...details, note: `of ${TOTAL * STREAMS}` });
  figure(`${name}, last event after`, behindMs, 'ms', details);
  const note = `${mebibytes(before.rss).toFixed(0)} MiB before`;
  figure(`${name}, memory`, memory, 'MiB', { ...details, note });
  figure(`${name}, processor`, cpu, '%', details);
  return { memory, cpu };
}

/** Opens the streams in another process, so that only the server is measured, and sends events at the rate. */
async function streamTo(target, marker, send) {
  const program = fileURLToPath(new URL('web-readers.mjs', import.meta.url));
  const readers = spawn(process.execPath, [program, JSON.stringify(target), String(STREAMS), marker], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => readers.once('exit', resolve));
  let output = '';
  readers.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  await waitFor('the streams to be open', () => {
    if (readers.exitCode !== null) throw new Error(`the reader of the streams ended with status ${readers.exitCode}`);
    return output.includes('open\n');
  });
  const begun = performance.now();
  for (let sent = 0; sent < TOTAL;) {
    const due = Math.min(TOTAL, Math.floor(((performance.now() - begun) / 1_000) * EVENTS_PER_SECOND));
    for (; sent < due; sent++) await send(sent);
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  const sentAt = performance.now();
  readers.stdin.end(`${TOTAL * STREAMS}\n`);
  await exited;
  const behindMs = performance.now() - sentAt;
  const { received } = JSON.parse(output.split('\n').at(-2));
  return { missed: TOTAL * STREAMS - received, behindMs };
}

async function measureNchan() {
  const name = 'nginx with nchan';
  if (!isInstalled('nginx') || !existsSync(NCHAN_MODULE)) return missing(name);
  const port = await freePort();
  const nginx = startNginx(port);
  const worker = await waitFor('nginx', () => nginx.exitCode !== null || workerOf(nginx.pid), 50);
  if (nginx.exitCode !== null) return missing(name, `ended with status ${nginx.exitCode}`);
  const before = usageOf(worker);
  const result = await streamTo({ host: '127.0.0.1', port, path: '/sub' }, '"message"', (n) =>
    publish(port, `{"type":"log","message":"n${n}"}`),
  );
  const cost = reportStreams(name, result, before, usageOf(worker));
  nginx.kill('SIGKILL');
  return cost;
}

function startNginx(port) {
  const directory = mkdtempSync(path.join(tmpdir(), 'nchan-'));
  const config = path.join(directory, 'nginx.conf');
  const channel = 'nchan_channel_id x; nchan_message_buffer_length 2000; nchan_message_timeout 1h;';
  const bodies = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${directory}/${kind};`,
  );
  writeFileSync(
    config,
    `load_module ${NCHAN_MODULE};
daemon off; worker_processes 1; pid ${directory}/pid; error_log ${directory}/error.log;${process.getuid() === 0 ? ' user root;' : ''}
events { worker_connections 4096; }
http { access_log off; ${bodies.join(' ')}
server { listen 127.0.0.1:${port}; keepalive_requests 100000;
location = /sub { nchan_subscriber eventsource; ${channel} }
location = /pub { nchan_publisher; ${channel} } } }
`,
  );
  return spawn('nginx', ['-c', config, '-p', directory], { stdio: 'ignore' });
}

function workerOf(master) {
  const { stdout } = spawnSync('pgrep', ['-P', String(master)], { encoding: 'utf8' });
  return Number(stdout.split('\n')[0]) || undefined;
}

async function publish(port, body) {
  await new Promise((resolve, reject) => {
    const posting = request({ host: '127.0.0.1', port, path: '/pub', method: 'POST' }, (response) =>
      response.resume().on('end', resolve),
    );
    posting.on('error', reject).end(body);
  });
}
