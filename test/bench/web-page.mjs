// What the benchmarks of the viewer share: a long log, and a browser that shows it.
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { chromium } from 'playwright-core';
import { missing } from './harness.mjs';

const PER_EVENT = 500;
const CHROMIUM = process.env.CHROMIUM || '/usr/bin/chromium';

/** Whether there is a browser; reports it as missing if not. */
export function hasBrowser() {
  if (existsSync(CHROMIUM)) return true;
  missing('Chromium', `not found at ${CHROMIUM}; set CHROMIUM to its path`);
  return false;
}

/** One event with `count` lines. */
export const output = (execution, from, count) => {
  const text = Array.from(
    { length: count },
    (_, index) =>
      `\u001b[32m${from + index}\u001b[0m GET /api/v1/things/${from + index} 200 in 12 ms, token abcdef0123456789`,
  ).join('\n');
  return `${JSON.stringify({ type: 'output', execution, stream: 'stdout', text })}\n`;
};

export async function write(client, text) {
  if (!client.socket.write(text)) await new Promise((resolve) => client.socket.once('drain', resolve));
}

export async function freePort() {
  return await new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Writes an execution `long` with that many lines, and opens the viewer in a new browser. */
export async function openBrowser(client, lines) {
  await write(client, '{"type":"execution_started","execution":"long"}\n');
  for (let from = 2; from <= lines; from += PER_EVENT) await write(client, output('long', from, PER_EVENT));
  await client.request('status');
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox'],
  });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const { url, code } = await client.request('web', { on: true, port: await freePort() });
  await page.goto(`${url}#c=${code}`);
  await page.locator('.item').waitFor();
  return { browser, context, page, url, session: await context.newCDPSession(page) };
}
