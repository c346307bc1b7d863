// A page that follows a growing log: load of its main thread, delay of the newest line, memory.
import { figure, mebibytes, openClient, quantile, sized, startDaemon } from './harness.mjs';
import { hasBrowser, openBrowser, output, write } from './web-page.mjs';

const LINES = sized(100_000, 5_000);
const PER_EVENT = 50;
const LINES_PER_SECOND = 5_000;
const SECONDS = sized(process.env.PROGRESS_LONG ? 600 : 20, 2);
const MINUTE_MS = 60_000;

export async function main() {
  if (!hasBrowser()) return;
  const daemon = await startDaemon({ config: 'alerts: { desktop: false }\n' });
  const client = await openClient(daemon.socket);
  await measure(client);
  client.close();
  await daemon.stop();
}

async function measure(client) {
  const { browser, page, url, session } = await openBrowser(client, LINES);
  await page.goto(`${url}executions/long`);
  await page.locator(`.row[data-line="${LINES}"]`).waitFor();
  await session.send('Performance.enable');
  await session.send('HeapProfiler.enable');
  const metrics = async () => {
    const { metrics: list } = await session.send('Performance.getMetrics');
    return Object.fromEntries(list.map(({ name, value }) => [name, value]));
  };
  const heap = async () => {
    await session.send('HeapProfiler.collectGarbage');
    return (await metrics()).JSHeapUsedSize;
  };
  const heaps = [await heap()];
  const before = await metrics();
  const begun = performance.now();
  const passed = () => performance.now() - begun;
  const lag = [];
  for (let sent = 0; passed() < SECONDS * 1_000;) {
    const due = Math.floor((passed() / 1_000) * LINES_PER_SECOND);
    for (; sent + PER_EVENT <= due; sent += PER_EVENT) await write(client, output('long', LINES + sent + 1, PER_EVENT));
    await new Promise((resolve) => setTimeout(resolve, 10));
    if (heaps.length <= passed() / MINUTE_MS) heaps.push(await heap());
    if (lag.length >= passed() / 1_000) continue;
    const wanted = LINES + sent;
    const since = performance.now();
    await page.waitForFunction(
      (line) => Number(document.querySelector('.row:last-child')?.dataset.line) >= line,
      wanted,
    );
    lag.push(performance.now() - since);
  }
  const seconds = passed() / 1_000;
  const after = await metrics();
  const share = (after.TaskDuration - before.TaskDuration) / seconds;
  const rate = `${LINES_PER_SECOND} lines/s for ${SECONDS} s`;
  figure(`main thread at ${rate}`, share * 100, '%', { better: 'less', aim: 40 });
  figure('delay of the newest line, p50', quantile(lag, 0.5), 'ms', { better: 'less', aim: 250 });
  figure('delay of the newest line, p95', quantile(lag, 0.95), 'ms', { better: 'less' });
  const minutes = heaps.map((bytes) => `${mebibytes(bytes).toFixed(1)}`).join(', ');
  figure('heap after', mebibytes(await heap()), 'MiB', { better: 'less', note: `before, each minute: ${minutes}` });
  figure('rows in the page', await page.locator('.row').count(), 'rows', { better: 'less', aim: 200 });
  await browser.close();
}
