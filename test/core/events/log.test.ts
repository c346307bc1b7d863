import t from 'tap';
import { countLines, cutLine, LINE_CHARS, lineTest, linesOf } from '../../../src/core/events/log.js';
import { EVENT_TYPES } from '../../../src/core/events/event.js';
import type { Draft } from '../../helpers/events.js';
import { numbered } from '../../helpers/events.js';

const texts = (draft: Draft) => linesOf(numbered([draft])[0]!, 1).map(({ text }) => text);

t.test('the number of lines equals their count, for any event', (t) => {
  const datas = [
    {},
    ...['', 'a', 'a\n', 'a\nb', '\n', '\n\n', 'a\r\nb\r\n', 'x\n'.repeat(100)].map((text) => ({ text, message: text })),
    { base64: 'AAEC' },
    { kind: 'assistant-text', text: 'a\nb' },
    { kind: 'tool-call', tool: 'Bash', input: { command: 'ls\n-l' } },
    { level: 'error', message: 'a\nb', fields: { a: 1 } },
    { text: 7, message: null, error: 'x\ny' },
  ];
  for (const type of [...EVENT_TYPES, 'custom_type'])
    for (const data of datas) {
      const [event] = numbered([{ type, data }]);
      t.equal(linesOf(event!, 5).length, countLines(event!), `${type} ${JSON.stringify(data).slice(0, 40)}`);
      linesOf(event!, 5).forEach(({ line }, index) => t.equal(line, 5 + index));
    }
  t.end();
});

t.test('output is split into lines, and a meter shows its final state', (t) => {
  t.strictSame(texts({ type: 'output', data: { text: '10%\r50%\r100%\r\nnext\n' } }), ['100%', 'next']);
  t.strictSame(texts({ type: 'output', data: { base64: 'AAECAw==' } }), ['(4 bytes that are no UTF-8)']);
  t.end();
});

t.test('text of an agent is shown in full, tool calls as one line with details', (t) => {
  const [call] = linesOf(
    numbered([{ type: 'activity', data: { kind: 'tool-call', tool: 'Bash', input: { command: 'ls' } } }])[0]!,
    1,
  );
  t.match(call, { kind: 'tool-call', tool: 'Bash', text: '{"command":"ls"}', detail: /\{\n {2}"command": "ls"\n\}/ });
  t.strictSame(texts({ type: 'activity', data: { kind: 'assistant-text', text: 'one\ntwo' } }), ['one', 'two']);
  t.strictSame(texts({ type: 'activity', data: { kind: 'init', agent: 'claude', model: 'm', cwd: '/w' } }), [
    'claude · m · /w',
  ]);
  const spent = { durationMs: 2_000, tokens: 1_200, costUsd: 0.05 };
  t.strictSame(texts({ type: 'activity', data: { kind: 'result', ...spent } }), ['2.0s · 1,200 tokens · $0.05']);
  t.strictSame(texts({ type: 'activity', data: { kind: 'result', text: 'a\nb', ...spent } }), [
    'a',
    'b (2.0s · 1,200 tokens · $0.05)',
  ]);
  const [result] = linesOf(numbered([{ type: 'activity', data: { kind: 'tool-result', text: 'one\ntwo' } }])[0]!, 1);
  t.match(result, { text: 'one', detail: 'one\ntwo' });
  t.end();
});

t.test('status changes have a line', (t) => {
  t.strictSame(texts({ type: 'step_failed', step: 's', data: { name: 'Build', durationMs: 2_000, error: 'no' } }), [
    'Build failed after 2.0s: no',
  ]);
  t.strictSame(texts({ type: 'execution_failed', data: { exitCode: 3 } }), ['failed exit 3']);
  t.strictSame(texts({ type: 'control', data: { action: 'stop', by: 'web' } }), ['stop by web']);
  t.strictSame(texts({ type: 'progress', data: { current: 1 } }), []);
  t.match(texts({ type: '__proto__', data: { a: 1 } }), ['__proto__ {"a":1}']);
  t.end();
});

t.test('a long line is cut, with the number of characters removed', (t) => {
  const [line] = linesOf(numbered([{ type: 'output', data: { text: 'x'.repeat(LINE_CHARS + 5) } }])[0]!, 1);
  t.match(cutLine(line!), { cut: 5 });
  t.equal(cutLine(line!).text.length, LINE_CHARS);
  t.end();
});

t.test('filters: text ignoring case, stream, level, step', (t) => {
  const events = numbered([
    { type: 'output', step: 's', data: { stream: 'stderr', text: 'Disk FULL' } },
    { type: 'output', data: { stream: 'stdout', text: 'fine' } },
    { type: 'log', data: { level: 'debug', message: 'details' } },
    { type: 'activity', data: { kind: 'tool-call', tool: 'x', input: { deep: 'full' } } },
  ]);
  const lines = events.flatMap((event, index) => linesOf(event, index + 1));
  const found = (filter: Parameters<typeof lineTest>[0]) => lines.filter(lineTest(filter)).map(({ line }) => line);
  t.strictSame(found({ text: 'full' }), [1, 4]);
  t.strictSame(found({ text: 'FULL', caseSensitive: true }), [1]);
  t.strictSame(found({ stream: 'stderr' }), [1, 3, 4]);
  t.strictSame(found({ level: 'info' }), [1, 2, 4]);
  t.strictSame(found({ step: 's' }), [1]);
  t.strictSame(
    found({ types: ['log'] }),
    lines.filter(({ type }) => type === 'log').map(({ line }) => line),
  );
  t.strictSame(found({ types: ['step_started'] }), []);
  t.strictSame(found({}), [1, 2, 3, 4]);
  t.end();
});
