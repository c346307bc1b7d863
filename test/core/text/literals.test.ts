import t from 'tap';
import { requiredTexts } from '../../../src/core/text/literals.js';

t.test('finds literals that every match contains', (t) => {
  const cases: [string, string[] | undefined][] = [
    ['needle', ['needle']],
    ['timed? ?out', ['time']],
    ['one|last', ['one', 'last']],
    ['error: .*(timeout|refused) at', ['error: ']],
    ['(timeout|connection refused)', ['timeout', 'connection refused']],
    ['a(bcd)+e', ['bcd']],
    ['a(bcd)?e', ['a']],
    ['a(bcd)*', ['a']],
    ['abc+d', ['abc']],
    ['xab{2,3}cd', ['xa']],
    ['^start$', ['start']],
    [String.raw`a\.b\d+\[x`, ['a.b']],
    [String.raw`\bword\b`, ['word']],
    ['[abc]def[^]]gh', ['def']],
    ['[]x]yz', ['yz']],
    [String.raw`[\]x]yz`, ['yz']],
    ['(?:abc)d', ['abc']],
    ['über.stra', ['über']],
    ['😀?abc', ['abc']],
    ['ab?', ['a']],
    ['ab??c', ['a']],
    ['a|', undefined],
    ['x*', undefined],
    ['', undefined],
    ['.*', undefined],
    ['[0-9]{3}', undefined],
  ];
  for (const [pattern, expected] of cases) t.strictSame(requiredTexts(pattern), expected, pattern);
  t.end();
});

t.test('unsupported syntax yields no literals', (t) => {
  const patterns = ['(?i)abc', String.raw`\x41bc`, String.raw`\pLabc`, String.raw`\Qa.b\E`, String.raw`\n abc`, '(abc'];
  patterns.push(
    '[[:alpha:]]abc',
    'abc)',
    '[abc',
    'a**',
    '*a',
    'abc{',
    '(?P<n>abc)',
    '('.repeat(20) + 'abc' + ')'.repeat(20),
  );
  for (const pattern of patterns) t.equal(requiredTexts(pattern), undefined, pattern);
  t.end();
});
