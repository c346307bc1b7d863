import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import type { Test } from 'tap';
import t from 'tap';
import { cellsOf } from '../../src/terminal/width.js';
import type { Tmux } from '../helpers/tmux.js';
import { openTmux } from '../helpers/tmux.js';
import { whyNo } from '../helpers/needs.js';

const missing = whyNo('tmux');
const options = { skip: missing };
const directory = t.testdir({});
const demo = path.join(directory, 'box-demo.mjs');
if (missing === false) {
  await build({
    entryPoints: [path.resolve('test/fixtures/box-demo.ts')],
    outfile: demo,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['blessed'],
    logLevel: 'error',
  });
}

/** Starts the demo in a shell that compares the modes of the terminal before and after. */
async function start(t: Test, scenario: string, env: Record<string, string> = {}): Promise<Tmux> {
  const tmux = await openTmux(t, { columns: 80, rows: 24 }, { DEMO: demo, NODE: process.execPath, ...env });
  await writeFile(
    path.join(tmux.home, 'go'),
    `clear; echo first; stty -a >$HOME/a
     sh -c 'echo $$ >$HOME/pid; exec "$NODE" "$DEMO" ${scenario}'
     echo "exit=$?"; stty -a >$HOME/b; cmp $HOME/a $HOME/b && echo same modes`,
  );
  await tmux.enter('. $HOME/go');
  return tmux;
}

async function signal(tmux: Tmux, name: NodeJS.Signals): Promise<void> {
  process.kill(Number(await readFile(path.join(tmux.home, 'pid'), 'utf8')), name);
}

/** Leaving restores the terminal. */
async function expectRestored(t: Test, tmux: Tmux, exit: number): Promise<string> {
  const screen = await tmux.see(new RegExp(`exit=${exit}\nsame modes`), 'history');
  t.ok(await tmux.isCursorVisible(), 'the cursor is visible');
  return screen;
}

const RUNNING = /╰─.*q leave/;
const TASKBAR_CLEARED = /\u001b\]9;4;0;\u001b\\(?![^]*\u001b\]9;4;[1-4])/;
const GOES_ON = 'ship-login-page goes on. Come back: progress watch --stream 7hq2m4kd9x';

t.test('the box is drawn below earlier output, with a straight right border, and q leaves it', options, async (t) => {
  const tmux = await start(t, 'story');
  const screen = await tmux.see(RUNNING);
  t.match(screen, /^first\n╭/, 'what was on the screen is still there');
  t.notOk(await tmux.isCursorVisible());
  const box = screen.split('\n').filter((line) => /^[╭│├╰]/.test(line));
  t.same([...new Set(box.map((line) => cellsOf(line)))], [79], box.join('\n'));
  for (const mark of ['✅', '⏳', '❌', '○ ']) t.match(screen, `│ ${mark} `);
  await tmux.key('q');
  t.match(await expectRestored(t, tmux, 0), `first\n${GOES_ON}\nexit=0`);
});

t.test('Ctrl-C leaves with the status of SIGINT', options, async (t) => {
  const tmux = await start(t, 'story');
  await tmux.see(RUNNING);
  await tmux.key('C-c');
  t.match(await expectRestored(t, tmux, 130), `first\n${GOES_ON}\nexit=130`);
});

t.test('signals that end a program restore the terminal', options, async (t) => {
  await Promise.all(
    (
      [
        ['SIGTERM', 143],
        ['SIGHUP', 129],
        ['SIGINT', 130],
      ] as const
    ).map(async ([name, exit]) => {
      const tmux = await start(t, 'story', { PROGRESS_OSC: '1' });
      await tmux.see(RUNNING);
      const record = path.join(tmux.home, 'bytes');
      await tmux.record(record);
      await signal(tmux, name);
      t.match(await expectRestored(t, tmux, exit), `first\n${GOES_ON}\nexit=${exit}`);
      t.match(await readFile(record, 'utf8'), TASKBAR_CLEARED, 'no progress stays in the taskbar');
    }),
  );
});

t.test('an exception restores the terminal, and keeps the last frame with the stack below it', options, async (t) => {
  const tmux = await start(t, 'throw');
  const screen = await expectRestored(t, tmux, 1);
  t.match(screen, /╰─.*─╯\n[^╭]*Error: boom/);
});

