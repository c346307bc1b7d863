import t from 'tap';
import { estimate } from '../../src/core/estimates/estimate.js';
import { lastActivityText, stateWord } from '../../src/core/text/state-text.js';
import { linesOf } from '../../src/core/events/log.js';
import { activityLines } from '../../src/terminal/activity.js';
import { LineWriter } from '../../src/terminal/line-writer.js';
import { showLines } from '../../src/terminal/show.js';
import { listLines } from '../../src/terminal/tables.js';
import { boxLines } from '../../src/terminal/view.js';
import { makeExecution, makeShipLogin, START, timeAt } from '../helpers/models.js';

const PLAIN = { color: false, ascii: false };
const COLOUR = { color: true, ascii: false };
const DIM = '\u001b[2m';
/** Half of the work is done, so there is an estimate while it is active. */
const active = makeShipLogin();
const silent = { ...active, attention: { state: 'silent' as const }, lastActivity: timeAt(281_000) };
const NOW = START + 401_000;

/** The output of each view for one execution. */
const FACES: Readonly<Record<string, (now: number, style?: typeof PLAIN) => string>> = {
  ps: (now, style = PLAIN) => listLines([silent], { now, columns: 120, style, all: false }).join('\n'),
  'the box of one': (now, style = PLAIN) =>
    boxLines(
      { executions: [silent], connection: { state: 'live' }, now, detail: true },
      { columns: 80, rows: 24 },
      style,
    ).join('\n'),
  'the box of several': (now, style = PLAIN) =>
    boxLines(
      { executions: [silent, makeExecution({ id: 'b' })], connection: { state: 'live' }, now, detail: true },
      { columns: 100, rows: 24 },
      style,
    ).join('\n'),
  'the box in one line': (now, style = PLAIN) =>
    boxLines(
      { executions: [silent], connection: { state: 'live' }, now, detail: true },
      { columns: 80, rows: 5 },
      style,
    ).join('\n'),
  heartbeats: (now) => new LineWriter({ style: PLAIN, columns: Infinity }).heartbeat(silent, now),
  show: (now, style = PLAIN) => showLines(silent, { now, columns: 100, style }).join('\n'),
};

t.test('a silent execution is shown as quiet, with a running clock and without an estimate', (t) => {
  for (const [face, draw] of Object.entries(FACES)) {
    t.match(draw(NOW), 'quiet 2m', face);
    t.match(draw(NOW + 60_000), 'quiet 3m', `${face}: the clock moves`);
    t.notMatch(draw(NOW), /silent|~\d|left/, face);
  }
  t.end();
});

t.test('it is dimmed', (t) => {
  for (const [face, word] of [
    ['ps', '◇ quiet 2m'],
    ['the box of one', '◇ quiet 2m'],
    ['the box of several', 'quiet 2m'],
    ['show', '◇ quiet 2m'],
  ] as const)
    t.match(FACES[face]?.(NOW, COLOUR), DIM + word, face);
  t.end();
});

t.test('an active execution has an estimate and its last activity', (t) => {
  t.ok(estimate(active, NOW).remainingMs);
  t.equal(estimate(silent, NOW).remainingMs, undefined);
  t.equal(stateWord(active, NOW), 'running');
  const waiting = { ...silent, attention: { state: 'waiting' as const, since: timeAt(0) } };
  t.equal(stateWord(waiting, START + 42_000), 'waiting 42s', 'its clock moves without events');
  t.equal(stateWord(waiting, START + 180_000), 'waiting 3m');
  t.equal(stateWord({ ...silent, status: 'failed' }, NOW), 'failed');
  t.equal(stateWord(silent, START), 'quiet 0s', 'a producer whose clock is ahead');
  t.equal(lastActivityText({ ...active, lastActivity: timeAt(0) }, NOW), 'last activity 6m ago');
  t.equal(lastActivityText(silent, NOW), '', 'the state says it');
  t.end();
});

t.test('silence is not a line of the log', (t) => {
  const event = (state: string) => ({
    ...{ seq: 2, time: timeAt(0), type: 'attention', execution: 'e' },
    data: { state, reason: 'nothing heard for 2:00' },
  });
  t.strictSame(linesOf(event('silent'), 1), []);
  t.match(linesOf(event('waiting'), 1), [{ text: 'waiting: nothing heard for 2:00' }]);
  t.strictSame(activityLines(event('silent'), undefined, { columns: 80, style: PLAIN }), []);
  t.match(
    new LineWriter({ style: PLAIN, columns: Infinity, isUtc: true }).lines(event('silent'), undefined),
    [/ quiet +nothing heard for 2:00$/],
    'but one of watch',
  );
  t.end();
});
