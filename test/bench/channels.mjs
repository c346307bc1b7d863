// Latency from the write of an event to the desktop or a webhook, and the memory that a channel costs the daemon.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline';
import {
  figure,
  isInstalled,
  mebibytes,
  median,
  missing,
  openClient,
  quantile,
  ROOT,
  sized,
  startDaemon,
  usageOf,
  waitFor,
} from './harness.mjs';

/** One after the other: the rate of a channel is not measured. */
const ALERTS = sized(100, 10);
const PYTHON = '/usr/bin/python3';

/** @param arrived When the alert of each execution reached the channel; filled meanwhile. */
async function measure(daemon, name, arrived) {
  const client = await openClient(daemon.socket);
  const took = [];
  for (let index = 0; index < ALERTS; index += 1) {
    const execution = `${name}-${index}`;
    const event = { type: 'execution_failed', execution, data: { exitCode: 1 } };
    const begun = performance.now();
    client.socket.write(`${JSON.stringify(event)}\n`);
    await waitFor(execution, () => arrived.has(execution), 1);
    took.push(arrived.get(execution) - begun);
  }
  client.close();
  figure(`event to ${name}, p50`, median(took), 'ms', { better: 'less' });
  figure(`event to ${name}, p99`, quantile(took, 0.99), 'ms', { better: 'less' });
}

async function measureDesktop() {
  const absent = ['dbus-daemon', 'notify-send', PYTHON].filter((program) => !isInstalled(program));
  if (absent.length > 0) return missing('desktop notifications', `${absent.join(', ')} not installed`);
  const bus = spawn('dbus-daemon', ['--session', '--nofork', '--nopidfile', '--print-address'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [address] = await once(createInterface({ input: bus.stdout }), 'line');
  const env = { ...process.env, DBUS_SESSION_BUS_ADDRESS: address };
  const script = path.join(ROOT, 'test/fixtures/notification-service.py');
  const service = spawn(PYTHON, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const arrived = new Map();
  let isReady = false;
  createInterface({ input: service.stdout }).on('line', (line) => {
    if (line === 'ready') isReady = true;
    else arrived.set(/^✗ (\S+) /.exec(JSON.parse(line).title)?.[1], performance.now());
  });
  await waitFor('the notification service', () => isReady);
  process.env.DBUS_SESSION_BUS_ADDRESS = address;
  const daemon = await startDaemon({ config: 'alerts:\n  rate: 1000\n' });
  await measure(daemon, 'desktop', arrived);
  await daemon.stop();
  service.kill();
  bus.kill();
}

async function measureWebhook() {
  const arrived = new Map();
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      arrived.set(JSON.parse(body).event.execution, performance.now());
      response.end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/`;
  const config = `
alerts: { rate: 1000 }
channels: { hook: { type: webhook, url: '${url}' } }
rules: [{ name: failed, when: { status: failed }, notify: [hook] }]
`;
  const daemon = await startDaemon({ config });
  const before = usageOf(daemon.pid).rss;
  await measure(daemon, 'webhook', arrived);
  const note = `${mebibytes(before).toFixed(0)} MiB before`;
  figure(`memory after ${ALERTS} webhooks`, mebibytes(usageOf(daemon.pid).rss), 'MiB', { better: 'less', note });
  await daemon.stop();
  server.close();
}

export async function main() {
  await measureDesktop();
  await measureWebhook();
}
