/** The viewer with events of other vocabularies, as their emitters send them. */
import t from 'tap';
import { noBrowser, openViewer } from '../helpers/browser.js';
import { sentOf } from '../helpers/vocabularies.js';

t.test('events of other vocabularies are shown completely', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  for (const event of sentOf('stories', 'executions', 'invocations')) await viewer.emit(event);
  const { page, complaints } = await viewer.visit('/executions/REL-7');
  // the code in the URL is used before it navigates
  await page.locator('.log .row').first().waitFor();
  const show = async (id: string) => {
    await page.goto(`http://127.0.0.1:${viewer.port}/executions/${encodeURIComponent(id)}`);
    await page.locator('.log .row').first().waitFor();
    return await page.locator('main').innerText();
  };

  t.test('stories with criteria: progress of the task', async (t) => {
    const text = await show('REL-7');
    t.match(text, /Release 2\.4\s*42%[\s\S]*1\/3 stories/);
    t.match(text, /US-1 · Tag the release\s*2\.4s[\s\S]*2\/2 · c0ffee1[\s\S]*Version is bumped\s*1\.2s/);
    t.match(
      text,
      /US-2 · Publish the packages[\s\S]*1\/4 · timeout: The signing service timed out after 30 s \(retryable\)/,
    );
    for (const open of ['Sign artifacts', 'Upload', 'Announce']) t.match(text, open);
  });

  t.test('a story that failed is no longer current, and determines the end', async (t) => {
    for (const event of sentOf('stories-rest')) await viewer.emit(event);
    await page.locator('.badge').getByText('FAILED').waitFor();
    const text = await show('REL-7');
    t.match(text, '2 passed · 1 failed');
    t.notMatch(text, / left/);
  });

  t.test('steps, attempts, resources, input and output, and formatted lines', async (t) => {
    const text = await show('exec-42');
    t.match(text, /nightly-report\s*completed in 18s[\s\S]*3\/3 steps: 2 passed · 1 skipped/);
    t.match(text, /up to 85\.5 % CPU\s*peak 100 MiB\s*parameters\s*output/);
    t.match(text, /Fetch\s*12s[\s\S]*shell · output \{"rows":10\}[\s\S]*Render\s*3\.0s[\s\S]*agent · attempt 2/);
    const line = page.locator('.log').getByText('$ fetch --all');
    t.match(await line.getAttribute('class'), /\bbold\b/);
  });

  t.test('invocations of agents, with their activities', async (t) => {
    const text = await show('T-1');
    t.match(text, /Verify e-mail sign-in\s*failed after 4:04/);
    t.match(text, /coder · codex · gpt-5\s*3:30[\s\S]*reviewer · claude · opus\s*30s[\s\S]*rejected: no test/);
    t.match(text, /calls\s*rg -n 'verified' src\/[\s\S]*2 files changed[\s\S]*error\s*lint failed once/);
  });

  t.test('a name in the URL is replaced by the ID of the execution', async () => {
    await show('Verify e-mail sign-in');
    await page.waitForURL('**/executions/T-1');
    await viewer.emit({ type: 'log', execution: 'T-1', message: 'said afterwards' });
    await page.locator('.log').getByText('said afterwards').waitFor();
  });
  t.strictSame(complaints, []);
});
