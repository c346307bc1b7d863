import t from 'tap';
import { compilePattern, matchesGlob } from '../../src/platform/patterns.js';

t.test('a pattern matches anywhere in a text, with positions', async (t) => {
  const pattern = compilePattern('err(or)?: \\d+');
  t.ok(pattern.test('an error: 12'));
  t.notOk(pattern.test('an Error: 12'));
  t.ok(compilePattern('ERROR', { ignoreCase: true }).test('an Error'));
  t.strictSame(pattern.find('err: 1, error: 22'), [
    [0, 6],
    [8, 17],
  ]);
  t.strictSame(compilePattern('x*').find('axxb'), [[1, 3]], 'what is empty is nowhere');
  t.strictSame(compilePattern('x').find('xxx', 2).length, 2, 'as many as are wanted');
  t.strictSame(compilePattern('b').find('😀b'), [[2, 3]], 'in units of the string');
  t.equal(pattern.source, 'err(or)?: \\d+');
});

t.test('patterns crafted to backtrack take linear time', async (t) => {
  const patterns = [
    '(a+)+$',
    '(a|aa)+$',
    '(a|a?)+b',
    '(.*a){12}x',
    '([a-z]+)*\\d',
    '(a*)*(a*)*(a*)*b',
    '^(([a-z])+.)+[A-Z]$',
  ];
  for (const source of patterns) {
    const pattern = compilePattern(source);
    const text = `${'a'.repeat(50_000)}!`;
    const before = performance.now();
    t.notOk(pattern.test(text), source);
    t.strictSame(pattern.find(text), []);
    t.ok(performance.now() - before < 5_000, `${source} in ${performance.now() - before} ms`);
  }
});

t.test('an invalid pattern is refused with the position', async (t) => {
  const cases = [
    ['a(b', 'missing closing )'],
    ['ab[z-a]', 'invalid character class range at 4 ("z-a")'],
    ['x(?=y)', 'invalid or unsupported Perl syntax at 2 ("(?=")'],
    ['(a)\\1', 'invalid escape sequence at 4 ("\\\\1")'],
    ['(((x{100}){100}){100})', 'invalid repeat count'],
    ['x'.repeat(1_001), 'is longer than 1000 characters'],
    ['('.repeat(999), 'missing closing )'],
  ] as const;
  for (const [source, why] of cases) {
    t.throws(() => compilePattern(source), { code: 'usage' });
    t.ok(refusalOf(source).includes(why), `${refusalOf(source)} says ${why}`);
  }
  t.throws(() => compilePattern('(', { code: 'bad_request' }), { code: 'bad_request' });
});

t.test('globs match whole names, with stars and question marks', async (t) => {
  const cases = [
    ['backup-*', 'backup-db', true],
    ['backup-*', 'a backup-db', false],
    ['*', '', true],
    ['', '', true],
    ['?', '', false],
    ['a?c', 'abc', true],
    ['a?c', 'a😀c', true],
    ['*a*b*c', 'xxaxxbxxbxxc', true],
    ['*a*b*c', 'xxaxxbxxbxxcd', false],
    ['release/*', 'release/1.2', true],
    ['[ab].*', '[ab].x', true],
    ['[ab].*', 'a.x', false],
    ['**x', 'x', true],
  ] as const;
  for (const [pattern, text, is] of cases) t.equal(matchesGlob(pattern, text), is, `${pattern} ${text}`);
  const before = performance.now();
  t.notOk(matchesGlob(`${'*a'.repeat(100)}b`, 'a'.repeat(20_000)));
  t.ok(performance.now() - before < 5_000);
});

function refusalOf(source: string): string {
  try {
    compilePattern(source);
    return '';
  } catch (error) {
    return String(error);
  }
}
