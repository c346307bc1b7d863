import t from 'tap';
import { noBrowser, openViewer } from '../helpers/browser.js';
import { waitFor } from '../helpers/wait.js';

const started = (execution: string, more = {}) => ({ type: 'execution_started', execution, ...more });

t.test('the list is live: badges on what runs, outcomes on what has ended', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  await viewer.emit(
    started('a', { name: 'Build', agent: 'claude', total: 4 }),
    { type: 'step_started', execution: 'a', step: 's1', name: 'Compile' },
    started('b', { name: 'Deploy', labels: { team: 'web' } }),
  );
  const { page, complaints } = await viewer.visit();
  const item = (id: string) => page.locator(`[data-id="${id}"]`);
  await item('a').locator('.badge.live').waitFor();
  const row = /LIVE\s+Build[\s\S]*0%[\s\S]*Compile[\s\S]*claude/;
  // an element that is being laid out has no text
  await waitFor('the row', async () => row.test(await item('a').innerText()));
  t.equal(await page.title(), '● 2 progress');
  t.equal(new URL(page.url()).hash, '', 'the code is gone from the address');

  await viewer.emit({ type: 'step_completed', execution: 'a', step: 's1' });
  await item('a').getByText('25%').waitFor();
  await viewer.emit({ type: 'attention', execution: 'b', state: 'waiting', reason: 'Allow rm?' });
  await item('b').getByText('NEEDS YOU').waitFor();
  t.match(await page.locator('.item').first().getAttribute('data-id'), 'b', 'a waiting one comes first');
  await viewer.emit({ type: 'execution_failed', execution: 'b', exitCode: 3, durationMs: 61_000 });
  await item('b').getByText('failed after 1:01 · exit 3').waitFor();
  t.equal(await item('b').locator('.badge').count(), 0);
  await viewer.emit(started('c', { name: 'Late one' }));
  await item('c').locator('.badge.live').waitFor();

  t.test('search, filters and groups are in the URL', async (t) => {
    await page.keyboard.press('/');
    await page.keyboard.type('TEAM=WEB');
    await item('a').waitFor({ state: 'detached' });
    t.equal(await page.locator('.item').count(), 1);
    t.match(page.url(), /\?q=TEAM%3DWEB$/);
    await page.reload();
    await item('b').waitFor();
    t.equal(await page.locator('.item').count(), 1);
    await page.getByRole('searchbox').fill('');
    await page.getByLabel('Status').selectOption('alive');
    await item('b').waitFor({ state: 'detached' });
    t.equal(await page.locator('.item').count(), 2);
    await page.getByLabel('Status').selectOption('');
    await page.getByLabel('By agent').check();
    await page.getByRole('heading', { name: 'claude · 1 running' }).waitFor();
    await page.getByRole('heading', { name: /No agent/ }).waitFor();
    await page.getByLabel('By agent').uncheck();
  });

  t.test('older executions load on request', async (t) => {
    await viewer.emit(...Array.from({ length: 120 }, (_, index) => started(`n${index}`)));
    await viewer.emit(
      ...Array.from({ length: 120 }, (_, index) => ({ type: 'execution_completed', execution: `n${index}` })),
    );
    await page.reload();
    await page.getByRole('button', { name: 'Older ones' }).click();
    await item('b').waitFor();
    t.ok((await page.locator('.item').count()) >= 123);
  });

  t.test('a silent execution is quiet, with a clock and without an estimate', async (t) => {
    const time = new Date(Date.now() - 150_000).toISOString();
    await viewer.emit(
      { ...started('quiet', { name: 'Silent', total: 2 }), time },
      { type: 'step_completed', execution: 'quiet', step: 's', time },
      { type: 'attention', execution: 'quiet', state: 'silent', reason: 'nothing heard for 2:00' },
    );
    await item('quiet').locator('.badge.s-silent', { hasText: 'quiet 2m' }).waitFor();
    t.notMatch(await item('quiet').innerText(), /left|nothing heard/, 'and no estimate');
  });
  t.strictSame(complaints, []);
});

t.test(
  'runs can be stopped, paused and resumed; a recorded execution can be dismissed',
  { skip: noBrowser },
  async (t) => {
    const viewer = await openViewer(t);
    await viewer.emit(started('foreign', { name: 'Foreign' }));
    viewer.home.progress(['run', '--detach', '--name', 'sleeper', '--', 'sleep', '300']);
    const { page, complaints } = await viewer.visit();
    await page.getByRole('button', { name: 'Pause sleeper' }).click();
    await page.getByText('PAUSED', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Resume sleeper' }).click();
    await page.getByRole('button', { name: 'Pause sleeper' }).waitFor();
    await page.getByRole('button', { name: 'Stop sleeper' }).click();
    await page.locator(':focus', { hasText: 'Keep it running' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Stop sleeper' }).click();
    await page.getByRole('button', { name: 'Stop it' }).click();
    await page.getByText(/cancelled after/).waitFor();
    await page.getByRole('button', { name: 'Run sleeper again' }).click();
    await page.waitForURL(/\/executions\/\w+$/);
    await page.locator('.badge.live').waitFor();
    await page.goBack();
    t.equal(await page.getByRole('button', { name: 'Pause Foreign' }).count(), 0);
    await page.getByRole('button', { name: 'Dismiss Foreign' }).click();
    await page.getByRole('button', { name: 'Dismiss it' }).click();
    await page.locator('.item', { hasText: 'Foreign' }).getByText('dismissed by web').waitFor();
    t.strictSame(complaints, []);
  },
);

t.test('empty lists, and no access without a code', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  const { page, context, complaints } = await viewer.visit();
  await page.getByText('Nothing has run yet').waitFor();
  await viewer.emit(started('a'));
  await page.locator('.item').waitFor();
  await page.getByRole('searchbox').fill('zzz');
  await page.getByText('Nothing here passes').waitFor();
  const locked = await viewer.visit('/#nothing');
  await locked.page.getByText('needs to be let in').waitFor();
  t.equal(await locked.page.locator('.item').count(), 0);
  const tab = await viewer.another(context, '/');
  await tab.locator('.item').waitFor();
  t.pass('another tab of the same browser comes in by itself');
  t.strictSame(complaints, []);
});
