/* global document, requestAnimationFrame -- in the page */
// The viewer: what it weighs, how soon it shows something, how it bears long logs, and what a thousand streams cost.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { megabytes, openClient, quantile, report, ROOT, startDaemon, usageOf, waitFor } from './harness.mjs';
import { freePort, openBrowser, write } from './web-page.mjs';

const LINES = 100_000;
const STREAMS = 1_000;
const STREAM_EVENTS_PER_SECOND = 100;
const STREAM_SECONDS = 10;

export async function main() {
  reportWeight();
  const daemon = await startDaemon({ config: `web: { maxStreams: ${STREAMS + 10} }\nalerts: { desktop: false }\n` });
  const client = await openClient(daemon.socket);
  try {
    await measurePages(daemon, client);
    await measureStreams(daemon, client);
  } finally {
    client.close();
    await daemon.stop();
  }
  await measureNchan();
}

function reportWeight() {
  const directory = path.join(ROOT, 'dist/viewer');
  const size = (name) => gzipSync(readFileSync(path.join(directory, name)), { level: 9 }).length;
  const first = new Set(['index.html', 'style.css', 'icon.svg', 'hub.js']);
  const follow = (name) => {
    if (first.has(name)) return;
    first.add(name);
    const source = readFileSync(path.join(directory, name), 'utf8');
    for (const [, next] of source.matchAll(/(?:from|import)\s*"\.\/([\w.-]+)"/g)) follow(next);
  };
  follow('main.js');
  const sum = (names) => `${([...names].reduce((total, name) => total + size(name), 0) / 1024).toFixed(1)} KiB`;
  const list = spawnSync('ls', [directory], { encoding: 'utf8' }).stdout.split('\n');
  report('first page, gzip', sum(first), 'aim: 30 KB');
  report('everything, gzip', sum(list.filter((name) => /\.(?:html|js|css|svg)$/.test(name))), 'aim: 80 KB');
}

/** In the page: 240 steps of six rows, with the time that each frame takes. */
async function scroll(selector) {
  const element = document.querySelector(selector);
  const frames = [];
  let rows = 0;
  let last = performance.now();
  for (let count = 0; count < 240; count++) {
    element.scrollTop -= 120;
    await new Promise((resolve) => requestAnimationFrame(resolve));
    const now = performance.now();
    frames.push(now - last);
    last = now;
    rows = Math.max(rows, document.querySelectorAll('.row').length);
  }
  return { frames, rows };
}

async function measurePages(daemon, client) {
  const { browser, page, url, session } = await openBrowser(client, LINES);
  await page.reload();
  await page.locator('.item').waitFor();
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
  report('first paint of the list', `${Math.round(paint)} ms`, 'aim: 200 ms');

  const opened = [];
  for (let round = 0; round < 5; round++) {
    await page.goto('about:blank');
    const begun = performance.now();
    await page.goto(`${url}executions/long`, { waitUntil: 'commit' });
    await page.locator(`.row[data-line="${LINES}"]`).waitFor();
    opened.push(performance.now() - begun);
  }
  report(
    `a log of ${LINES / 1000} k lines opens`,
    `${Math.round(quantile(opened, 0.5))} ms`,
    'aim: 300 ms, page load included',
  );
  await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  const scrolled = await page.evaluate(scroll, '.log');
  // what no page can do better: one thing that scrolls, and nothing in it
  await page.goto('about:blank');
  await page.evaluate(() => {
    document.body.innerHTML = '<div id="plain"><div></div></div>';
    document.querySelector('#plain').style = 'height: 600px; overflow: auto';
    document.querySelector('#plain div').style = 'height: 1000000px';
    document.querySelector('#plain').scrollTop = 500_000;
  });
  const plain = await page.evaluate(scroll, '#plain');
  await session.send('Emulation.setCPUThrottlingRate', { rate: 1 });
  await page.goto(`${url}executions/long`);
  await page.locator(`.row[data-line="${LINES}"]`).waitFor();
  const p95 = ({ frames }) => `${quantile(frames, 0.95).toFixed(1)} ms`;
  report('a frame while it scrolls, 4 times throttled, p95', p95(scrolled), 'aim: 16.7 ms');
  report('the same, median', `${quantile(scrolled.frames, 0.5).toFixed(1)} ms`);
  report('the same of an empty page, p95', p95(plain));
  report('rows in the page at most', scrolled.rows, 'aim: 200');
  await page.keyboard.press('Control+f');
  const found = [];
  const patterns = [];
  for (const text of ['things/77777', 'NOTHING LIKE THIS', 'token']) {
    const answered = page.waitForResponse((response) => response.url().includes('/search'));
    await page.getByLabel('Find in the whole log').fill(text);
    const { requestStart, responseEnd } = (await (await answered).finished(), (await answered).request().timing());
    found.push(responseEnd - requestStart);
  }
  report(`find over ${LINES / 1000} k lines`, `${Math.round(Math.max(...found))} ms`, 'aim: 300 ms');
  await page.keyboard.press('Alt+r');
  for (const text of ['things/7+ ', '^nothing.*like (this)?$', 'token [a-f]+0']) {
    const answered = page.waitForResponse((response) => response.url().includes('regex=true'));
    await page.getByLabel('Find in the whole log').fill(text);
    const { requestStart, responseEnd } = (await (await answered).finished(), (await answered).request().timing());
    patterns.push(responseEnd - requestStart);
  }
  report('the same with patterns', `${Math.round(Math.max(...patterns))} ms`);
  await browser.close();
}

