import t from 'tap';
import { createPacer, FRAME_MS, SETTLE_MS } from '../../src/terminal/pacer.js';
import { createManualClock } from '../helpers/manual-clock.js';

t.test('10,000 changes a second make at most ten frames, and the last change is drawn', (t) => {
  const clock = createManualClock();
  const drawn: number[] = [];
  let value = 0;
  const pacer = createPacer(
    () => drawn.push(value),
    () => undefined,
    clock,
  );
  for (let change = 1; change <= 10_000; change += 1) {
    value = change;
    pacer.changed();
    clock.advance(0.1);
  }
  clock.advance(FRAME_MS);
  t.ok(drawn.length <= 11, `${drawn.length} frames in 1.1 seconds`);
  t.ok(drawn.length >= 9, `${drawn.length} frames in 1.1 seconds`);
  t.equal(drawn.at(-1), 10_000);
  t.end();
});

t.test('a first change is drawn at once, not after a frame', (t) => {
  const clock = createManualClock();
  let frames = 0;
  const pacer = createPacer(
    () => (frames += 1),
    () => undefined,
    clock,
  );
  pacer.changed();
  clock.advance(1);
  t.equal(frames, 1);
  t.end();
});

t.test('the clock ticks while it is shown, and leaves no timer otherwise', (t) => {
  const clock = createManualClock();
  let tick: number | undefined = 1_000;
  let frames = 0;
  const pacer = createPacer(
    () => (frames += 1),
    () => tick,
    clock,
  );
  pacer.changed();
  clock.advance(10_000);
  t.equal(frames, 11);
  tick = undefined;
  clock.advance(10_000);
  t.equal(frames, 12);
  t.equal(clock.timers(), 0);
  t.end();
});

t.test('frames wait until the size has settled', (t) => {
  const clock = createManualClock();
  const times: number[] = [];
  const pacer = createPacer(
    () => times.push(clock.now()),
    () => undefined,
    clock,
  );
  for (let resize = 0; resize < 20; resize += 1) {
    pacer.settle();
    pacer.changed();
    clock.advance(SETTLE_MS / 2);
  }
  t.same(times, [], 'nothing while the window is being dragged');
  clock.advance(SETTLE_MS);
  t.equal(times.length, 1);
  t.end();
});

t.test('nothing is drawn after a stop', (t) => {
  const clock = createManualClock();
  let frames = 0;
  const pacer = createPacer(
    () => (frames += 1),
    () => 100,
    clock,
  );
  pacer.changed();
  pacer.stop();
  clock.advance(1_000);
  t.equal(frames, 0);
  t.end();
});
