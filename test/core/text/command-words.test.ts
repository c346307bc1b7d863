import { execFileSync } from 'node:child_process';
import t from 'tap';
import { parseWords, quoteWords } from '../../../src/core/text/command-words.js';

t.test('quoted words are read as the same words, also by a shell', (t) => {
  const words = ['printf', '%s\\0', '', 'a b', "it's", '"x"', '$HOME', '*', 'a\\b', 'line\nbreak', '~', '{1,2}', 'é'];
  const line = quoteWords(words);
  t.strictSame(parseWords(line), words);
  t.strictSame(execFileSync('sh', ['-c', line], { encoding: 'utf8' }).split('\0').slice(0, -1), words.slice(2));
  t.equal(quoteWords(['make', '-j4', 'CC=gcc', './a/b.c']), 'make -j4 CC=gcc ./a/b.c');
  t.end();
});

t.test('reads quotes and backslashes, and expands nothing', (t) => {
  t.strictSame(parseWords(`  a  'b c'"d $e"\\ f "\\"g\\n" `), ['a', 'b cd $e f', '"g\\n']);
  t.strictSame(parseWords(''), []);
  for (const line of [`a 'b`, 'a "b', 'a\\']) t.throws(() => parseWords(line), { message: /^unclosed quote: / }, line);
  t.end();
});