/** Streams in another process, so that only the daemon is measured. */
async function measureStreams(daemon, client) {
  const before = usageOf(daemon.pid);
  const socket = path.join(path.dirname(daemon.socket), 'http.sock');
  const result = await streamTo({ socketPath: socket, path: '/stream/progress?last=0' }, 'seq', async (total) => {
    const begun = performance.now();
    for (let sent = 0; sent < total;) {
      const due = Math.min(total, Math.floor(((performance.now() - begun) / 1_000) * STREAM_EVENTS_PER_SECOND));
      for (; sent < due; sent++) await write(client, `{"type":"log","execution":"streams","message":"n${sent}"}\n`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
  const after = usageOf(daemon.pid);
  const { received, expected, peak, cpu } = { ...result, peak: after.rss, cpu: after.cpuSeconds - before.cpuSeconds };
  report(
    `${STREAMS} streams at ${STREAM_EVENTS_PER_SECOND} events/s: missed`,
    expected - received,
    `of ${expected}; the last came ${Math.round(result.behindMs)} ms after it was sent`,
  );
  report(
    'memory of the daemon: before, then',
    megabytes(peak),
    `${megabytes(before.rss)}; processor ${Math.round((cpu / STREAM_SECONDS) * 100)} %`,
  );
}

async function streamTo(target, marker, produce) {
  const program = fileURLToPath(new URL('web-readers.mjs', import.meta.url));
  const readers = spawn(process.execPath, [program, JSON.stringify(target), String(STREAMS), marker], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  readers.stdout.setEncoding('utf8').on('data', (text) => (said += text));
  await waitFor('the streams to be open', () => said.includes('open\n'));
  const total = STREAM_EVENTS_PER_SECOND * STREAM_SECONDS;
  await produce(total);
  const sentAt = performance.now();
  readers.stdin.end(`${total * STREAMS}\n`);
  await new Promise((resolve) => readers.once('exit', resolve));
  const { received } = JSON.parse(said.split('\n').at(-2));
  return { received, expected: total * STREAMS, behindMs: performance.now() - sentAt };
}

/** nginx with nchan does nothing but pass messages on: what that costs at least. */
async function measureNchan() {
  if (spawnSync('nginx', ['-v']).error) return report('nginx with nchan', 'not installed');
  const directory = mkdtempSync(path.join(tmpdir(), 'progress-nchan-'));
  const port = await freePort();
  const config = path.join(directory, 'nginx.conf');
  writeFileSync(
    config,
    `load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
daemon off; worker_processes 1; pid ${directory}/pid; error_log ${directory}/error.log; user root;
events { worker_connections 4096; }
http { access_log off; client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/p; fastcgi_temp_path ${directory}/f; uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s;
server { listen 127.0.0.1:${port}; keepalive_requests 100000;
location = /sub { nchan_subscriber eventsource; nchan_channel_id x; nchan_message_buffer_length 2000; nchan_message_timeout 1h; }
location = /pub { nchan_publisher; nchan_channel_id x; nchan_message_buffer_length 2000; nchan_message_timeout 1h; } } }
`,
  );
  const nginx = spawn('nginx', ['-c', config, '-p', directory], { stdio: 'ignore' });
  try {
    const alive = await waitFor('nginx', () => usageOfWorker(nginx.pid), 50).catch(() => undefined);
    if (!alive) return report('nginx with nchan', 'does not start');
    const before = usageOfWorker(nginx.pid);
    const result = await streamTo({ host: '127.0.0.1', port, path: '/sub' }, '"message"', async (total) => {
      const begun = performance.now();
      for (let sent = 0; sent < total;) {
        const due = Math.min(total, Math.floor(((performance.now() - begun) / 1_000) * STREAM_EVENTS_PER_SECOND));
        for (; sent < due; sent++) await publish(port, `{"type":"log","message":"n${sent}"}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    });
    const after = usageOfWorker(nginx.pid);
    report(
      `nginx with nchan, the same: missed`,
      result.expected - result.received,
      `the last came ${Math.round(result.behindMs)} ms after it was sent`,
    );
    report(
      'memory of its worker: before, then',
      megabytes(after.rss),
      `${megabytes(before.rss)}; processor ${Math.round(((after.cpuSeconds - before.cpuSeconds) / STREAM_SECONDS) * 100)} %`,
    );
  } finally {
    nginx.kill('SIGTERM');
    await new Promise((resolve) => nginx.once('exit', resolve));
    rmSync(directory, { recursive: true, force: true });
  }
}

function usageOfWorker(master) {
  const { stdout } = spawnSync('pgrep', ['-P', String(master)], { encoding: 'utf8' });
  const pid = Number(stdout.split('\n')[0]);
  return pid > 0 ? usageOf(pid) : undefined;
}

async function publish(port, body) {
  await new Promise((resolve, reject) => {
    const posting = request({ host: '127.0.0.1', port, path: '/pub', method: 'POST' }, (response) =>
      response.resume().on('end', resolve),
    );
    posting.on('error', reject).end(body);
  });
}
