import t from 'tap';
import { createGrep, unitsOf } from '../../../../src/cli/commands/logs/grep.js';
import type { ExecutionEvent } from '../../../../src/core/events/event.js';
import { compilePattern } from '../../../../src/platform/patterns.js';

const event = (data: ExecutionEvent['data'], type = 'output'): ExecutionEvent => ({ seq: 1, time: '', type, data });

t.test('splits output into lines, and no other event', (t) => {
  t.strictSame(
    unitsOf(event({ stream: 'stdout', text: 'a\nb\n\nc', line: 7, unterminated: true })).map(({ data }) => data),
    [
      { stream: 'stdout', text: 'a', line: 7 },
      { stream: 'stdout', text: 'b', line: 8 },
      { stream: 'stdout', text: '', line: 9 },
      { stream: 'stdout', text: 'c', line: 10, unterminated: true },
    ],
  );
  for (const one of [
    event({ text: 'a', continued: true }),
    event({ base64: 'AA==' }),
    event({ message: 'a\nb' }, 'log'),
  ])
    t.strictSame(unitsOf(one), [one]);
  t.end();
});

/** Output as of grep(1): `>` before a match. */
function grep(texts: string, source: string, { before = 0, after = 0, invert = false } = {}): string {
  const found = createGrep({ pattern: compilePattern(source), before, after, invert });
  const units = Array.from(texts).flatMap((text) => found.take(event({ text })));
  const words = units.map((unit) =>
    unit === 'break' ? '-' : `${unit.matched ? '>' : ''}${String(unit.event.data['text'])}`,
  );
  return `${words.join(' ')} (${found.count})`;
}

t.test('a pattern sees the text without its colours', (t) => {
  const texts = ['con\u001b[31mnect\u001b[0mion lost', '\u001b[1;31mconnection lost\u001b[0m'];
  for (const source of ['connection lost', '^connection', 'lost$']) {
    const grep = createGrep({ pattern: compilePattern(source), before: 0, after: 0, invert: false });
    for (const text of texts) {
      t.ok(grep.matches(event({ text })), `${source} in output`);
      t.ok(grep.matches(event({ message: text }, 'log')), `${source} in a message`);
      t.ok(grep.matches(event({ base64: Buffer.from(text).toString('base64') })), `${source} in bytes`);
    }
  }
  const grep = createGrep({ pattern: compilePattern('31m'), before: 0, after: 0, invert: false });
  t.notOk(grep.matches(event({ text: texts[0] })));
  t.end();
});

t.test('prints context once, and a break where something is skipped', (t) => {
  t.equal(grep('abcdefg', '[cf]'), '>c >f (2)');
  t.equal(grep('abcdefg', '[cf]', { before: 1 }), 'b >c - e >f (2)');
  t.equal(grep('abcdefg', '[cf]', { after: 1 }), '>c d - >f g (2)');
  t.equal(grep('abcdefg', '[cf]', { before: 1, after: 1 }), 'b >c d e >f g (2)', 'no break where nothing is missing');
  t.equal(grep('abcdefg', '[ce]', { before: 3, after: 3 }), 'a b >c d >e f g (2)');
  t.equal(grep('abc', 'b', { invert: true }), '>a >c (2)');
  t.equal(grep('abc', 'x', { before: 9 }), ' (0)');
  t.end();
});

t.test('searches bytes, activity of an agent, and the data of other events', (t) => {
  const pattern = compilePattern('needle');
  const found = createGrep({ pattern, before: 0, after: 0, invert: false });
  const raw = JSON.stringify({ content: 'a needle' });
  const cases: [ExecutionEvent, boolean][] = [
    [event({ base64: Buffer.from([0xff, ...Buffer.from('needle')]).toString('base64') }), true],
    [event({ text: 'a…', raw, textAt: '/content' }, 'activity'), true],
    [event({ text: 'short', raw }, 'activity'), false],
    [event({ message: 'needle' }, 'log'), true],
    [event({ unit: 'needles' }, 'progress'), true],
  ];
  for (const [one, expected] of cases) t.equal(found.matches(one), expected, JSON.stringify(one.data));
  t.end();
});
