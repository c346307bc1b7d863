import t from 'tap';
import type { Page } from 'playwright-core';
import { noBrowser, openViewer } from '../helpers/browser.js';
import { waitFor } from '../helpers/wait.js';

const lines = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `text ${from + index}`).join('\n');
const output = (text: string, more = {}) => ({ type: 'output', execution: 'x', stream: 'stdout', text, ...more });
/** Numbers of the rows on the screen. */
const shown = async (page: Page) =>
  await page.evaluate<number[]>(`(() => {
    const box = document.querySelector('.log').getBoundingClientRect();
    return [...document.querySelectorAll('.log .row')]
      .filter((row) => { const own = row.getBoundingClientRect(); return own.top >= box.top - 1 && own.bottom <= box.bottom + 1; })
      .map((row) => Number(row.dataset.line));
  })()`);
const topOf = async (page: Page, line: number) =>
  await page.evaluate<number>(`document.querySelector('.log .row[data-line="${line}"]')?.getBoundingClientRect().top`);

t.test('the log: follows, stays for a reader, jumps, finds, folds', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  await viewer.emit({ type: 'execution_started', execution: 'x', name: 'Long one' });
  for (let from = 2; from <= 20_000; from += 500) await viewer.emit(output(lines(from, from + 499)));
  const { page, complaints } = await viewer.visit('/executions/x');
  const row = (line: number) => page.locator(`.log .row[data-line="${line}"]`);
  await row(20_001).waitFor();
  t.equal(await page.title(), '● Long one');

  t.test('new lines come into view while it follows', async () => {
    await viewer.emit(output('one more'));
    await row(20_002).getByText('one more').waitFor();
  });

  t.test('a reader who has scrolled up stays in place, and sees the number of new lines', async (t) => {
    await page.locator('.log').hover();
    await page.mouse.wheel(0, -3_000);
    await waitFor('the rows above', async () => (await shown(page)).at(-1)! < 19_950);
    const [first] = await shown(page);
    const before = await topOf(page, first!);
    for (let count = 0; count < 30; count++) await viewer.emit(output(lines(1, 100)));
    await page.getByRole('button', { name: '↓ 3,000 new lines' }).waitFor();
    t.strictSame([(await shown(page))[0], await topOf(page, first!)], [first, before]);
    await page.keyboard.press('End');
    await row(23_002).waitFor();
    t.equal(await page.locator('.follow').count(), 0);
    t.ok((await page.locator('.log .row').count()) <= 200);
  });

  t.test('keys move by lines and pages', async () => {
    await page.locator('.log').focus();
    await page.keyboard.press('Home');
    await waitFor('the first line', async () => (await shown(page))[0] === 1);
    await page.keyboard.press('j');
    await waitFor('the second line', async () => (await shown(page))[0] === 2);
    await page.keyboard.press('k');
    await waitFor('the first line', async () => (await shown(page))[0] === 1);
    await page.keyboard.press('PageDown');
    await waitFor('a page more', async () => (await shown(page))[0] === 21);
  });

  t.test('find searches the whole log, by keyboard', async (t) => {
    await page.keyboard.press('Control+f');
    await page.keyboard.type('TEXT 1234');
    await page.getByText('1 of 11').waitFor();
    await waitFor('the first match', async () => (await shown(page)).includes(1234));
    await page.keyboard.press('Enter');
    await waitFor('the next match', async () => (await shown(page)).includes(12_340));
    await page.keyboard.press('Shift+Enter');
    await page.getByText('1 of 11').waitFor();
    t.match(page.url(), /find=TEXT\+1234/);
    t.equal(await row(1234).locator('mark').innerText(), 'text 1234');
    await page.getByLabel('Only matches').check();
    await waitFor('only these', async () => (await page.locator('.log .row').count()) === 11);
    await page.getByLabel('Only matches').uncheck();
    await page.getByLabel('Find in the whole log').fill('');
  });

  t.test('a line has a URL, and so has a range', async (t) => {
    await page.goto(`${page.url().split('?')[0]}#L5000`);
    await row(5_000).waitFor();
    t.match(await row(5_000).getAttribute('class'), /marked/);
    await row(5_000).locator('.num').click();
    await row(5_003)
      .locator('.num')
      .click({ modifiers: ['Shift'] });
    t.match(page.url(), /#L5000-L5003$/);
    await page.reload();
    await row(5_002).waitFor();
    t.match(await row(5_002).getAttribute('class'), /marked/);
  });
  t.strictSame(complaints, []);
});

