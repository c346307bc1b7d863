import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import {
  cutBlock,
  findBlock,
  fromBytes,
  loadLine,
  programOf,
  putBlock,
  toBytes,
} from '../../../../src/cli/commands/setup/rc-block.js';
import type { Shell } from '../../../../src/platform/paths.js';
import { SHELLS } from '../../../../src/platform/paths.js';
import { isAble, isMissing } from '../../../helpers/needs.js';

const PROGRAM = '/opt/progress/bin/progress';
const NAMES = [PROGRAM, "/it's/a $(touch x)/`y`", '/back\\slash/\\', '/naïve/ünïcode "quoted"', "/''/'"];

t.test('a block can be added, found, and removed byte for byte', (t) => {
  const texts = ['', 'a\n', 'a', 'a\r\nb\r\n', '\n\n', toBytes('ünï\n'), '\xff\xfe\n', 'if true; then\n  x'];
  for (const shell of SHELLS) {
    for (const program of NAMES) {
      for (const before of texts) {
        const text = putBlock(before, undefined, shell, program);
        t.ok(text.startsWith(before));
        const block = findBlock(text, 'f')!;
        t.equal(cutBlock(text, block), before, JSON.stringify(before));
        t.equal(programOf(block, shell), program);
        t.equal(putBlock(text, block, shell, program), text, 'putting it in again changes nothing');
        const moved = putBlock(text, block, shell, '/elsewhere');
        t.equal(programOf(findBlock(moved, 'f')!, shell), '/elsewhere');
        t.equal(cutBlock(moved, findBlock(moved, 'f')!), before, 'after a move too');
      }
    }
  }
  t.end();
});

t.test('text around the block stays, with its line breaks', (t) => {
  const text = `first\n${putBlock('a', undefined, 'bash', PROGRAM)}last\n`;
  t.equal(cutBlock(text, findBlock(text, 'f')!), 'first\na\nlast\n');
  t.end();
});

t.test('an edited block is not recognised, and can be removed', (t) => {
  const text = putBlock('a\n', undefined, 'bash', PROGRAM).replace('esac', 'esac # mine');
  const block = findBlock(text, 'f')!;
  t.equal(programOf(block, 'bash'), undefined);
  t.equal(cutBlock(text, block), 'a\n');
  t.equal(putBlock(text, block, 'bash', PROGRAM), putBlock('a\n', undefined, 'bash', PROGRAM), 'it is written anew');
  t.end();
});

t.test('an incomplete block, or two, is refused with its line', (t) => {
  const whole = putBlock('', undefined, 'bash', PROGRAM);
  const [begin = '', body = '', end = ''] = whole.split('\n');
  const cases: [string[], string][] = [
    [['x', begin, body], 'f:2: the block of progress that starts here has no end; remove '],
    [['x', 'y', end], 'f:3: the block of progress ends here without a start; remove '],
    [[end, begin], 'f:1: the block of progress ends here'],
    [[begin, begin, end], 'f:1: the block of progress that starts here has no end'],
    [[begin, body, end, 'x', begin, body, end], 'f:5: a second block of progress; remove '],
    [[begin, body, end, end], 'f:4: a second block'],
  ];
  for (const [lines, message] of cases) {
    t.throws(() => findBlock(lines.join('\n'), 'f'), { code: 'bad_config', message: new RegExp(`^${message}`) });
  }
  t.equal(findBlock('x # >>> progress >>>\n', 'f'), undefined, 'a marker begins its line');
  t.end();
});

/** A launcher whose `init` prints that it was loaded. */
function plantProgram(t: Test): { directory: string; program: string } {
  const directory = t.testdir();
  const program = path.join(directory, "it's $(here) \\ `x`", 'progress');
  mkdirSync(path.dirname(program));
  writeFileSync(program, `#!/bin/sh\n[ "$1" = init ] && echo "echo hooks of $2"\n`);
  chmodSync(program, 0o755);
  return { directory, program };
}

const START: Readonly<Record<Shell, { file: string; strict: string; status: string }>> = {
  bash: { file: '.bashrc', strict: 'set -eu\n', status: '$?' },
  zsh: { file: '.zshrc', strict: 'set -eu\n', status: '$?' },
  fish: { file: 'fish/conf.d/progress.fish', strict: '', status: 'end' },
};

for (const shell of SHELLS) {
  t.test(`${shell} loads the hooks when interactive, and is silent otherwise`, (t) => {
    if (isMissing(t, shell, isAble(shell, '-c', 'exit 0'))) return t.end();
    const { directory, program } = plantProgram(t);
    const { file, strict, status } = START[shell];
    const rc = path.join(directory, file);
    mkdirSync(path.dirname(rc), { recursive: true });
    const env = { ...process.env, HOME: directory, ZDOTDIR: directory, XDG_CONFIG_HOME: directory };
    // fish reads that file in scripts, too
    const script = shell === 'fish' ? 'echo ready' : `. '${rc}'; echo ready`;
    const run = (text: string, interactive: boolean) => {
      writeFileSync(rc, Buffer.from(text, 'latin1'));
      const words = interactive ? ['-i', '-c', 'echo ready'] : ['-c', script];
      const { stdout, stderr } = spawnSync(shell, words, { env, encoding: 'utf8' });
      return { stdout: stdout.trim().split('\n'), stderr };
    };
    const around = (block: string) => `${strict}${block}echo "status ${status}"\n`;
    const block = putBlock('', undefined, shell, program);
    const plain = run(around(shell === 'fish' ? '' : ':\n'), true);
    const done = `status ${status === '$?' ? '0' : 'end'}`;
    t.strictSame(plain.stdout, [done, 'ready']);
    t.strictSame(run(around(block), true), { ...plain, stdout: [`hooks of ${shell}`, done, 'ready'] });
    t.strictSame(run(around(block), false), { stdout: [done, 'ready'], stderr: '' }, 'a script');
    const gone = putBlock('', undefined, shell, '/nowhere/progress');
    t.strictSame(run(around(gone), true), plain, 'the package is gone');
    writeFileSync(rc, '');
    t.equal(
      spawnSync(shell, ['-c', loadLine(shell, program)], { env, encoding: 'utf8' }).stdout,
      `hooks of ${shell}\n`,
    );
    writeFileSync(program, '#!/bin/sh\necho false\n');
    t.strictSame(run(around(block), true), plain, 'what it loads fails');
    t.end();
  });
}

t.test('texts of any bytes are kept', (t) => {
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('latin1');
  t.equal(
    cutBlock(putBlock(every, undefined, 'zsh', '/ü'), findBlock(putBlock(every, undefined, 'zsh', '/ü'), 'f')!),
    every,
  );
  t.equal(fromBytes(toBytes('ü✗')), 'ü✗');
  t.end();
});
