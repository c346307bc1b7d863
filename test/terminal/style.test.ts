import t from 'tap';
import { chooseStyle } from '../../src/terminal/style.js';

const TTY = { isTTY: true, columns: 80, rows: 24 };
const TERM = { TERM: 'xterm-256color' };

function mode(env: NodeJS.ProcessEnv, rest: Partial<Parameters<typeof chooseStyle>[0]> = {}) {
  return chooseStyle({ ...TTY, env: { ...TERM, ...env }, ...rest }).mode;
}

function color(env: NodeJS.ProcessEnv, rest: Partial<Parameters<typeof chooseStyle>[0]> = {}) {
  return chooseStyle({ ...TTY, env: { ...TERM, ...env }, ...rest }).color;
}

t.test('a box is drawn for people at a terminal, plain lines for everything else', (t) => {
  t.equal(mode({}), 'box');
  t.equal(mode({}, { isTTY: false }), 'plain');
  t.equal(mode({}, { columns: 0 }), 'plain', 'an unknown size');
  t.equal(mode({}, { rows: undefined }), 'plain');
  t.equal(mode({ TERM: 'dumb' }), 'plain');
  t.equal(mode({ TERM: '' }), 'plain');
  for (const variable of ['CI', 'CLAUDECODE', 'OPENCODE', 'CODEX_SANDBOX', 'CLINE_ACTIVE', 'AGENT']) {
    t.equal(mode({ [variable]: '1' }), 'plain', variable);
    t.equal(mode({ [variable]: '' }), 'box', `${variable} that is empty`);
  }
  t.end();
});

t.test('options override the environment, which overrides detection', (t) => {
  t.equal(mode({ PROGRESS_OUTPUT: 'box', CI: '1' }), 'box');
  t.equal(mode({ PROGRESS_OUTPUT: 'plain' }, { flags: { output: 'box' } }), 'box');
  t.equal(mode({ PROGRESS_OUTPUT: 'box' }, { flags: { output: 'plain' } }), 'plain');
  t.equal(mode({ PROGRESS_OUTPUT: 'plain' }, { flags: { output: 'auto' } }), 'plain', 'auto is no wish');
  t.equal(mode({}, { flags: { output: 'box' }, isTTY: false }), 'plain', 'a pipe has no place for a box');
  t.throws(() => mode({ PROGRESS_OUTPUT: 'fancy' }), { code: 'usage', message: /PROGRESS_OUTPUT.*fancy.*plain/ });
  t.throws(() => color({}, { flags: { color: 'pink' } }), { code: 'usage', message: /--color.*pink/ });
  t.end();
});

t.test('colour: --color, FORCE_COLOR, NO_COLOR, CLICOLOR_FORCE, TERM, terminal, in this order', (t) => {
  const off = { isTTY: false };
  t.equal(color({}), true);
  t.equal(color({}, off), false);
  t.equal(color({ TERM: 'dumb' }), false);
  t.equal(color({ CLICOLOR_FORCE: '1', TERM: 'dumb' }, off), true);
  t.equal(color({ CLICOLOR_FORCE: '0' }, off), false);
  t.equal(color({ NO_COLOR: '1', CLICOLOR_FORCE: '1' }), false);
  t.equal(color({ NO_COLOR: '' }), true, 'NO_COLOR must not be empty');
  t.equal(color({ FORCE_COLOR: '1', NO_COLOR: '1' }, off), true);
  t.equal(color({ FORCE_COLOR: '0' }, off), false);
  t.equal(color({ FORCE_COLOR: '1' }, { flags: { color: 'never' } }), false);
  t.equal(color({ NO_COLOR: '1' }, { ...off, flags: { color: 'always' } }), true);
  t.equal(mode({ NO_COLOR: '1' }), 'box', 'NO_COLOR is no reason to do without the box');
  t.end();
});

t.test('ASCII where the locale has no UTF-8, where ambiguous characters are wide, and on request', (t) => {
  const ascii = (env: NodeJS.ProcessEnv, flags = {}) => chooseStyle({ ...TTY, env: { ...TERM, ...env }, flags }).ascii;
  t.equal(ascii({}), false);
  t.equal(ascii({ LANG: 'en_US.UTF-8' }), false);
  t.equal(ascii({ LANG: 'C.utf8' }), false);
  t.equal(ascii({ LANG: 'C' }), true);
  t.equal(ascii({ LANG: 'C', LC_ALL: 'de_DE.UTF-8' }), false);
  t.equal(ascii({ LANG: 'de_DE.UTF-8', LC_CTYPE: 'POSIX' }), true);
  t.equal(ascii({ TERM: 'linux' }), true);
  t.equal(ascii({ PROGRESS_WIDTH: 'ambiguous2' }), true);
  t.equal(ascii({}, { ascii: true }), true);
  t.end();
});

t.test('synchronized output can be turned off', (t) => {
  const style = (env: NodeJS.ProcessEnv) => chooseStyle({ ...TTY, env: { ...TERM, ...env } });
  t.match(style({}), { sync: true });
  t.match(style({ PROGRESS_SYNC: '0' }), { sync: false });
  t.end();
});
