/** Every page in every appearance: bytes that a terminal may get. */
import t from 'tap';
import type { Style } from '../../../src/terminal/style.js';
import { makeExecution, makeStep, timeAt } from '../../helpers/models.js';
import type { TuiBench } from '../../helpers/tui.js';
import { createTuiBench } from '../../helpers/tui.js';
import { waitFor } from '../../helpers/wait.js';

/** Draws every page, dialog and tab. @returns all lines */
async function everyPage(style: Style, text: string): Promise<string[]> {
  const agent = makeExecution({
    ...{ id: 'agt', name: text, kind: 'agent', agent: { name: text }, queue: text, labels: { [text]: text }, lines: 4 },
    ...{ attention: { state: 'waiting', reason: text }, outcome: { error: text }, tail: [text] },
    ...{ process: { argv: [text], cwd: text }, resources: { cpu: 1, rss: 1 }, progress: { current: 1, total: 3 } },
    steps: [
      makeStep({ id: 'a', name: text, status: 'completed', startedAt: timeAt(0), endedAt: timeAt(1_000), error: text }),
      makeStep({ id: 'b', name: text, status: 'running', startedAt: timeAt(1_000), needs: ['a'] }),
      makeStep({ id: 'c', name: text, kind: 'subagent', parent: 'b', needs: ['a', 'b'] }),
    ],
  });
  const run = makeExecution({ id: 'run', name: text, kind: 'run', parent: 'agt', process: { argv: [text] } });
  const failed = makeExecution({ id: 'bad', name: text, status: 'failed', endedAt: timeAt(50_000), firstSeq: 2 });
  const kinds = ['prompt', 'assistant-text', 'tool-call', 'tool-result'];
  const log = kinds.map((kind, index) => ({
    ...{ line: index + 1, seq: index + 1, time: timeAt(0), type: 'activity', kind, text, detail: text, tool: text },
    ...(index === 1 && { step: 'c' }),
  }));
  const bench = createTuiBench([agent, run, failed], log);
  bench.queues = [{ name: text, slots: 1, paused: true, running: ['agt'], waiting: ['bad'] }];
  const seen: string[] = [];
  const draw = () => seen.push(...bench.tui.lines({ columns: 100, rows: 40 }, style));
  const press = (on: TuiBench, ...keys: string[]) => keys.forEach((key) => (on.press(key), draw()));
  draw();
  press(bench, 'B', 'B', 'B', 'B', 'S', 'S', 'S', 'S', 'down', 'space', '/', 'z', 'escape', 'escape', '?', 'q');
  press(bench, 'down', 'r', 'escape', 'E', 'escape', 'x', 'n', 'g', 'Q');
  await waitFor(
    'the queues',
    () => (draw(), bench.tui.lines({ columns: 100, rows: 40 }, style)[1]?.includes('1 slot')),
  );
  press(bench, 'q', 'g', 'enter');
  bench.tui.onEvents([
    { seq: 1, type: 'execution_failed', execution: 'bad', time: new Date().toISOString(), data: {} },
  ]);
  draw();
  for (let tab = 0; tab < 8; tab++) {
    await new Promise(setImmediate);
    press(bench, 'tab');
    await new Promise(setImmediate);
    draw();
  }
  return seen;
}

t.test('ASCII alone where the locale has no more', async (t) => {
  const lines = await everyPage({ color: false, ascii: true }, 'name');
  t.strictSame(
    lines.filter((line) => !/^[ -~]*$/.test(line)),
    [],
  );
});

t.test('without colour there are no escape sequences', async (t) => {
  const lines = await everyPage({ color: false, ascii: false }, 'name');
  t.strictSame(
    lines.filter((line) => /\p{Cc}/u.test(line)),
    [],
  );
});

t.test('the colours are those of every terminal, and no background is set', async (t) => {
  const lines = await everyPage({ color: true, ascii: false }, 'name');
  const codes = new Set(
    lines.flatMap((line) => [...line.matchAll(/\u001b\[([\d;]*)m/g)].flatMap(([, code = '']) => code.split(';'))),
  );
  t.ok(codes.size > 4, 'there are colours');
  // bold, dim, reverse, and red to cyan: neither black nor white, which are invisible on some background
  t.strictSame(
    [...codes].filter(
      (code) => !['', '0', '1', '2', '7', '31', '32', '33', '34', '35', '36', '39', '22', '27'].includes(code),
    ),
    [],
  );
});

t.test('hostile text is inert on every page', async (t) => {
  const evil = 'a\u001b]0;title\u0007\u001b[2J\u009b31m\u001b]52;c;eA==\u0007\rb\u202e';
  for (const style of [
    { color: true, ascii: false },
    { color: false, ascii: true },
  ]) {
    const lines = await everyPage(style, evil);
    t.strictSame(
      lines.filter((line) => /\p{Cc}|\u202e/u.test(line.replace(/\u001b\[[\d;]*m/g, ''))),
      [],
    );
    t.ok(
      lines.some((line) => line.includes('ab')),
      'the rest of it is shown',
    );
  }
});
