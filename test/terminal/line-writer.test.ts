import t from 'tap';
import type { ExecutionEvent } from '../../src/core/events/event.js';
import { EVENT_TYPES } from '../../src/core/events/event.js';
import { formatClock, formatDate } from '../../src/core/text/format.js';
import type { LineOptions } from '../../src/terminal/line-writer.js';
import { LineWriter } from '../../src/terminal/line-writer.js';
import { cellsOf } from '../../src/terminal/width.js';
import { makeExecution, makeShipLogin, makeStep, START, timeAt } from '../helpers/models.js';
import { createRandom, pick } from '../helpers/random.js';
import { randomExecution, randomText } from '../helpers/random-models.js';

const STYLE = { color: false, ascii: false };
const TODAY = formatDate(START);
const CLOCK = formatClock(START);

function event(type: string, data: Record<string, unknown> = {}, rest: Partial<ExecutionEvent> = {}): ExecutionEvent {
  return { seq: 1, time: timeAt(0), type, execution: '7hq2m4kd9x', data, ...rest };
}

function writer(options: Partial<LineOptions> = {}): LineWriter {
  return new LineWriter({ style: STYLE, columns: 80, date: TODAY, ...options });
}

t.test('one execution: local time, word and text, without the ID', (t) => {
  const start = event('execution_started', { name: 'ship', total: 7 });
  t.same(writer({ isSingle: true }).lines(start, undefined), [`${CLOCK} start      ship total=7`]);
  t.same(writer({ isSingle: true }).lines(event('queue_changed', { name: 'q' }, { time: 'no time' }), undefined), [
    'no time queue      q',
  ]);
  t.end();
});

t.test('several executions: short ID and name; short IDs differ', (t) => {
  const lines = writer();
  const log = (execution: string) => event('log', { message: 'hello' }, { execution });
  t.same(lines.lines(log('7hq2m4kd9x'), makeShipLogin()), [`${CLOCK} 7hq2 ship-login… log        hello`]);
  t.match(lines.lines(log('7hq2zzzzzz'), makeExecution({ name: 'docs' }))[0], / 7hq2z docs +log /);
  t.match(lines.lines(log('nightly'), undefined)[0], / nightly +log /, 'an unknown one has its ID');
  const { execution: _none, ...general } = event('queue_changed', { name: 'q' });
  t.match(lines.lines(general, undefined)[0], ' -                queue ');
  const named = writer({ names: new Map([['abcdefgh', 'build']]) });
  t.match(named.lines(log('abcdefgh'), makeExecution({ id: 'abcdefgh', name: 'abcdefgh', implicit: true })), [
    / abcd build +log /,
  ]);
  t.end();
});

t.test('in UTC: RFC 3339 and full IDs', (t) => {
  t.same(writer({ isUtc: true }).lines(event('log', { message: 'hello' }), makeShipLogin()), [
    '2026-11-20T10:34:20Z 7hq2m4kd9x log        hello',
  ]);
  t.same(writer({ isUtc: true, isSingle: true }).lines(event('log', { message: 'hello' }), makeShipLogin()), [
    '2026-11-20T10:34:20Z log        hello',
  ]);
  t.end();
});

t.test('a line with the date precedes events of another day', (t) => {
  const day = 24 * 60 * 60 * 1_000;
  const at = (ms: number) => event('log', { message: 'x' }, { time: timeAt(ms) });
  const { date: _none, ...options } = { style: STYLE, columns: 80, isSingle: true, date: '' };
  const lines = new LineWriter(options);
  const all = [0, 1_000, day, day + 1_000].flatMap((ms) => lines.lines(at(ms), undefined));
  t.match(all, [TODAY, / x$/, / x$/, formatDate(START + day), / x$/, / x$/]);
  t.equal(writer({ isUtc: true }).lines(at(day), undefined).length, 1, 'UTC has it in each line');
  t.end();
});