t.test('agents, colours, links, steps; filters by stream and level', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  const say = (kind: string, more: object) => ({ type: 'activity', execution: 'x', kind, ...more });
  const log = (level: string, message: string) => ({ type: 'log', execution: 'x', level, message });
  for (const event of [
    { type: 'execution_started', execution: 'x', name: 'Agent', agent: 'claude' },
    { type: 'step_started', execution: 'x', step: 'a', name: 'First step', role: 'coder', model: 'large' },
    say('assistant-text', { text: 'I will look\nat this' }),
    say('tool-call', { tool: 'Bash', input: { command: 'ls -l', cwd: '/tmp' } }),
    say('tool-result', { text: 'a.txt\nb.txt' }),
    output('\u001b[31mred\u001b[0m see https://example.com/a?b=1.'),
    output('to stderr', { stream: 'stderr' }),
    { type: 'step_completed', execution: 'x', step: 'a', durationMs: 5_000 },
    { type: 'step_started', execution: 'x', step: 'b', name: 'Second step', needs: ['a'] },
    log('debug', 'small'),
    log('error', 'disk full'),
    { type: 'step_planned', execution: 'x', step: 'c', name: 'Third step', needs: ['b'] },
  ])
    await viewer.emit(event);
  const { page, complaints } = await viewer.visit('/executions/x');
  const text = page.locator('.log');
  await text.getByText('disk full').waitFor();
  t.match(await text.innerText(), /says\s*I will look[\s\S]*calls Bash/);
  t.notMatch(await text.innerText(), '"command": ');
  await text.getByText('calls Bash').click();
  await text.getByText('"command": "ls -l"').waitFor();
  await text.getByText('calls Bash').click();
  await text.getByText('First step completed after 5.0s').waitFor();
  t.equal(await text.locator('.f1').innerText(), 'red');
  t.match(await text.locator('a.link').getAttribute('href'), 'https://example.com/a?b=1');
  t.match(await text.locator('a.link').getAttribute('rel'), /noopener/);

  await text.locator('.fold').first().click();
  await text.getByText('I will look').waitFor({ state: 'detached' });
  t.match(await text.innerText(), /First step[\s\S]*Second step/);
  await text.locator('.fold').first().click();
  await text.getByText('I will look').waitFor();

  await page.getByLabel('Level').selectOption('warning');
  await text.getByText('small').waitFor({ state: 'detached' });
  await viewer.emit(log('debug', 'not shown'), log('error', 'shown'));
  await text.getByText('shown', { exact: true }).waitFor();
  t.equal(await text.getByText('not shown').count(), 0);
  await page.getByLabel('Level').selectOption('');
  await page.getByLabel('Stream').selectOption('stderr');
  await text.getByText('red').waitFor({ state: 'detached' });
  await page.getByLabel('Stream').selectOption('');

  t.test('steps are links to their lines', async () => {
    await page.locator('.steps').getByText('First step').click();
    await page.locator('.row.marked').getByText('First step').waitFor();
  });

  t.test('the timeline, the graph and the resources', async (t) => {
    await page.getByRole('tab', { name: 'Timeline' }).click();
    await page.locator('.timeline').getByText('Third step').waitFor();
    t.match(await page.locator('.timeline').innerText(), /First step[\s\S]*5\.0s[\s\S]*Third step\s*planned/);
    await page.locator('.timeline button').first().click();
    await page.locator('.row.marked').getByText('First step').waitFor();
    await page.getByRole('tab', { name: 'Log' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.locator('.node.current').getByText('Second step').waitFor();
    t.equal(await page.locator('.edge').count(), 2);
    t.equal(await page.locator('.edge.current').count(), 1);
    t.match(await page.locator('.graph-list').innerText(), /Third step[\s\S]*needs Second step/);
    await viewer.emit({ type: 'step_failed', execution: 'x', step: 'b', error: 'broken' });
    await page.locator('.node.s-failed').waitFor();
    await page.getByRole('tab', { name: 'Resources' }).click();
    await page.getByText('Nothing was measured').waitFor();
    for (let cpu = 0; cpu < 5; cpu++) await viewer.emit({ type: 'resource_update', execution: 'x', cpu, rss: 2 ** 20 });
    await page.getByText(/CPU: 2 % on average, 4 % at most/).waitFor();
  });

  t.test('an ended execution is shown completely, without a badge', async (t) => {
    await page.getByRole('tab', { name: 'Log' }).click();
    await viewer.emit({ type: 'execution_completed', execution: 'x', durationMs: 70_000 });
    await page.getByText('completed in 1:10').waitFor();
    t.equal(await page.locator('.badge.live').count(), 0);
    await page.reload();
    await text.getByText('I will look').waitFor();
    t.equal(await page.title(), '✓ Agent');
  });
  t.strictSame(complaints, []);
});

t.test(
  'half a million lines: both ends, any line, dragging the thumb, staying for a reader',
  { skip: noBrowser },
  async (t) => {
    const viewer = await openViewer(t);
    await viewer.emit({ type: 'execution_started', execution: 'x' });
    // more than the 400,000 up to which each row has a position on the scrollbar
    const perEvent = 2_000;
    for (let from = 2; from <= 500_000; from += perEvent) {
      const text = Array.from({ length: Math.min(perEvent, 500_001 - from) }, (_, index) => `n ${from + index}`);
      await viewer.emit(output(text.join('\n')));
    }
    const { page, complaints } = await viewer.visit('/executions/x');
    const row = (line: number) => page.locator(`.log .row[data-line="${line}"]`);
    await row(500_000).getByText('n 500000').waitFor();
    await page.evaluate(`location.hash = '#L250000'`);
    await row(250_000).getByText('n 250000').waitFor();
    const before = await topOf(page, 250_000);
    for (let count = 0; count < 10; count++) await viewer.emit(output(lines(1, 1_000)));
    await page.getByRole('button', { name: '↓ 10,000 new lines' }).waitFor();
    t.equal(await topOf(page, 250_000), before);
    await page.locator('.log').hover();
    await page.mouse.wheel(0, 200);
    await waitFor('ten lines more', async () => Math.round(before - (await topOf(page, 250_000))) === 200);
    await page.evaluate(
      `(() => { const log = document.querySelector('.log'); log.scrollTop = log.scrollHeight / 4; })()`,
    );
    await waitFor('a quarter of it', async () => Math.abs((await shown(page))[0]! - 127_500) < 2_500);
    await page.locator('.log').focus();
    await page.keyboard.press('Home');
    await row(2).getByText('n 2', { exact: true }).waitFor();
    await page.keyboard.press('End');
    await row(510_000).waitFor();
    t.ok((await page.locator('.log .row').count()) <= 200);
    t.strictSame(complaints, []);
  },
);
