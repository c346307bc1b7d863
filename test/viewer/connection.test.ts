import { createServer, connect as dial } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import type { Page } from 'playwright-core';
import type { Viewer } from '../helpers/browser.js';
import { noBrowser, openViewer } from '../helpers/browser.js';
import { waitFor, waitUntilStable } from '../helpers/wait.js';

const started = (execution: string, more = {}) => ({ type: 'execution_started', execution, ...more });
const output = (text: string) => ({ type: 'output', execution: 'x', text });

/** Emits over a new connection, since the daemon may have been replaced. */
async function emitAnew({ home }: Viewer, ...events: Record<string, unknown>[]): Promise<void> {
  const client = await home.connect();
  for (const event of events) await client.call('emit', { event });
  await client.close();
}

/** Every line of the log on the page, collected by scrolling. */
async function readLog(page: Page): Promise<string[]> {
  await page.locator('.log').focus();
  await page.keyboard.press('Home');
  await page.locator('.log .row[data-line="1"]').waitFor();
  return (await page.locator('.log .row .text').allInnerTexts()).slice(1);
}

t.test(
  'a killed daemon: stale values are marked, and every event arrives once when it is back',
  { skip: noBrowser },
  async (t) => {
    const viewer = await openViewer(t);
    await viewer.emit(started('x', { name: 'Survivor' }), output('one'));
    const { page, complaints } = await viewer.visit('/executions/x');
    await page.locator('.log').getByText('one').waitFor();
    const pid = (await viewer.client.call('status', {})).pid;
    process.kill(pid, 'SIGKILL');
    await page.getByText('Connection lost').waitFor();
    await page.getByText('STALE').waitFor();
    t.equal(await page.locator('.content.is-stale').count(), 1);
    t.equal(await page.locator('.badge.live').count(), 0);
    t.match(await page.getByRole('button', { name: 'Dismiss Survivor' }).getAttribute('title'), /No connection/);
    const elapsed = () => page.locator('.elapsed').innerText();
    await page.waitForFunction('document.querySelector(".elapsed").textContent');
    const stopped = await elapsed();
    await page.getByText(/Trying again in/).waitFor();
    t.equal(await elapsed(), stopped, 'clocks stand still');

    await viewer.home.startDaemon();
    await emitAnew(viewer, output('two'), output('three'));
    await page
      .getByRole('button', { name: 'Retry now' })
      .click({ timeout: 2_000 })
      .catch(() => undefined);
    await page.locator('.badge.live').waitFor();
    await page.locator('.log').getByText('three').waitFor();
    t.equal(await page.locator('.banner').count(), 0);
    await emitAnew(viewer, output('four'));
    await page.locator('.log').getByText('four').waitFor();
    t.strictSame(await readLog(page), ['one', 'two', 'three', 'four']);
    t.strictSame(complaints, []);
  },
);

t.test('offline and online again', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  await viewer.emit(started('x'), output('one'));
  const { page } = await viewer.visit('/executions/x');
  await page.locator('.log').getByText('one').waitFor();
  await viewer.client.call('web', { on: false });
  await page.getByText('Connection lost').waitFor();
  await viewer.emit(output('two'));
  await viewer.client.call('web', { on: true, port: viewer.port });
  await page.getByText('needs to be let in').waitFor();
  t.pass('what was shut out stays out');
});

t.test(
  'a late viewer receives everything from the first line on, then live events, nothing twice',
  { skip: noBrowser },
  async (t) => {
    const viewer = await openViewer(t);
    await viewer.emit(started('x'));
    const wanted: string[] = [];
    const pen = { down: true };
    const writer = (async () => {
      for (let count = 0; pen.down; count++) {
        wanted.push(`n${count}`);
        await viewer.emit(output(`n${count}`));
        await delay(5);
      }
    })();
    const visits = [];
    for (let count = 0; count < 3; count++) visits.push(await viewer.visit('/executions/x'));
    for (const { page } of visits) await page.locator('.log .row').first().waitFor();
    pen.down = false;
    await writer;
    for (const { page } of visits) {
      await page.locator('.log').getByText(wanted.at(-1)!, { exact: true }).waitFor();
      await page.getByRole('button', { name: 'Download' }).waitFor();
      const total = wanted.length + 1;
      await page.locator(`.log .row[data-line="${total}"]`).waitFor();
      const texts = await page.locator('.log .row .text').allInnerTexts();
      t.strictSame(texts.slice(-20), wanted.slice(-20));
    }
  },
);

