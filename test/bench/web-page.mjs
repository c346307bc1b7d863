// What the benchmarks of the viewer share: a log, and a browser that looks at it.
import { createServer } from 'node:net';
import { chromium } from 'playwright-core';

const PER_EVENT = 500;

/** An event of so many lines. */
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

/** An execution `long` with so many lines, and a browser in which nobody has been let in. */
export async function openBrowser(client, lines) {
  await write(client, '{"type":"execution_started","execution":"long"}\n');
  for (let from = 2; from <= lines; from += PER_EVENT) await write(client, output('long', from, PER_EVENT));
  await client.request('status');
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const { url, code } = await client.request('web', { on: true, port: await freePort() });
  await page.goto(`${url}#c=${code}`);
  await page.locator('.item').waitFor();
  return { browser, context, page, url, session: await context.newCDPSession(page) };
}
