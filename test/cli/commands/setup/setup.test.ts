import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import { explainLogin } from '../../../../src/cli/commands/setup/setup.js';
import type { Home, Outcome } from '../../../helpers/daemon.js';
import { createHome, PROGRESS } from '../../../helpers/daemon.js';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
const TEXT = '# mine\nalias ll="ls -l"\n';

interface Bench extends Home {
  rc: string;
  backup: string;
  setup: (args?: string, env?: NodeJS.ProcessEnv) => Promise<Outcome>;
  read: () => string;
}

/** A home whose shell is bash, with this ~/.bashrc. */
function createBench(t: Test, text?: string): Bench {
  const home = createHome(t);
  const rc = path.join(home.directory, '.bashrc');
  if (text !== undefined) writeFileSync(rc, text, 'latin1');
  return {
    ...home,
    rc,
    backup: `${rc}.progress-backup`,
    setup: (args = '', env = {}) =>
      home.invoke(['setup', ...args.split(' ').filter(Boolean)], { env: { SHELL: '/bin/bash', ...env } }),
    read: () => readFileSync(rc, 'latin1'),
  };
}

t.test('adds one block, shows the diff, keeps a backup, and prints the next steps', async (t) => {
  const { setup, read, rc, backup } = createBench(t, TEXT);
  const { status, stdout, stderr } = await setup();
  t.strictSame({ status, stderr }, { status: 0, stderr: '' });
  const block = [
    '# >>> progress >>>  (progress setup --undo removes this)',
    `case $- in *i*) if [ -x '${PROGRESS}' ]; then eval "$('${PROGRESS}' init bash)" || :; fi ;; esac`,
    '# <<< progress <<<',
  ];
  t.equal(read(), `${TEXT}${block.join('\n')}\n`);
  t.strictSame(stdout.split('\n'), [
    `--- ${rc}`,
    `+++ ${rc}`,
    '@@ -1,2 +1,5 @@',
    ' # mine',
    ' alias ll="ls -l"',
    ...block.map((line) => `+${line}`),
    `Written to ${rc}; what it was before setup is in ${backup}`,
    `To load it now:  eval "$('${PROGRESS}' init bash)"`,
    'To undo it:      progress setup bash --undo',
    '',
  ]);
  t.equal(readFileSync(backup, 'utf8'), TEXT);
});

t.test('a second run changes nothing', async (t) => {
  const { setup, read, rc } = createBench(t, TEXT);
  await setup();
  const after = read();
  const { ino } = statSync(rc);
  t.match(await setup(), { status: 0, stdout: `Nothing to do: ${rc} is up to date.\n` });
  t.equal(read(), after);
  t.equal(statSync(rc).ino, ino, 'the file was not written');
});

