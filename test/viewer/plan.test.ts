import t from 'tap';
import { noBrowser, openViewer } from '../helpers/browser.js';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1_000).toISOString();

t.test('the typical duration is shown in the list and in the timeline', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  const started = (execution: string) => ({ type: 'execution_started', execution, name: 'nightly', kind: 'task' });
  for (const [index, seconds] of [50, 60, 70].entries()) {
    const execution = `old${index}`;
    await viewer.emit({ ...started(execution), time: at(0) });
    await viewer.emit({ type: 'step_started', execution, step: 'a', name: 'Load', time: at(0) });
    await viewer.emit({ type: 'step_completed', execution, step: 'a', durationMs: 20_000, time: at(20) });
    await viewer.emit({ type: 'step_started', execution, step: 'b', name: 'Check', time: at(20) });
    await viewer.emit({ type: 'step_completed', execution, step: 'b', durationMs: 30_000, time: at(50) });
    await viewer.emit({ type: 'execution_completed', execution, durationMs: seconds * 1_000, time: at(seconds) });
  }
  await viewer.emit(started('x'));
  const { page, complaints } = await viewer.visit();
  const item = page.locator('[data-id=x]');
  await item.getByText('usually 1:00').waitFor();
  t.equal(await item.locator('.bar.usual').count(), 1);
  t.equal(await item.locator('[role=progressbar]').count(), 0, 'without progress');
  await viewer.emit({ type: 'step_started', execution: 'x', step: 'a', name: 'Load' });
  await viewer.emit({ type: 'step_planned', execution: 'x', step: 'b', name: 'Check' });
  await viewer.emit({ type: 'step_planned', execution: 'x', step: 'c', name: 'New' });
  await item.locator('[role=progressbar]').waitFor();

  await page.goto(`http://127.0.0.1:${viewer.port}/executions/x?tab=timeline`);
  await page.getByText('by 3 former ones; all of it 1:00').waitFor();
  const timeline = page.locator('.timeline');
  t.match(await timeline.innerText(), /Load[\s\S]*usually 20s[\s\S]*Check\s*planned\s*usually 30s[\s\S]*New\s*planned/);
  t.equal(await timeline.locator('.ghost').count(), 2);
  const [load, check] = await Promise.all(
    [0, 1].map(async (index) => (await timeline.locator('.ghost').nth(index).boundingBox())!),
  );
  t.ok(Math.abs(check!.width / load!.width - 1.5) < 0.1, 'as long as they take');
  t.ok(Math.abs(check!.x - load!.x - load!.width) < 3, 'one behind the other');
  const tick = (await timeline.locator('.axis span').last().boundingBox())!;
  t.ok(tick.x > load!.x + load!.width / 2, 'the axis reaches into what is to come');
  t.strictSame(complaints, []);
});

t.test('a graph of thousands of steps stays small, and the list has them all', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  const step = (type: string, id: string, more = {}) => ({
    type,
    execution: 'x',
    step: id,
    name: `Step ${id}`,
    ...more,
  });
  await viewer.emit({ type: 'execution_started', execution: 'x', name: 'Wide' });
  await viewer.emit(step('step_started', 'root'), step('step_completed', 'root'));
  const parts = Array.from({ length: 900 }, (_, index) => `p${index}`);
  await viewer.emit(...parts.map((id) => step('step_started', id, { needs: ['root'] })));
  await viewer.emit(...parts.slice(0, 899).map((id) => step(id === 'p7' ? 'step_failed' : 'step_completed', id)));
  const { page, complaints } = await viewer.visit('/executions/x?tab=graph');
  await page.locator('.node.s-failed').getByText('Step p7').waitFor();
  await page.locator('.node.s-running').getByText('Step p899').waitFor();
  await page.getByText('895 steps drawn as one. The list below has all.').waitFor();
  await page.locator('.node.bundle').getByText('895 completed').waitFor();
  t.ok((await page.locator('.node').count()) < 10);
  t.equal(await page.locator('.graph-list li').count(), 300);
  await page.getByRole('button', { name: '300 more of 901' }).click();
  t.equal(await page.locator('.graph-list li').count(), 600);
  await page.locator('.node.bundle').click();
  await page.getByRole('button', { name: 'List all steps' }).waitFor();
  t.notMatch(await page.locator('.graph-list').innerText(), 'Step p7\n');
  await page.getByRole('button', { name: 'List all steps' }).click();
  await page.locator('.graph-list').getByText('Step root', { exact: true }).first().waitFor();
  t.strictSame(complaints, []);
});