t.test(
  'more tabs than a browser opens connections are live, and buttons work in each',
  { skip: noBrowser },
  async (t) => {
    const viewer = await openViewer(t);
    const names = Array.from({ length: 7 }, (_, index) => `run${index}`);
    for (const name of names)
      viewer.home.progress(['run', '--detach', '--name', name, '--', 'sh', '-c', `echo ${name}; sleep 300`]);
    const { page, context } = await viewer.visit();
    await page.getByText('7 running').waitFor();
    const { executions } = await viewer.client.call('list', {});
    const tabs: Page[] = [];
    for (const { id } of executions) tabs.push(await viewer.another(context, `/executions/${id}`));
    for (const [index, tab] of tabs.entries()) {
      await tab.locator('.log').getByText(executions[index]!.name, { exact: true }).waitFor();
      await tab.getByRole('button', { name: /^Pause/ }).click();
      await tab.getByText('PAUSED', { exact: true }).waitFor();
    }
    await page.getByText('7 paused').waitFor();
    const { subscribers } = await viewer.client.call('status', {});
    t.equal(subscribers, 1, 'they share one stream');
    for (const [index, tab] of tabs.entries()) {
      await viewer.emit({ type: 'output', execution: executions[index]!.id, text: `late ${index}` });
      await tab.locator('.log').getByText(`late ${index}`, { exact: true }).waitFor();
    }
    await Promise.all(tabs.map((tab) => tab.close()));
    await viewer.emit(started('last', { name: 'Last one' }));
    await page.getByText('Last one').waitFor();
  },
);

/** Another port of this machine, like a tunnel; `hold` delays responses until they end. */
async function openTunnel(t: Test, port: number, hold: (head: string) => boolean): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = dial({ host: '127.0.0.1', port });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    let holding = false;
    const held: Buffer[] = [];
    client.on('data', (chunk: Buffer) => {
      holding = hold(chunk.toString('latin1').split('\r\n')[0] ?? '');
      upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => {
      if (!holding) return void client.write(chunk);
      held.push(chunk);
      // the last chunk of a response
      if (chunk.subarray(-5).toString() === '0\r\n\r\n') client.write(Buffer.concat(held.splice(0)));
    });
    client.on('end', () => upstream.end());
    upstream.on('end', () => client.end());
  });
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
}

t.test('through a tunnel, on another port', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  await viewer.emit(started('a', { name: 'Far away' }));
  const port = await openTunnel(t, viewer.port, () => false);
  const { page } = await viewer.visit('/', { origin: `http://localhost:${port}` });
  await page.getByText('Far away').waitFor();
  await viewer.emit(started('b', { name: 'Live too' }));
  await page.getByText('Live too').waitFor();
});

t.test('polls where streams are buffered', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  await viewer.emit(started('a', { name: 'Behind a proxy' }));
  const port = await openTunnel(t, viewer.port, (head) => head.includes('/stream/progress'));
  const { page } = await viewer.visit('/', { origin: `http://127.0.0.1:${port}` });
  await page.getByText('asking every 2 s').waitFor();
  await page.getByText('Behind a proxy').waitFor();
  await viewer.emit(started('b', { name: 'Asked for' }));
  await page.getByText('Asked for').waitFor();
  t.equal(await page.locator('.badge.live').count(), 2);
});

t.test('a watched run that fails is notified once, however many tabs are open', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  await viewer.emit(started('a', { name: 'Marked' }), started('b', { name: 'Not marked' }));
  const { page, context } = await viewer.visit();
  await page.locator('[data-id=a]').waitFor();
  await context.addInitScript(`
    window.notified = [];
    window.asked = 0;
    window.Notification = class {
      static permission = 'granted';
      static requestPermission() { window.asked++; return Promise.resolve('granted'); }
      constructor(title, options) { window.notified.push(title + ': ' + options.body); }
    };
  `);
  await page.reload();
  const others = [await viewer.another(context, '/'), await viewer.another(context, '/executions/a')];
  await page.getByRole('button', { name: 'Notify me about Marked' }).click();
  await page.locator('[aria-pressed=true]').waitFor();
  for (const tab of others) await tab.locator('[aria-pressed=true]').waitFor();
  const notified = async () =>
    (await Promise.all([page, ...others].map((tab) => tab.evaluate('window.notified')))).flat() as string[];
  await viewer.emit({ type: 'execution_failed', execution: 'b' });
  await viewer.emit({ type: 'attention', execution: 'a', state: 'waiting', reason: 'Allow?' });
  await waitFor('the first notification', async () => (await notified()).length > 0);
  await viewer.emit({ type: 'execution_failed', execution: 'a', durationMs: 5_000 });
  await waitFor('the second notification', async () => (await notified()).length > 1);
  await page.locator('[data-id=a]').getByText('failed after 5.0s').waitFor();
  await waitUntilStable('the number of notifications', async () => (await notified()).length);
  t.strictSame((await notified()).sort(), ['Marked: failed after 5.0s', 'Marked: needs you: Allow?']);
});

t.test('a page of another build than the daemon shows that', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  await viewer.emit(started('x', { name: 'One' }));
  const { page, context, complaints } = await viewer.visit();
  await page.getByRole('link', { name: 'One' }).waitFor();
  t.equal(await page.locator('.banner').count(), 0);
  await context.route('**/executions/x', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replace(/(name="build" content=")\w+/, '$1older') });
  });
  await page.goto(`http://127.0.0.1:${viewer.port}/executions/x`);
  await page.getByText('of another version than the daemon').waitFor();
  await page.locator('.badge.live').waitFor();
  await context.unroute('**/executions/x');
  await page.getByRole('button', { name: 'Reload' }).click();
  await page.locator('.badge.live').waitFor();
  await waitFor('the notice to go', async () => (await page.locator('.banner').count()) === 0);
  t.strictSame(complaints, []);
});