t.test('a dry run changes nothing', async (t) => {
  const { setup, read, directory } = createBench(t, TEXT);
  t.match(await setup('--dry-run'), { status: 0, stdout: /^\+# >>> progress >>>.*Nothing was changed/ms });
  t.equal(read(), TEXT);
  t.strictSame(readdirSync(directory), ['.bashrc']);
  await setup();
  const after = read();
  t.match(await setup('--undo --dry-run'), { status: 0, stdout: /^-# >>> progress >>>.*Nothing was changed/ms });
  t.equal(read(), after);
  t.match(await setup('--dry-run'), { status: 0, stdout: /^Nothing would change in / });
});

t.test('undo restores the file byte for byte, and removes the backup', async (t) => {
  for (const text of [TEXT, 'no line break', 'windows\r\n', '\xff\xfe\x00\n', '']) {
    const { setup, read, rc, directory } = createBench(t, text);
    await setup();
    t.not(read(), text);
    t.match(await setup('--undo'), { status: 0, stdout: `Removed from ${rc}.` });
    t.equal(read(), text);
    t.strictSame(readdirSync(directory), ['.bashrc']);
    t.match(await setup('--undo'), { status: 0, stdout: 'Nothing to do' });
  }
});

t.test('undo removes a file that setup created', async (t) => {
  for (const [shell, file] of [
    ['bash', '.bashrc'],
    ['zsh', '.zshrc'],
    ['fish', '.config/fish/conf.d/progress.fish'],
  ] as const) {
    const { setup, directory } = createBench(t);
    const rc = path.join(directory, file);
    t.match(await setup(shell), { status: 0, stdout: `--- /dev/null\n+++ ${rc}\n` });
    t.match(readFileSync(rc, 'utf8'), `'${PROGRESS}' init ${shell}`);
    t.match(await setup(`${shell} --undo`), { status: 0, stdout: '+++ /dev/null' });
    t.notOk(existsSync(rc));
  }
});

t.test('ZDOTDIR and XDG_CONFIG_HOME are respected, and $SHELL names the shell', async (t) => {
  const { setup, directory } = createBench(t);
  const elsewhere = path.join(directory, 'elsewhere');
  await setup('', { SHELL: '/usr/bin/zsh', ZDOTDIR: elsewhere });
  await setup('', { SHELL: '/usr/local/bin/fish', XDG_CONFIG_HOME: elsewhere });
  t.ok(existsSync(path.join(elsewhere, '.zshrc')));
  t.ok(existsSync(path.join(elsewhere, 'fish/conf.d/progress.fish')));
  t.match(await setup('', { SHELL: '/bin/tcsh' }), {
    status: 64,
    stderr: '$SHELL is "/bin/tcsh", for which there are no hooks; name one of bash, zsh',
  });
  t.match(await setup('', { SHELL: undefined }), { status: 64, stderr: 'name one of bash, zsh' });
  t.match(await setup('tcsh'), { status: 64 });
});

t.test('edits around the block stay, and the backup too', async (t) => {
  const { setup, read, rc, backup } = createBench(t, 'a');
  await setup();
  writeFileSync(rc, `first\n${read()}last\n`);
  await setup('--undo');
  t.equal(read(), 'first\na\nlast\n');
  t.equal(readFileSync(backup, 'utf8'), 'a');
  await setup();
  t.equal(readFileSync(backup, 'utf8'), 'a', 'a later run does not overwrite it');
});

t.test('an edited block is replaced, or removed', async (t) => {
  const { setup, read, rc } = createBench(t, TEXT);
  await setup();
  const written = read();
  writeFileSync(rc, written.replace(PROGRESS, '/old/progress'));
  t.match(await setup(), { status: 0, stdout: /^-.*'\/old\/progress' \].*^\+/ms });
  t.equal(read(), written);
  writeFileSync(rc, written.replace('esac', 'esac; echo mine'));
  await setup('--undo');
  t.equal(read(), TEXT);
});

t.test('an incomplete block, or two, is an error with line and advice', async (t) => {
  const { setup, read, rc } = createBench(t, TEXT);
  await setup();
  const written = read();
  const cases = [
    [written.replace('# <<< progress <<<\n', ''), ':3: the block of progress that starts here has no end; remove '],
    [`${written}${written}`, ':8: a second block of progress; remove '],
  ] as const;
  for (const [text, message] of cases) {
    writeFileSync(rc, text);
    for (const args of ['', '--undo']) t.match(await setup(args), { status: 78, stdout: '', stderr: rc + message });
    t.equal(read(), text);
  }
});

t.test('links of dotfile repositories stay, and their targets are written', async (t) => {
  const { setup, rc, backup, directory } = createBench(t);
  const target = path.join(directory, 'dotfiles/bashrc');
  mkdirSync(path.dirname(target));
  writeFileSync(target, TEXT);
  symlinkSync('dotfiles/link', rc);
  symlinkSync('bashrc', path.join(directory, 'dotfiles/link'));
  await setup();
  t.equal(readlinkSync(rc), 'dotfiles/link');
  t.match(readFileSync(target, 'utf8'), '# >>> progress >>>');
  t.equal(readFileSync(backup, 'utf8'), TEXT);
  t.strictSame(readdirSync(path.dirname(target)).sort(), ['bashrc', 'link'], 'nothing is left in the repository');
  await setup('--undo');
  t.equal(readFileSync(target, 'utf8'), TEXT);
  t.ok(lstatSync(rc).isSymbolicLink());
  rmSync(target);
  t.match(await setup(), { status: 66, stderr: `${rc} is a link to dotfiles/link, which is not there` });
});

t.test('mode and owner stay', async (t) => {
  const { setup, rc } = createBench(t, TEXT);
  chmodSync(rc, 0o640);
  if (isRoot) chownSync(rc, NOBODY, NOBODY);
  const { mode, uid, gid } = statSync(rc);
  await setup();
  t.match(statSync(rc), { mode, uid, gid });
  await setup('--undo');
  t.match(statSync(rc), { mode, uid, gid });
});

t.test('an unwritable directory, or another file type, is an error that changes nothing', async (t) => {
  const { setup, rc, directory, env } = createBench(t, TEXT);
  chmodSync(directory, 0o555);
  // root may write everywhere, so another user tries
  const as = isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
  const words = [...as, PROGRESS, 'setup', 'bash'];
  const { status, stderr, stdout } = spawnSync(words[0]!, words.slice(1), { env, encoding: 'utf8' });
  t.match({ status, stderr, stdout }, { status: 77, stderr: /\.bashrc\S* cannot be written: EACCES/, stdout: '' });
  chmodSync(directory, 0o755);
  t.strictSame(readdirSync(directory), ['.bashrc']);
  rmSync(rc);
  mkdirSync(rc);
  t.match(await setup(), { status: 78, stderr: `${rc} is not a regular file` });
  rmSync(rc, { recursive: true });
  symlinkSync('/dev/null', rc);
  t.match(await setup(), { status: 78, stderr: `${rc} is not a regular file` });
});

t.test('the block names the program in PATH, which stays valid across updates', async (t) => {
  const { setup, read, directory } = createBench(t, TEXT);
  const bin = path.join(directory, 'bin');
  const other = path.join(directory, 'other');
  for (const each of [bin, other]) mkdirSync(each);
  writeFileSync(path.join(other, 'progress'), '#!/bin/sh\n', { mode: 0o755 });
  symlinkSync(PROGRESS, path.join(bin, 'progress'));
  await setup('', { PATH: `${other}:${bin}:${process.env['PATH'] ?? ''}` });
  t.match(read(), `[ -x '${bin}/progress' ]`, 'the first that leads here, not another of that name');
});

t.test('--json prints the same', async (t) => {
  const { setup, rc, backup } = createBench(t, TEXT);
  const answer = async (args: string) => JSON.parse((await setup(`${args} --json`)).stdout) as object;
  t.match(await answer('--dry-run'), { shell: 'bash', file: rc, action: 'added', dryRun: true, backup: null });
  t.match(await answer(''), { action: 'added', dryRun: false, diff: [`--- ${rc}`], backup });
  t.match(await answer(''), { action: 'none', diff: [], backup: null });
  t.match(await answer('--undo'), { action: 'removed', backup: null });
});

t.test('on macOS, explains that login shells do not read ~/.bashrc', (t) => {
  const directory = t.testdir();
  const rc = path.join(directory, '.bashrc');
  t.strictSame(explainLogin(rc, 'linux'), []);
  t.match(explainLogin(rc, 'darwin')[0], `which read ${directory}/.bash_profile and not ${rc}`);
  writeFileSync(path.join(directory, '.profile'), '');
  t.match(explainLogin(rc, 'darwin')[0], `${directory}/.profile and not`);
  writeFileSync(path.join(directory, '.bash_profile'), '. ~/.bashrc\n');
  t.strictSame(explainLogin(rc, 'darwin'), []);
  t.end();
});
