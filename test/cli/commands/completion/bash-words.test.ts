import { spawnSync } from 'node:child_process';
import t from 'tap';
import { quoteRest, readBashLine } from '../../../../src/cli/commands/completion/bash-words.js';

t.test('splits a line as bash does', async (t) => {
  const words = (line: string) => readBashLine(line).words;
  t.strictSame(words('progress show '), ['progress', 'show', '']);
  t.strictSame(words('progress   show ab'), ['progress', 'show', 'ab']);
  t.strictSame(words(`progress a\\ b 'c d'"e \\"f\\$"g '' "`), ['progress', 'a b', 'c de "f$g', '', '']);
  t.strictSame(words('progress logs --type=log,out'), ['progress', 'logs', '--type=log,out']);
  t.strictSame(words('A=1 B+=x progress ps --j'), ['progress', 'ps', '--j']);
  t.strictSame(words('progress ps 2> err >out --j'), ['progress', 'ps', '--j']);
});

t.test('detects open quotes at the end, and redirections', async (t) => {
  const quoting = (line: string) => readBashLine(line).quoting;
  t.equal(quoting(`progress show 'a'"b"c\\d`), 'none');
  t.equal(quoting("progress show a' b"), 'single');
  t.equal(quoting('progress show "a\\" b'), 'double');
  for (const line of ['p "a\\', 'p a\\', "p $'a", 'p $(ls', 'p `ls', 'p ${a', 'p $"a'])
    t.equal(quoting(line), 'unknown', line);
  t.ok(readBashLine('progress ps > ').isRedirection);
  t.ok(readBashLine('progress ps 2>er').isRedirection);
  t.notOk(readBashLine('progress ps 2>er ').isRedirection);
  t.notOk(readBashLine("progress show '>a").isRedirection);
});

t.test('a quoted rest is plain text to bash, and runs nothing', async (t) => {
  const rest = ['$(touch x)`id`', `it's "q"`, '; rm *', 'a\\b', '~/x{1,2}', '<(ls) & | ?[a]#', 'éß 日本 😀', '*'].join(
    ' ',
  );
  const starts = { none: 'a\\ ', single: "'a ", double: '"a ' } as const;
  const ends = { none: '', single: "'", double: '"' } as const;
  for (const quoting of ['none', 'single', 'double'] as const) {
    const word = `${starts[quoting]}${quoteRest(rest, quoting) ?? ''}${ends[quoting]}`;
    const { stdout, stderr } = spawnSync('bash', ['-c', `printf %s ${word}`], { encoding: 'utf8', cwd: t.testdir() });
    t.equal(stdout + stderr, `a ${rest}`, quoting);
  }
});

t.test('a rest that the open quotes cannot hold is excluded', async (t) => {
  t.equal(quoteRest('a!b', 'double'), undefined);
  t.equal(quoteRest('a!b', 'none'), 'a\\!b');
  t.equal(quoteRest('ab', 'unknown'), undefined);
});

t.test('splits a long line in linear time', async (t) => {
  const started = Date.now();
  for (const piece of ['a', '"a" ', "'", '\\ ', '"\\"']) readBashLine(`progress ${piece.repeat(200_000)}`);
  t.ok(Date.now() - started < 20_000);
});
