// The viewer: its size, its first paint, its behaviour with a long log, and the cost of many streams.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { figure, openClient, PRODUCT, quantile, sized, startDaemon } from './harness.mjs';
import { hasBrowser, openBrowser } from './web-page.mjs';
import { measureStreams, STREAMS } from './web-streams.mjs';

const LINES = sized(100_000, 5_000);

export async function main() {
  reportSize();
  const daemon = await startDaemon({ config: `web: { maxStreams: ${STREAMS + 10} }\nalerts: { desktop: false }\n` });
  const client = await openClient(daemon.socket);
  if (hasBrowser()) await measurePages(client);
  await measureStreams(daemon, client);
  client.close();
  await daemon.stop();
}

function reportSize() {
  const directory = path.join(PRODUCT, 'dist/viewer');
  const size = (name) => gzipSync(readFileSync(path.join(directory, name)), { level: 9 }).length;
  const first = new Set(['index.html', 'style.css', 'icon.svg', 'hub.js']);
  const follow = (name) => {
    if (first.has(name)) return;
    first.add(name);
    const source = readFileSync(path.join(directory, name), 'utf8');
    for (const [, next] of source.matchAll(/(?:from|import)\s*"\.\/([\w.-]+)"/g)) follow(next);
  };
  follow('main.js');
  const all = readdirSync(directory).filter((name) => /\.(?:html|js|css|svg)$/.test(name));
  const sum = (names) => [...names].reduce((total, name) => total + size(name), 0) / 1024;
  figure('first page, gzip', sum(first), 'KiB', { better: 'less', aim: 30 });
  figure('all files, gzip', sum(all), 'KiB', { better: 'less', aim: 80 });
}

/** In the page: 240 steps of six rows; returns the time of each frame and the most rows. */
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

async function measurePages(client) {
  const { browser, page, url, session } = await openBrowser(client, LINES);
  await page.reload();
  await page.locator('.item').waitFor();
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
  figure('first paint of the list', paint, 'ms', { better: 'less', aim: 200 });
  await measureOpening(page, url);
  await measureScrolling(page, url, session);
  await measureSearch(page);
  await browser.close();
}

async function openLog(page, url) {
  await page.goto(`${url}executions/long`, { waitUntil: 'commit' });
  await page.locator(`.row[data-line="${LINES}"]`).waitFor();
}

async function measureOpening(page, url) {
  const took = [];
  for (let round = 0; round < sized(5, 1); round++) {
    await page.goto('about:blank');
    const begun = performance.now();
    await openLog(page, url);
    took.push(performance.now() - begun);
  }
  const note = 'page load included';
  figure(`a log of ${LINES / 1000} k lines opens`, quantile(took, 0.5), 'ms', { better: 'less', aim: 300, note });
}

async function measureScrolling(page, url, session) {
  await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  const scrolled = await page.evaluate(scroll, '.log');
  // the least that any page takes: one element that scrolls, and nothing in it
  await page.goto('about:blank');
  await page.evaluate(() => {
    document.body.innerHTML = '<div id="plain"><div></div></div>';
    document.querySelector('#plain').style = 'height: 600px; overflow: auto';
    document.querySelector('#plain div').style = 'height: 1000000px';
    document.querySelector('#plain').scrollTop = 500_000;
  });
  const plain = await page.evaluate(scroll, '#plain');
  await session.send('Emulation.setCPUThrottlingRate', { rate: 1 });
  await openLog(page, url);
  const name = 'a frame while scrolling, 4 times throttled';
  figure(`${name}, p95`, quantile(scrolled.frames, 0.95), 'ms', { better: 'less', aim: 16.7 });
  figure(`${name}, p50`, quantile(scrolled.frames, 0.5), 'ms', { better: 'less' });
  figure('the same of an empty page, p95', quantile(plain.frames, 0.95), 'ms');
  figure('most rows in the page', scrolled.rows, 'rows', { better: 'less', aim: 200 });
}

/** The longest of three searches by text, and of three by pattern. */
async function measureSearch(page) {
  const search = async (text, isAnswer) => {
    const answered = page.waitForResponse((response) => isAnswer(response.url()));
    await page.getByLabel('Find in the whole log').fill(text);
    const response = await answered;
    await response.finished();
    const { requestStart, responseEnd } = response.request().timing();
    return responseEnd - requestStart;
  };
  const longestOf = async (texts, isAnswer) => {
    const took = [];
    for (const text of texts) took.push(await search(text, isAnswer));
    return Math.max(...took);
  };
  await page.keyboard.press('Control+f');
  const texts = await longestOf(['things/77777', 'NOTHING LIKE THIS', 'token'], (url) => url.includes('/search'));
  figure(`find a text in ${LINES / 1000} k lines`, texts, 'ms', { better: 'less', aim: 300 });
  await page.keyboard.press('Alt+r');
  const patterns = ['things/7+ ', '^nothing.*like (this)?$', 'token [a-f]+0'];
  const matched = await longestOf(patterns, (url) => url.includes('regex=true'));
  figure(`find a pattern in ${LINES / 1000} k lines`, matched, 'ms', { better: 'less' });
}