t.test('at a terminal each event is one line, whose longest parts are cut first; in a pipe nothing is cut', (t) => {
  const step = event('step_failed', { name: 'x'.repeat(300), error: 'expected 401' }, { step: 'us-3' });
  const [cut = ''] = writer({ isSingle: true, columns: 70 }).lines(step, makeShipLogin());
  t.match(cut, / story {6}3\/7 "us-3 · x+…" failed expected 401$/);
  t.equal(cellsOf(cut), 70);
  const message = event('log', { message: 'one\ntwo\nthree' });
  t.match(writer({ isSingle: true }).lines(message, undefined), [/ log +one \(and 2 lines more\)$/]);
  t.match(writer({ isSingle: true, columns: Infinity }).lines(message, undefined), [/ one$/, / two$/, / three$/]);
  const output = event('output', { stream: 'stdout', text: `a\n${'b'.repeat(200)}\n` });
  t.match(
    writer({ isSingle: true }).lines(output, undefined),
    [/ stdout +\| a$/, / stdout +\| b+…$/],
    'output has its lines',
  );
  t.match(writer({ columns: Infinity }).lines(output, undefined)[1], 'b'.repeat(200));
  t.end();
});

t.test('details: long text is wrapped, then the full ID, position and data', (t) => {
  const verbose = writer({ isVerbose: true, isSingle: true, columns: 60 });
  const indent = ' '.repeat(20);
  t.same(
    verbose.lines(event('log', { message: 'word '.repeat(10).trim(), level: 'info', fields: { a: 1 } }), undefined),
    [
      `${CLOCK} info       word word word word word word word word`,
      `${indent}word word {"a":1}`,
      `${indent}seq=1 execution=7hq2m4kd9x`,
      `${indent}{"level":"info","fields":{"a":1}}`,
    ],
  );
  t.equal(verbose.lines(event('output', { text: 'a' }), undefined).length, 1, 'output is its text');
  t.end();
});

t.test('colours: times are dim, outcomes and levels have their tone', (t) => {
  const lines = writer({ style: { color: true, ascii: false }, isSingle: true });
  const first = (...given: Parameters<typeof event>) => lines.lines(event(...given), undefined)[0];
  t.equal(first('execution_failed'), `\u001b[2m${CLOCK}\u001b[0m \u001b[31mend       \u001b[0m failed`);
  t.match(first('log', { level: 'warning', message: 'x' }), '\u001b[33mwarning');
  t.match(first('step_completed', { name: 'x' }), '\u001b[32mstep');
  t.end();
});

t.test('a heartbeat shows the progress', (t) => {
  const lines = writer({ isUtc: true, columns: Infinity });
  t.equal(
    lines.heartbeat(makeShipLogin(), START + 401_000),
    '2026-11-20T10:41:01Z 7hq2m4kd9x heartbeat  "Run integration tests" running 51% elapsed=6:41 left=~6:30 cpu=71% rss=412 MiB',
  );
  const steps = [makeStep({ id: 'a', status: 'completed' }), makeStep({ id: 'b', status: 'running' })];
  t.equal(
    lines.heartbeat(makeExecution({ steps, attention: { state: 'waiting', since: timeAt(0) } }), START + 1_000),
    '2026-11-20T10:34:21Z 7hq2m4kd9x heartbeat  2/2 "b" waiting 1s 50% elapsed=1.0s',
  );
  t.end();
});

t.test('no line is wider than the terminal, and none has more than one row', (t) => {
  for (const columns of [40, 60, 80, 120]) {
    for (let seed = 1; seed <= 150; seed++) {
      const random = createRandom(seed);
      const execution = randomExecution(random, seed);
      const style = { color: random() < 0.5, ascii: random() < 0.5 };
      const lines = writer({
        columns,
        style,
        isSingle: random() < 0.3,
        isVerbose: random() < 0.3,
        isUtc: random() < 0.2,
      });
      const type = pick(random, [...EVENT_TYPES, 'other']);
      const keys = ['name', 'error', 'text', 'message', 'reason', 'stream', 'level', 'kind', 'queue', 'by'];
      const data = Object.fromEntries(keys.map((key) => [key, randomText(random)]));
      const shown = [
        ...lines.lines(event(type, data, { step: pick(random, [...execution.steps.keys(), 'none']) }), execution),
        lines.heartbeat(execution, START + 100_000),
      ];
      for (const line of shown)
        if (cellsOf(line) > columns || line.includes('\n')) t.fail(`${columns}, seed ${seed}: ${JSON.stringify(line)}`);
    }
  }
  t.end();
});
