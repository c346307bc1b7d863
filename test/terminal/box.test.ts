import t from 'tap';
import type { Execution } from '../../src/core/execution.js';
import type { BoxOptions } from '../../src/terminal/box.js';
import { openBox } from '../../src/terminal/box.js';
import type { OutputStyle } from '../../src/terminal/style.js';
import { createManualClock } from '../helpers/manual-clock.js';
import { makeExecution, makeShipLogin, START } from '../helpers/models.js';
import { createTtyStreams } from '../helpers/tty-streams.js';
import type { Reflow } from '../helpers/vt.js';
import { createVt } from '../helpers/vt.js';
import { waitFor } from '../helpers/wait.js';

const STYLE: OutputStyle = { mode: 'box', color: true, ascii: false, sync: true, taskbar: false, hyperlinks: false };
const LISTENED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGTSTP', 'SIGCONT', 'uncaughtExceptionMonitor'];

function countListeners(): number {
  return LISTENED.reduce((sum, event) => sum + process.listenerCount(event), 0);
}

function open(executions: Execution[], options: Partial<BoxOptions> & { reflow?: Reflow; isMute?: boolean } = {}) {
  const clock = createManualClock();
  const streams = createTtyStreams(80, 24);
  const { input, output } = streams;
  const view = () => ({
    executions,
    connection: { state: 'live' } as const,
    now: START + 401_000 + clock.now(),
    detail: true,
  });
  const box = openBox({ input, output, style: STYLE, view, clock, ...options });
  const { reflow = 'all', isMute = false } = options;
  const answers: string[] = [];
  const vt = createVt({ columns: 80, rows: 24, reflow, ...(!isMute && { onAnswer: (bytes) => answers.push(bytes) }) });
  /** The current screen. */
  const screen = () => {
    for (const bytes of streams.writes.splice(0)) vt.write(bytes);
    return vt.lines().join('\n').trimEnd();
  };
  /** Passes the output to the terminal, and returns its answers. */
  const takeAnswers = () => {
    screen();
    return answers.splice(0).join('');
  };
  return { box, clock, streams, vt, screen, takeAnswers };
}

