import t from 'tap';
import { noBrowser, openViewer } from '../helpers/browser.js';
import { waitFor } from '../helpers/wait.js';

t.test('find takes patterns, reports errors in them, and updates live', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  const output = (text: string) => ({ type: 'output', execution: 'x', stream: 'stdout', text });
  const many = Array.from({ length: 3_000 }, (_, index) => `request ${index} took ${index % 7} ms`);
  await viewer.emit({ type: 'execution_started', execution: 'x' });
  await viewer.emit(output(many.join('\n')), output('\u001b[31mERROR 12\u001b[0m again'));
  const { page, complaints } = await viewer.visit('/executions/x');
  const field = page.getByLabel('Find in the whole log');
  const marked = async () => await page.locator('.log mark').allInnerTexts();
  const count = page.locator('.tools .count');
  await page.locator('.log .row').first().waitFor();

  t.test('a text is a pattern only on request, by keyboard', async (t) => {
    await page.keyboard.press('Control+f');
    await page.keyboard.type('error \\d+');
    await waitFor('no match', async () => (await count.innerText()) === 'none');
    await page.keyboard.press('Alt+r');
    await waitFor('one match', async () => (await count.innerText()) === '1 of 1');
    await waitFor('the mark', async () => (await marked()).join() === 'ERROR 12');
    t.match(page.url(), /re=1/);
    await page.keyboard.press('Alt+c');
    await waitFor('no match', async () => (await count.innerText()) === 'none');
    await page.keyboard.press('Alt+c');
    t.equal(await page.getByLabel('Regular expression').getAttribute('aria-pressed'), 'true');
    await field.fill('R 12.*ain');
    await waitFor('a mark across colours', async () => (await marked()).join('') === 'R 12 again');
  });

  t.test('an invalid pattern is refused with an error', async (t) => {
    await field.fill('error (');
    await page.getByText('missing closing )').waitFor();
    t.equal(await field.getAttribute('aria-invalid'), 'true');
    t.strictSame(await marked(), []);
    await field.fill('took [56] ms$');
    await page.getByText('1 of 856').waitFor();
    t.equal(await field.getAttribute('aria-invalid'), 'false');
    await waitFor('the marks', async () => (await marked())[0] === 'took 5 ms');
  });

  t.test('shows only matches, live ones too', async (t) => {
    await page.getByLabel('Only matches').check();
    await page.locator('.log').getByText('request 7 took').waitFor({ state: 'detached' });
    await page.locator('.log').focus();
    await page.keyboard.press('End');
    await viewer.emit(output('request x took 6 ms\nrequest y took 7 ms'));
    await page.getByText('1 of 857').waitFor();
    await page.locator('.log').getByText('request x took 6 ms').waitFor();
    await waitFor('its mark', async () => (await marked()).at(-1) === 'took 6 ms');
    t.equal(await page.locator('.log').getByText('request y').count(), 0);
    await page.keyboard.press('m');
    await page.locator('.log').getByText('request y').waitFor();
    await page.keyboard.press('n');
    await page.getByText('2 of 857').waitFor();
    await page.keyboard.press('N');
    await page.getByText('1 of 857').waitFor();
  });

  t.test('an expensive pattern in the URL does not block the page', async (t) => {
    await viewer.emit(output(`${'a'.repeat(2_000)}!`));
    await page.goto(`http://127.0.0.1:${viewer.port}/executions/x?find=(a%2B)%2B%24&re=1`);
    await waitFor('none', async () => (await count.innerText()) === 'none');
    t.equal(await field.inputValue(), '(a+)+$');
  });
  t.strictSame(
    complaints.filter((text) => !text.includes('400 (Bad Request)')),
    [],
  );
});
