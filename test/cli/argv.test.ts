import t from 'tap';
import type { Command } from '../../src/cli/command.js';
import { command as emit } from '../../src/cli/commands/emit/emit.js';
import { command as run } from '../../src/cli/commands/run/run.js';
import { EMIT_OPTIONS_WITH_VALUE, RUN_OPTIONS_WITH_VALUE, splitWords } from '../../src/cli/argv.js';

function optionsWithValue({ options }: Command): string[] {
  const names = Object.keys(options).filter((name) => options[name]?.type !== 'boolean');
  return names.map((name) => `--${name}`).toSorted();
}

t.test('the options with a value are those of the definitions', async (t) => {
  t.strictSame(optionsWithValue(run), [...RUN_OPTIONS_WITH_VALUE].toSorted());
  t.strictSame(optionsWithValue(emit), [...EMIT_OPTIONS_WITH_VALUE].toSorted());
});

const cases: [string, string[], string[]][] = [
  // typed words, our words, the rest
  ['run make -j4', ['run'], ['make', '-j4']],
  ['run -- make', ['run'], ['make']],
  ['run -- -odd', ['run'], ['-odd']],
  ['run --stream make --name x', ['run', '--stream'], ['make', '--name', 'x']],
  ['run --name x make', ['run', '--name=x'], ['make']],
  ['run --name=x make', ['run', '--name=x'], ['make']],
  ['run --name --stream make', ['run', '--name=--stream'], ['make']],
  ['run --name -- make', ['run', '--name=--'], ['make']],
  ['run --name', ['run', '--name'], []],
  ['run make -- test', ['run'], ['make', '--', 'test']],
  ['run', ['run'], []],
  ['run --', ['run'], []],
  ['run --help', ['run', '--help'], []],
  ['emit log a=1 b:=2', ['emit', 'log'], ['a=1', 'b:=2']],
  ['emit --step s log', ['emit', '--step=s', 'log'], []],
  ['emit log --data {} a=1 --step s --wait', ['emit', '--data={}', '--step=s', '--wait', 'log'], ['a=1']],
  ['emit log --step a=b', ['emit', '--step=a=b', 'log'], []],
  ['emit log -- --force', ['emit', 'log'], ['--force']],
  ['emit --wait -- log a=1', ['emit', '--wait', 'log'], ['a=1']],
  ['emit -- --force', ['emit'], ['--force']],
  ['emit log word', ['emit', 'log'], ['word']],
  ['emit log {"a":1} --wait', ['emit', '--wait', 'log'], ['{"a":1}']],
  ['emit a=b', ['emit'], ['a=b']],
  ['show -- x', ['show', 'x'], []],
  ['ps', ['ps'], []],
  ['ps --sort -cpu -a', ['ps', '--sort=-cpu', '-a'], []],
  ['ps --sort=-cpu', ['ps', '--sort=-cpu'], []],
  ['ps --sort', ['ps', '--sort'], []],
  ['notify --channel x -- -w --help', ['notify', '--channel', 'x'], ['-w', '--help']],
  ['completion zsh -- run -', ['completion', 'zsh'], ['run', '-']],
];

for (const [typed, words, rest] of cases) {
  t.test(`progress ${typed}`, (t) => {
    t.strictSame(splitWords(typed.split(' ')), { words, rest });
    t.end();
  });
}
