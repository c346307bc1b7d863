import axe from 'axe-core';
import t from 'tap';
import type { Page } from 'playwright-core';
import { noBrowser, openViewer } from '../helpers/browser.js';
import { LONG } from '../helpers/long.js';

const ANIMATION = `getComputedStyle(document.querySelector('.badge.live .dot')).animationName`;

interface Violation {
  id: string;
  nodes: { html: string; failureSummary: string }[];
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate<Violation[]>(
    `axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations)`,
  );
  return found.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
}

const SIXTEEN = Array.from({ length: 16 }, (_, index) => {
  const code = index < 8 ? 30 + index : 82 + index;
  return `\u001b[${code}mcolour ${index}\u001b[0m`;
}).join(' ');

const STORY = [
  { type: 'execution_started', execution: 'x', name: 'Ship the login page', agent: 'claude', total: 3 },
  { type: 'step_started', execution: 'x', step: 'a', name: 'Plan' },
  { type: 'step_completed', execution: 'x', step: 'a' },
  { type: 'step_started', execution: 'x', step: 'b', name: 'Implement the whole of it', needs: ['a'] },
  { type: 'step_planned', execution: 'x', step: 'c', name: 'Deploy', needs: ['b'] },
  { type: 'output', execution: 'x', text: `${SIXTEEN}\nsee https://example.com/` },
  { type: 'output', execution: 'x', stream: 'stderr', text: 'warning on stderr' },
  { type: 'log', execution: 'x', level: 'warning', message: 'look here' },
  { type: 'activity', execution: 'x', kind: 'tool-call', tool: 'Bash', input: { command: 'ls' } },
  { type: 'resource_update', execution: 'x', cpu: 30, rss: 2 ** 27 },
  { type: 'resource_update', execution: 'x', cpu: 60, rss: 2 ** 28 },
  { type: 'attention', execution: 'x', state: 'waiting', reason: 'Allow it?' },
  { type: 'execution_started', execution: 'y', name: 'Another' },
  { type: 'execution_failed', execution: 'y', exitCode: 1, error: 'it broke' },
  { type: 'execution_started', execution: 'z', name: 'Third' },
];

t.test('axe finds nothing, in both themes, wide and narrow', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  for (const event of STORY) await viewer.emit(event);
  for (const colorScheme of ['light', 'dark'] as const) {
    // colours do not depend on the width, nor positions on the colours
    for (const width of LONG ? [1280, 320] : [colorScheme === 'light' ? 1280 : 320]) {
      const { page, context } = await viewer.visit('/', { colorScheme, viewport: { width, height: 800 } });
      await page.locator('[data-id=x]').waitFor();
      t.strictSame(await violations(page), [], `list, ${colorScheme}, ${width}`);
      for (const tab of ['log', 'timeline', 'graph', 'resources']) {
        await page.goto(`http://127.0.0.1:${viewer.port}/executions/x?tab=${tab}`);
        await page.locator('.tab > *').first().waitFor();
        if (tab === 'log') await page.locator('.log .row[data-line="9"]').waitFor();
        t.strictSame(await violations(page), [], `${tab}, ${colorScheme}, ${width}`);
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        t.equal(overflow, 0, `${tab} at ${width} needs no scrolling sideways`);
      }
      await page.goto(`http://127.0.0.1:${viewer.port}/executions/x?find=(&re=1`);
      await page.getByText('missing closing )').waitFor();
      t.strictSame(await violations(page), [], `a pattern that is none, ${colorScheme}, ${width}`);
      await page.keyboard.press('?');
      await page.getByRole('dialog', { name: 'Keys' }).waitFor();
      t.strictSame(await violations(page), [], `keys, ${colorScheme}, ${width}`);
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      t.equal(overflow, 0, `keys at ${width} need no scrolling sideways`);
      await context.close();
    }
  }
});

t.test('stale values are still readable', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  for (const event of STORY) await viewer.emit(event);
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page } = await viewer.visit('/executions/x', { colorScheme });
    await page.locator('.log .row[data-line="9"]').waitFor();
    await page.context().setOffline(true);
    await page.evaluate(`document.querySelector('.content').classList.add('is-stale')`);
    t.strictSame(await violations(page), [], colorScheme);
  }
});

t.test('everything can be used by keyboard, with a visible focus', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  for (const event of STORY) await viewer.emit(event);
  viewer.home.progress(['run', '--detach', '--name', 'sleeper', '--', 'sleep', '300']);
  const { page } = await viewer.visit();
  await page.getByRole('button', { name: 'Stop sleeper' }).waitFor();
  const reached = new Set<string>();
  for (let count = 0; count < 60; count++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate<[string, boolean] | null>(`(() => {
      const one = document.activeElement;
      if (!one || one === document.body) return null;
      const { outlineStyle, outlineWidth } = getComputedStyle(one);
      return [one.getAttribute('aria-label') || one.textContent.trim(), outlineStyle !== 'none' && outlineWidth !== '0px'];
    })()`);
    if (!focused) break;
    t.ok(focused[1], `${focused[0]} shows that it has the focus`);
    reached.add(focused[0]);
  }
  for (const wanted of ['progress', 'Status', 'Stop sleeper', 'Pause sleeper', 'Notify me about sleeper', 'Another'])
    t.ok(reached.has(wanted), `${wanted} is reached`);
  await page.getByRole('button', { name: 'Stop sleeper' }).focus();
  await page.keyboard.press('Enter');
  await page.locator('dialog[open]').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByText(/cancelled after/).waitFor();
});

t.test('nothing is announced periodically, and animations respect reduced motion', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  for (const event of STORY) await viewer.emit(event);
  const { page } = await viewer.visit('/', { reducedMotion: 'reduce' });
  await page.locator('.badge.live').first().waitFor();
  const animation = await page.evaluate(ANIMATION);
  t.equal(animation, 'none');
  const live = await page.evaluate<string[]>(
    `[...document.querySelectorAll('[aria-live], [role=status], [role=log], [role=timer], [role=alert]')].map((one) => one.textContent)`,
  );
  t.strictSame(
    live.filter((text) => /\d/.test(text)),
    [],
  );
  const { page: moving } = await viewer.visit('/', { reducedMotion: 'no-preference' });
  await moving.locator('.badge.live').first().waitFor();
  t.equal(await moving.evaluate(ANIMATION), 'pulse');
});

t.test(
  'the theme switch follows the system or overrides it, and the choice is remembered',
  { skip: noBrowser },
  async (t) => {
    const viewer = await openViewer(t);
    const { page } = await viewer.visit('/', { colorScheme: 'dark' });
    const background = async () => await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    await page.getByRole('button', { name: /Colours: system/ }).waitFor();
    const dark = await background();
    await page.getByRole('button', { name: /Colours: system/ }).click();
    t.not(await background(), dark);
    await page.reload();
    await page.getByRole('button', { name: /Colours: light/ }).waitFor();
    t.not(await background(), dark);
  },
);
