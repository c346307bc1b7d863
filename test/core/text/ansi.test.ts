import t from 'tap';
import { sanitize, stripAnsi, visibleLine } from '../../../src/core/text/ansi.js';

const COLOR = { color: true };
const PLAIN = { color: false };

t.test('colours, newlines and tabs pass, and colours are reset at the end of a line', (t) => {
  t.equal(
    sanitize('\u001b[1;31mred\nnext\u001b[0m\tend', COLOR),
    '\u001b[1;31mred\u001b[0m\nnext\u001b[0m\tend\u001b[0m',
  );
  t.equal(sanitize('plain\ntext', COLOR), 'plain\ntext');
  t.equal(sanitize('\u001b[38:2::1:2:3mtrue\u001b[m', COLOR), '\u001b[38:2::1:2:3mtrue\u001b[m\u001b[0m');
  t.end();
});

t.test('without colour no escape byte is left', (t) => {
  t.equal(sanitize('\u001b[1;31mred\u001b[0m \u001b[2J', PLAIN), 'red ^[[2J');
  t.end();
});

t.test('all other control characters are made visible', (t) => {
  const cases: Record<string, string> = {
    'cursor move': '\u001b[2A',
    erase: '\u001b[2J',
    title: '\u001b]0;x\u0007',
    clipboard: '\u001b]52;c;aGk=\u001b\\',
    link: '\u001b]8;;javascript:alert(1)\u001b\\x',
    'device control': '\u001bP+q544e\u001b\\',
    'application command': '\u001b_hi\u001b\\',
    'status query': '\u001b[6n',
    'private SGR': '\u001b[?1m',
    'SGR beyond the bound': `\u001b[${'1'.repeat(65)}m`,
    'unfinished SGR': '\u001b[31',
    'carriage return': 'a\rb',
    backspace: 'a\bb',
    NUL: '\u0000',
    DEL: '\u007f',
    'one-byte CSI': '\u009b2J',
    'bidi override': '\u202eabc',
    'bidi isolate': '\u2066abc',
    'arabic letter mark': '\u061c',
    'line separator': '\u2028',
  };
  for (const [name, text] of Object.entries(cases)) {
    for (const options of [COLOR, PLAIN]) {
      const safe = sanitize(text, options);
      t.notMatch(safe, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/, name);
      t.not(safe, '', `${name} is not hidden`);
    }
  }
  t.equal(sanitize('\u001b]0;x\u0007\r\u007f\u009b\u202e', PLAIN), '^[]0;x^G^M^?\\u{9b}\\u{202e}');
  t.end();
});

t.test('a crafted megabyte takes linear time', (t) => {
  const hostile = ['\u001b[', '\u001b[1', '\u001b]', '\u001bP', `\u001b[${'1;'.repeat(500_000)}`, '\u001b[0m'];
  for (const text of hostile) {
    const long = text.repeat(Math.ceil(1_000_000 / text.length));
    const start = performance.now();
    sanitize(long, COLOR);
    stripAnsi(long);
    const ms = performance.now() - start;
    // quadratic would be hours
    t.ok(ms < 3_000, `${JSON.stringify(text.slice(0, 8))}: ${Math.round(ms)} ms`);
  }
  t.end();
});

t.test('stripAnsi removes whole sequences', (t) => {
  t.equal(
    stripAnsi('\u001b[31mred\u001b[0m \u001b]0;title\u0007x\u001b]8;;http://a\u001b\\y\u001bPq\u001b\\z\u001b(B!'),
    'red xyz!',
  );
  t.equal(stripAnsi('nothing to do'), 'nothing to do');
  t.end();
});

t.test('the last state of a meter is visible', (t) => {
  t.equal(visibleLine('10%\r20%\r30%'), '30%');
  t.equal(visibleLine('10%\r20%\r'), '20%');
  t.equal(visibleLine('windows line\r'), 'windows line');
  t.equal(visibleLine('\r'), '');
  t.equal(visibleLine(''), '');
  t.equal(visibleLine('no meter'), 'no meter');
  t.end();
});
