import t from 'tap';
import type { ExecutionEvent } from '../../src/core/events/event.js';
import { EVENT_TYPES } from '../../src/core/events/event.js';
import type { Style } from '../../src/terminal/style.js';
import { describeEvent, isBell } from '../../src/terminal/plain.js';
import { makeShipLogin, START, timeAt } from '../helpers/models.js';

const STYLE = { color: false, ascii: false };

function event(type: string, data: Record<string, unknown> = {}, rest: Partial<ExecutionEvent> = {}): ExecutionEvent {
  return { seq: 1, time: timeAt(0), type, execution: '7hq2m4kd9x', data, ...rest };
}

function plain(type: string, data: Record<string, unknown> = {}, rest: Partial<ExecutionEvent> = {}): string[] {
  return textsOf(event(type, data, rest), STYLE);
}

function textsOf(described: ExecutionEvent, style: Style): string[] {
  const { word, lines } = describeEvent(described, makeShipLogin(), style);
  return lines.map((parts) => `${word.padEnd(10)} ${parts.join(' ')}`.trimEnd());
}

t.test('lifecycle', (t) => {
  t.same(plain('execution_queued', { argv: ['make', 'test'], queue: 'heavy' }), ['queued     make test queue=heavy']);
  t.same(plain('execution_queued', { argv: ['make'] }), [], 'it starts at once, which has a line');
  t.same(plain('execution_queued', { name: 'x' }), ['queued     x']);
  t.same(plain('execution_queued', { name: 'x', after: ['a', 'b'] }), ['queued     x after=a,b']);
  t.same(plain('execution_orphaned', { error: 'its runner was killed' }), ['orphaned   its runner was killed']);
  t.same(plain('queue_changed', { name: 'q', removed: true, by: 'root' }), ['queue      q removed=true by=root']);
  t.same(plain('execution_failed', { exitCode: 1, durationMs: 432_000, error: 'tests failed' }), [
    'end        failed exit=1 after=7:12 tests failed',
  ]);
  t.same(plain('execution_timeout', { signal: 'SIGKILL', durationMs: 5 }), [
    'end        timeout signal=SIGKILL after=0.0s',
  ]);
  t.same(plain('execution_paused', { by: 'alice' }), ['paused     by=alice']);
  t.same(plain('control', { action: 'stop', signal: 'SIGINT', by: 'bob' }), ['control    stop signal=SIGINT by=bob']);
  t.end();
});

t.test('steps have their place, full name and duration', (t) => {
  const long = 'x'.repeat(300);
  t.same(plain('step_started', { name: long }, { step: 'us-3' }), [`story      3/7 "us-3 · ${long}" started`]);
  t.same(plain('step_completed', { durationMs: 48_000 }, { step: 'ac-0' }), [
    'criterion  1/5 "Reset link is e-mailed" completed 48s',
  ]);
  t.same(plain('step_failed', { error: 'expected 401', model: 'opus' }, { step: 'ac-2' }), [
    'criterion  3/5 "Used token is rejected" failed 31s model=opus expected 401',
  ]);
  t.same(plain('step_planned', { name: 'new', kind: 'step' }, { step: 'unknown' }), ['step       "new" planned']);
  t.same(plain('step_completed', { commits: ['abc', 'def'] }), ['step       "?" completed abc,def']);
  t.end();
});

