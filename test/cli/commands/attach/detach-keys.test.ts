import t from 'tap';
import { DetachKeys, parseDetachKeys } from '../../../../src/cli/commands/attach/detach-keys.js';

t.test('finds sequences across reads, and passes incomplete ones on as input', (t) => {
  const cases: [keys: string, typed: string[], input: string, isDetached: boolean][] = [
    ['ctrl-]', ['ls\r'], 'ls\r', false],
    ['ctrl-]', ['ab\u001dcd'], 'ab', true],
    ['ctrl-p,ctrl-q', ['a\u0010', '\u0011b'], 'a', true],
    ['ctrl-p,ctrl-q', ['\u0010', 'x\u0010\u0010', '\u0011'], '\u0010x\u0010', true],
    ['ctrl-p,ctrl-q', ['\u0010x'], '\u0010x', false],
    ['ctrl-a,d', ['\u0001', 'd'], '', true],
    ['a,a,b', ['aaab'], 'a', true],
    ['ctrl-@', ['\0'], '', true],
  ];
  for (const [keys, typed, input, isDetached] of cases) {
    const detach = new DetachKeys(parseDetachKeys(keys));
    const results = typed.map((part) => detach.take(Buffer.from(part)));
    t.equal(results.map((result) => result.input.toString()).join(''), input, keys);
    t.equal(results.at(-1)?.isDetached, isDetached, keys);
  }
  for (const wrong of ['', 'ctrl-', 'ab', 'ctrl-1', 'ctrl-a,'])
    t.throws(() => parseDetachKeys(wrong), { code: 'usage' }, wrong);
  t.end();
});
