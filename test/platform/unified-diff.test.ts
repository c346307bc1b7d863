import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { unifiedDiff } from '../../src/platform/unified-diff.js';

const ten = Array.from({ length: 10 }, (_, index) => `line ${index}\n`).join('');
const cases: [string, string, string][] = [
  ['at the end', ten, `${ten}new\n`],
  ['at the beginning', ten, `new\n${ten}`],
  ['in the middle', ten, ten.replace('line 5\n', 'new\nnewer\n')],
  ['out of the middle', ten, ten.replace('line 5\n', '')],
  ['without a line break before', ten.trimEnd(), `${ten}new\n`],
  ['without a line break after', `${ten}new\n`, ten.trimEnd()],
  ['into nothing', '', 'new\n'],
  ['down to nothing', 'old\n', ''],
  ['among equal lines', 'a\na\n', 'a\na\na\n'],
];

for (const [name, before, after] of cases) {
  t.test(`equal to diff -u: ${name}`, (t) => {
    const directory = t.testdir();
    const [a, b] = [path.join(directory, 'a'), path.join(directory, 'b')];
    writeFileSync(a, before);
    writeFileSync(b, after);
    const { stdout } = spawnSync('diff', ['-u', a, b], { encoding: 'utf8' });
    // it leaves out a count of one
    const expected = stdout.trimEnd().split('\n').slice(2);
    const actual = unifiedDiff('f', before, after)
      .slice(2)
      .map((line, at) => (at === 0 ? line.replace(/(\d),1(?= )/g, '$1') : line));
    t.strictSame(actual, expected);
    t.end();
  });
}

t.test('a missing file is /dev/null', (t) => {
  t.strictSame(unifiedDiff('f', undefined, 'a\n').slice(0, 2), ['--- /dev/null', '+++ f']);
  t.strictSame(unifiedDiff('f', 'a\n', undefined).slice(0, 2), ['--- f', '+++ /dev/null']);
  t.end();
});
