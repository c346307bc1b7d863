import { readFileSync } from 'node:fs';
import t from 'tap';
import type { Test } from 'tap';
import type { Page } from 'playwright-core';
import type { Viewer } from '../helpers/browser.js';
import { noBrowser, openViewer } from '../helpers/browser.js';
import { waitFor } from '../helpers/wait.js';

const lines = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `text ${from + index}`).join('\n');
const copied = async (page: Page) => await page.evaluate<string>('navigator.clipboard.readText()');
const row = (page: Page, line: number) => page.locator(`.log .row[data-line="${line}"]`);

/** The page of an execution with this many lines, the first of them `started`. */
async function openLog(t: Test, last: number, perEvent = 500): Promise<{ viewer: Viewer; page: Page }> {
  const viewer = await openViewer(t);
  await viewer.emit({ type: 'execution_started', execution: 'x' });
  for (let from = 2; from <= last; from += perEvent) {
    const text = lines(from, Math.min(last, from + perEvent - 1));
    await viewer.emit({ type: 'output', execution: 'x', stream: 'stdout', text });
  }
  const { page, context } = await viewer.visit('/executions/x');
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await row(page, last).waitFor();
  return { viewer, page };
}

t.test('copies the selection of the log, not of the drawn rows', { skip: noBrowser }, async (t) => {
  const { page } = await openLog(t, 2_000);
  await page.evaluate(`location.hash = '#L100'`);
  await row(page, 100).waitFor();
  const from = (await row(page, 100).locator('.text').boundingBox())!;
  await page.mouse.move(from.x + 1, from.y + 10);
  await page.mouse.down();
  await page.mouse.move(from.x + 200, from.y + 110, { steps: 5 });
  await page.mouse.wheel(0, 4_000);
  await row(page, 300).waitFor();
  const to = (await row(page, 300).locator('.text').boundingBox())!;
  await page.mouse.move(to.x + 300, to.y + 10, { steps: 5 });
  await page.mouse.up();
  await page.keyboard.press('Control+c');
  await waitFor('the copy', async () => (await copied(page)) === lines(100, 300));
  t.pass('copied');
});

t.test('copies lines that are selected by their numbers', { skip: noBrowser }, async (t) => {
  const { page } = await openLog(t, 2_000);
  await page.evaluate(`location.hash = '#L100'`);
  await row(page, 100).locator('.num').click();
  await page.locator('.log').hover();
  await page.mouse.wheel(0, 10_000);
  await row(page, 610)
    .locator('.num')
    .click({ modifiers: ['Alt'] });
  await page.getByText('511 lines copied').waitFor();
  t.equal(await copied(page), lines(100, 610), 'at once by Alt and a click');
  await row(page, 600).locator('.num').click();
  await row(page, 605)
    .locator('.num')
    .click({ modifiers: ['Shift'] });
  await page.keyboard.press('Control+c');
  await page.getByText('6 lines copied').waitFor();
  t.equal(await copied(page), lines(600, 605), 'with the key for copying');

  await page.keyboard.press('Control+f');
  await page.keyboard.type('text');
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Control+c');
  await waitFor('the field', async () => (await copied(page)) === 'text');
});

t.test('copies the whole log, or the filtered one', { skip: noBrowser }, async (t) => {
  const { viewer, page } = await openLog(t, 5_000);
  await page.keyboard.press('Control+a');
  await page.getByText('5,000 lines selected').waitFor();
  t.ok((await page.evaluate<string>('getSelection().toString()')).includes('text 4999'), 'drawn as far as one sees');
  await page.keyboard.press('Home');
  await row(page, 1).waitFor();
  await page.keyboard.press('Control+c');
  await page.getByText('5,000 lines copied').waitFor();
  t.equal(await copied(page), `started\n${lines(2, 5_000)}`);

  await page.goto(`http://127.0.0.1:${viewer.port}/executions/x?find=text+77&only=1`);
  await waitFor('the matches', async () => (await page.locator('.log .row').count()) === 11);
  await page.locator('.log').focus();
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Control+c');
  await page.getByText('11 lines copied').waitFor();
  t.equal(await copied(page), `text 77\n${lines(770, 779)}`);
});

t.test('a copy is bounded, a download is not', { skip: noBrowser }, async (t) => {
  const { page } = await openLog(t, 100_001, 2_000);
  await page.keyboard.press('Control+a');
  await page.getByText('100,001 lines selected, too many to copy: download the log instead').waitFor();
  await page.evaluate(`navigator.clipboard.writeText('before')`);
  await page.keyboard.press('Control+c');
  await page.getByText('100,001 lines are too many to copy (at most 100,000): download the log instead').waitFor();
  t.equal(await copied(page), 'before');
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download' }).click();
  const download = await downloading;
  t.equal(download.suggestedFilename(), 'progress-x.log');
  t.equal(readFileSync(await download.path(), 'utf8'), `started\n${lines(2, 100_001)}\n`);
});