t.test('Ctrl-Z removes the box and gives the shell its terminal, and fg draws it again', options, async (t) => {
  const tmux = await start(t, 'story', { PROGRESS_OSC: '1' });
  await tmux.see(RUNNING);
  const record = path.join(tmux.home, 'bytes');
  await tmux.record(record);
  await tmux.key('C-z');
  const stopped = await tmux.see(/Stopped/);
  t.match(await readFile(record, 'utf8'), TASKBAR_CLEARED);
  t.notMatch(stopped, /[╭╰]/);
  t.ok(await tmux.isCursorVisible());
  await tmux.enter('fg; echo "left=$?"; stty -a | cmp - $HOME/a && echo modes as before');
  const back = await tmux.see(RUNNING);
  t.equal(back.match(/╭/g)?.length, 1);
  t.match(await readFile(record, 'utf8'), /\u001b\]9;4;1;51\u001b\\[^]*$/);
  t.notOk(await tmux.isCursorVisible());
  await tmux.key('q');
  await tmux.see(/left=0\nmodes as before/);
  t.ok(await tmux.isCursorVisible());
});

t.test('stopped and continued by another process, it takes the terminal again', options, async (t) => {
  const tmux = await start(t, 'story');
  await tmux.see(RUNNING);
  await signal(tmux, 'SIGSTOP');
  await tmux.see(/Stopped/);
  // this shell keeps the terminal mode of the stopped program: raw, so that Enter is no newline
  for (const key of ['fg; echo "left=$?"', 'C-j']) await tmux.key(key);
  await tmux.see(/Stopped[^]*╰─.*q leave/, 'history');
  t.notOk(await tmux.isCursorVisible());
  await tmux.key('q');
  await tmux.see(/left=0/);
  t.ok(await tmux.isCursorVisible());
});

t.test('after a resize there is one box at the full new width', options, async (t) => {
  const tmux = await start(t, 'story');
  await tmux.see(RUNNING);
  for (const [columns, rows] of [
    [100, 40],
    [70, 40],
    [110, 30],
    [82, 20],
  ] as const) {
    await tmux.resize(columns, rows);
    // rows that a terminal moved into its scrollback while it rewrapped the old box are out of reach
    const screen = await tmux.see(new RegExp(`^╭.{${columns - 3}}╮$[^]*^╰.*q leave`, 'm'));
    t.equal(screen.match(/[╭╰]/g)?.length, 2, `one box at ${columns}x${rows}`);
  }
  t.match(await tmux.capture('history'), /^first\n╭/m, 'what was above is kept');
  await tmux.key('q');
  await tmux.see(/exit=0/);
});

t.test(
  'output printed above the box is in the scrollback, complete and without parts of the box',
  options,
  async (t) => {
    const tmux = await start(t, 'print');
    const screen = await expectRestored(t, tmux, 0);
    const printed = Array.from({ length: 40 }, (_, index) => `printed line ${index + 1} ✅ 漢字`);
    t.match(screen, `first\n${printed.join('\n')}\n✅ ship-login-page completed in 7:12, `.slice(0, -2));
    t.notMatch(screen, /[╭│╰]/);
  },
);

t.test('several executions have a row each, in straight columns', options, async (t) => {
  const tmux = await start(t, 'several', { NO_COLOR: '1' });
  const screen = await tmux.see(RUNNING);
  const box = screen.split('\n').filter((line) => /^[╭│╰]/.test(line));
  t.equal(box.length, 8);
  t.same([...new Set(box.map((line) => cellsOf(line)))], [79], box.join('\n'));
  await tmux.key('q');
  await tmux.see(/5 executions go on/);
});

t.test('in a locale without UTF-8 the box is ASCII', options, async (t) => {
  const tmux = await start(t, 'story', { LC_ALL: 'C' });
  const screen = await tmux.see(/\+-.*q leave/);
  t.match(screen, '| [x] 2 completed');
  await tmux.key('q');
  await expectRestored(t, tmux, 0);
});

t.test('a failure leaves its last output and error', options, async (t) => {
  const tmux = await start(t, 'fail');
  const screen = await expectRestored(t, tmux, 1);
  t.match(screen, '❌ ship-login-page failed after 7:12, exit 1');
  t.match(screen, 'full log  progress logs 7hq2m4kd9x');
});