t.test('output, logs and messages keep their lines, tool calls and results have one', (t) => {
  t.same(plain('output', { stream: 'stderr', text: 'one\r\ntwo\n\nfour\n' }), [
    'stderr     | one',
    'stderr     | two',
    'stderr     |',
    'stderr     | four',
  ]);
  t.same(plain('output', { text: '10%\r20%\r30%' }), ['output     | 30%']);
  t.same(plain('output', { stream: 'stdout', base64: '/w==' }), ['stdout     | (bytes that are no UTF-8)']);
  t.same(plain('log', { level: 'warning', message: 'one\ntwo', fields: { a: 1 } }), [
    'warning    one {"a":1}',
    'warning    two',
  ]);
  t.same(plain('activity', { kind: 'assistant-text', text: 'a\nb\n' }), [
    'activity   assistant-text a',
    'activity   b',
  ]);
  t.same(plain('activity', { kind: 'result', text: 'done', durationMs: 2_000, tokens: 12 }), [
    'activity   result done after=2.0s tokens=12',
  ]);
  t.same(plain('activity', { kind: 'tool-result', tool: 'Bash', text: 'a\nb\nc', isError: true, raw: '{}' }), [
    'activity   tool-result failed Bash a (and 2 lines more)',
  ]);
  t.same(
    plain('activity', { kind: 'tool-call', tool: 'Bash', input: { command: 'ls\n-l' }, text: 'a\nb', tokens: 12 }),
    ['activity   tool-call Bash: ls -l a b tokens=12'],
  );
  t.end();
});

t.test('formats progress, attention, resources, alerts and unknown types', (t) => {
  t.same(plain('progress', { current: 18, total: 36, unit: 'tests', message: 'half' }), [
    'progress   50% 18/36 tests half',
  ]);
  t.same(plain('progress', { current: 18 }, { step: 's' }), ['progress   18 step=s']);
  t.same(plain('attention', { state: 'waiting', reason: 'may I?' }), ['attention  waiting may I?']);
  t.same(plain('resource_update', { cpu: 71.4, rss: 1024, processes: 3 }), [
    'resources  cpu=71% rss=1.0 KiB processes=3',
  ]);
  t.same(plain('alert_triggered', { rule: 'failed', channel: 'desktop', outcome: 'sent' }), [
    'alert      failed channel=desktop outcome=sent',
  ]);
  t.same(plain('journal_note', { kind: 'gap' }), ['journal    {"kind":"gap"}']);
  t.same(plain('coffee.ready', { cups: 2 }), ['coffee.ready {"cups":2}']);
  t.same(plain('x', { long: 'y'.repeat(500) })[0]?.length, 11 + 201, 'unknown data is shown, not dumped');
  t.end();
});

t.test('every type is formatted, and no text reaches the terminal unescaped', (t) => {
  const evil = '\u001b[2J\u0007\r\u202e';
  const data = Object.fromEntries(
    [
      'name',
      'error',
      'text',
      'message',
      'reason',
      'state',
      'stream',
      'level',
      'kind',
      'tool',
      'rule',
      'by',
      'queue',
    ].map((key) => [key, evil]),
  );
  for (const type of [...EVENT_TYPES, 'unknown', evil]) {
    for (const color of [false, true]) {
      const lines = textsOf(event(type, data, { step: evil, execution: evil }), { color, ascii: false });
      t.ok(lines.length > 0, type);
      t.notMatch(lines.join('\n'), /[\u0000-\u0009\u000b-\u001a\u001c-\u001f\u202e]|\u001b(?!\[[0-9;]*m)/, type);
    }
    t.not(textsOf(event(type), STYLE).join(''), '', `${type} without any data`);
  }
  t.end();
});

t.test('colours of the output stay if colour is wanted', (t) => {
  const red = event('output', { text: '\u001b[31mred\u001b[0m' });
  t.match(textsOf(red, { color: true, ascii: false }), [/\| \u001b\[31mred/]);
  t.notMatch(textsOf(red, STYLE), [/\u001b/]);
  t.end();
});

t.test('a pending bell alert rings, unless it is from the backlog', (t) => {
  const asked = event('alert_triggered', { channel: 'bell', outcome: 'pending' });
  t.ok(isBell(asked, START + 9_000));
  t.notOk(isBell(asked, START + 10_000));
  t.notOk(isBell(event('alert_triggered', { channel: 'bell', outcome: 'sent' }), START), 'once is enough');
  t.notOk(isBell(event('alert_triggered', { channel: 'desktop', outcome: 'pending' }), START));
  t.notOk(isBell(event('log', { channel: 'bell', outcome: 'pending' }), START));
  t.end();
});