t.test('a frame is one write, bracketed as synchronized, and nothing is written when nothing changes', (t) => {
  const paused = makeExecution({ status: 'paused' });
  const { box, clock, streams } = open([paused]);
  clock.advance(1);
  t.equal(streams.writes.length, 2, 'the cursor is hidden, the box drawn');
  t.match(streams.writes[1], /^\u001b\[\?2026h.*\u001b\[\?2026l$/s);
  streams.writes.length = 0;
  box.changed();
  clock.advance(60_000);
  t.same(streams.writes, []);
  t.equal(clock.timers(), 0, 'and no clock ticks');
  paused.tail.push('one more line');
  box.changed();
  clock.advance(100);
  t.equal(streams.writes.length, 1);
  void box.close();
  t.end();
});

t.test('10,000 changes a second make ten frames, of changed lines only', (t) => {
  const execution = makeShipLogin();
  const { box, clock, streams, screen } = open([execution]);
  clock.advance(1);
  streams.writes.length = 0;
  for (let change = 0; change < 10_000; change += 1) {
    execution.progress = { current: change, total: 20_000, unit: 'tests' };
    box.changed();
    clock.advance(0.1);
  }
  t.ok(streams.writes.length >= 9 && streams.writes.length <= 10, `${streams.writes.length} writes`);
  const bytes = streams.writes.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  t.ok(bytes < 4 * 1024, `${bytes} bytes in a second`);
  clock.advance(100);
  t.match(screen(), '50%  9,999/20,000 tests', 'the last change is there');
  void box.close();
  t.end();
});

t.test('the clock moves the box once a second, in tenths for the first ten seconds', (t) => {
  const { box, clock, streams } = open([makeExecution({ startedAt: new Date(START + 401_000).toISOString() })]);
  clock.advance(5_000);
  t.ok(streams.writes.length > 45, `${streams.writes.length} in five seconds`);
  clock.advance(6_000);
  streams.writes.length = 0;
  clock.advance(10_000);
  t.equal(streams.writes.length, 10);
  void box.close();
  t.end();
});

t.test('printed lines are above the box, in order, and wait for the frame', (t) => {
  const { box, clock, streams, screen } = open([makeExecution()]);
  clock.advance(1);
  screen();
  box.print(['first']);
  box.print(['second', 'third']);
  t.same(streams.writes, []);
  clock.advance(100);
  t.equal(streams.writes.length, 1);
  t.match(screen(), /^first\nsecond\nthird\n╭/);
  box.print(['x'.repeat(70_000)]);
  t.equal(streams.writes.length, 1, 'more than 64 KiB do not wait');
  void box.close();
  t.end();
});

t.test('close replaces the box by the final lines, with what still runs', (t) => {
  const before = countListeners();
  const { box, clock, streams, screen, vt } = open([makeExecution()]);
  clock.advance(1);
  t.ok(streams.isRaw());
  screen();
  t.notOk(vt.isOn(25), 'the cursor is hidden');
  void box.close(['the end']);
  t.equal(screen(), 'the end\nship-login-page goes on. Come back: progress watch --stream 7hq2m4kd9x');
  t.ok(vt.isOn(25), 'the cursor is back');
  t.notOk(streams.isRaw());
  t.equal(clock.timers(), 0);
  t.equal(countListeners(), before, 'no listener is left behind');
  void box.close(['again']);
  box.changed();
  t.equal(clock.timers(), 0, 'a closed box does not keep the process alive');
  clock.advance(1_000);
  t.same(streams.writes, []);
  t.end();
});

t.test('nothing is listed as running when everything has ended', (t) => {
  const { box, screen } = open([makeExecution({ status: 'completed', durationMs: 5 })]);
  void box.close(['the end']);
  t.equal(screen(), 'the end');
  t.end();
});

t.test('q leaves: the terminal is restored before the caller closes the box', async (t) => {
  const { box, clock, streams, screen, vt } = open([makeExecution()]);
  clock.advance(1);
  streams.press('xq');
  t.equal(await box.left, 'q');
  t.notOk(streams.isRaw());
  t.match(screen(), '╭', 'the last frame stays');
  t.ok(vt.isOn(25));
  void box.close();
  t.match(screen(), /^ship-login-page goes on\./);
});

t.test('Ctrl-C leaves, or is reported to the caller', async (t) => {
  const leaving = open([makeExecution()]);
  leaving.streams.press('\u0003');
  t.equal(await leaving.box.left, 'SIGINT');
  void leaving.box.close();

  let interrupts = 0;
  const running = open([makeExecution()], { onInterrupt: () => (interrupts += 1) });
  running.streams.press('\u0003');
  running.clock.advance(1);
  await waitFor('the interrupt', () => interrupts === 1);
  t.ok(running.streams.isRaw(), 'and the box stays');
  void running.box.close();
});

t.test('a closed terminal is left without a further error', async (t) => {
  const { box, streams } = open([makeExecution()]);
  streams.output.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  t.equal(await box.left, 'closed');
  streams.output.emit('error', new Error('and once more, afterwards'));
  void box.close();
});

t.test('after a resize there is one box, at the new size, once the size has settled', (t) => {
  const { box, clock, streams, screen, vt } = open([makeShipLogin()]);
  clock.advance(1);
  screen();
  for (const columns of [90, 100, 110]) {
    streams.resize(columns, 30);
    clock.advance(50);
  }
  t.same(streams.writes, [], 'nothing while it changes');
  vt.resize({ columns: 110, rows: 30 });
  clock.advance(100);
  const boxes = screen().match(/╭─[^\n]*/g) ?? [];
  t.equal(boxes.length, 1);
  t.equal(boxes[0]?.length, 109);
  void box.close();
  t.equal(screen(), 'ship-login-page goes on. Come back: progress watch --stream 7hq2m4kd9x');
  t.end();
});

const QUESTION = '\u001b[>c\u001b[6n';

t.test('after the terminal becomes narrower it is queried, and there is one box at the new size', async (t) => {
  for (const reflow of ['none', 'all', 'except-cursor-line'] as const) {
    const { box, clock, streams, screen, vt, takeAnswers } = open([makeExecution()], { reflow });
    box.print(['above 1', 'above 2']);
    clock.advance(100);
    screen();
    for (const columns of [70, 62]) {
      vt.resize({ columns, rows: 24 });
      streams.resize(columns, 24);
    }
    clock.advance(100);
    t.same(streams.writes, [QUESTION], 'no frame before the answer');
    const answers = takeAnswers();
    streams.press(answers);
    await waitFor('the frame', () => {
      clock.advance(10);
      return streams.writes.length > 0;
    });
    const lines = screen().split('\n');
    t.same(lines.slice(0, 2), ['above 1', 'above 2'], reflow);
    t.match(lines[2], /^╭.{59}╮$/, reflow);
    t.equal(vt.transcript().match(/╭/g)?.length, 1, reflow);
    await box.close();
    t.match(screen(), /^above 1\nabove 2\nship-login-page goes on\./);
    t.notOk(streams.isRaw());
  }
});

t.test('a terminal that does not answer is queried once; the box is drawn without an answer', (t) => {
  const { box, clock, streams, screen, vt } = open([makeExecution()], { reflow: 'none', isMute: true });
  clock.advance(100);
  screen();
  for (const [columns, asks] of [
    [70, true],
    [62, false],
  ] as const) {
    vt.resize({ columns, rows: 24 });
    streams.resize(columns, 24);
    clock.advance(100);
    t.equal(streams.writes.includes(QUESTION), asks);
    if (asks) clock.advance(500);
    t.match(screen(), new RegExp(`^╭.{${columns - 3}}╮\n`));
    t.equal(vt.transcript().match(/╭/g)?.length, 1);
  }
  void box.close();
  t.end();
});

t.test('a box that is closed or left during a query waits for the answer, which would become input', async (t) => {
  for (const end of ['close', 'q'] as const) {
    const { box, clock, streams, screen, vt, takeAnswers } = open([makeExecution()], { reflow: 'all' });
    clock.advance(100);
    screen();
    vt.resize({ columns: 62, rows: 24 });
    streams.resize(62, 24);
    clock.advance(100);
    const [first = '', ...rest] = takeAnswers();
    let isOver = false;
    const over = (end === 'q' ? box.left : box.close(['the end'])).then(() => (isOver = true));
    // in pieces, with a key that is typed between
    streams.press(end === 'q' ? `q${first}` : first);
    await waitFor('the key', () => streams.input.readableLength === 0);
    t.ok(streams.isRaw(), 'so that the answer is not echoed');
    t.notOk(isOver);
    streams.press(rest.join(''));
    await waitFor('the end', () => {
      clock.advance(1);
      return isOver;
    });
    await over;
    t.notOk(streams.isRaw());
    await box.close();
    t.notMatch(screen(), /╭|\[|;/, 'no box, no answer');
    t.equal(clock.timers(), 0);
  }
});

t.test('the taskbar has the progress with a frame, and none when the box is closed, left or removed', async (t) => {
  const clear = '\u001b]9;4;0;\u001b\\';
  for (const end of ['close', 'remove', 'q'] as const) {
    const { box, clock, streams } = open([makeShipLogin()], { style: { ...STYLE, taskbar: true } });
    clock.advance(1);
    t.match(streams.writes[1], /\u001b\[\?2026l\u001b\]9;4;1;51\u001b\\$/, 'in the same write');
    const before = streams.writes.length;
    if (end === 'q') {
      streams.press('q');
      await box.left;
    } else void box[end]();
    t.equal(streams.writes.slice(before).join('').split(clear).length, 2, end);
    void box.close();
    t.equal(streams.writes.slice(before).join('').split(clear).length, 2, 'once');
  }
});

t.test('a box that is removed leaves nothing, and no listeners, so that another can take its place', (t) => {
  const before = countListeners();
  const { box, clock, screen, streams } = open([makeExecution()]);
  const errors = streams.output.listenerCount('error');
  clock.advance(1);
  t.match(screen(), '╭');
  void box.remove();
  t.equal(screen(), '');
  t.equal(countListeners(), before);
  t.equal(streams.output.listenerCount('error'), errors - 1);
  t.equal(clock.timers(), 0);
  t.end();
});

t.test('input that is no terminal is not read', (t) => {
  const streams = createTtyStreams(80, 24);
  Object.assign(streams.input, { isTTY: false });
  const view = () => ({ executions: [], connection: { state: 'live' } as const, now: START, detail: true });
  const box = openBox({ input: streams.input, output: streams.output, style: STYLE, view, clock: createManualClock() });
  streams.press('bytes for another reader');
  t.equal(String(streams.input.read()), 'bytes for another reader');
  void box.close();
  t.end();
});
