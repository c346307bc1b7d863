/** The hooks of zsh in cases that exist in no other shell. shells.test.ts has what holds in each shell. */
import t from 'tap';
import { ZSH } from '../helpers/hook-shells.js';
import { checkResuming, commandsOf, namesOf, sameWithHooks } from '../helpers/hooked-shell.js';
import { openHooked } from '../helpers/shell-session.js';

t.jobs = 4;
const skip = ZSH.skipInTmux;

/** Lines that would show a user any trace of the hooks. */
const WITNESSES = [
  'echo "a b" c',
  'echo "$? $_"',
  'true | (exit 7) | true',
  'echo "$pipestatus $?"',
  'echo $signals[1] $-',
  '(exit 9)',
  'echo $?',
  'setopt; trap; umask; jobs; echo ${(k)functions[(I)TRAP*]}',
  'RANDOM=5; echo $RANDOM',
  'echo $RANDOM',
  '[[ abc == (#b)a(*) ]]; echo $match $MATCH',
  // except the variables of the hooks, and those of the clock's module
  `typeset +m '*' | sed 's/.* //' | grep -v -e __progress -e '^EPOCH' -e '^epochtime' -e '^H$' -e '^pre.*_functions' -e '^zshaddhistory_functions' | sort | cksum`,
  'fc -l',
];

const MODES: [string, { before?: string; after?: string }][] = [
  ['no option', {}],
  ['ksh_arrays', { before: 'setopt ksh_arrays' }],
  ['no_unset and sh_word_split', { before: 'setopt no_unset sh_word_split' }],
  ['err_return, nomatch and no_clobber', { before: 'setopt err_return nomatch no_clobber' }],
  ['extended_glob and glob_subst', { before: 'setopt extended_glob glob_subst' }],
  ['warn_create_global', { before: 'setopt warn_create_global' }],
  ['posix_builtins and no_bang_hist', { before: 'setopt posix_builtins no_bang_hist' }],
  ['xtrace', { after: 'setopt xtrace' }],
  ['aliases', { before: `alias -g L='| cat' local=true; alias progress=x printf=y` }],
  ['IFS', { before: 'IFS=0x' }],
  ['a ZERR trap', { before: `trap 'echo "trap $?"' ZERR` }],
  ['a function for failures', { before: 'TRAPZERR() { echo "trap $?" }' }],
  ['other hooks', { before: 'precmd() { echo "<$? $_>" }; precmd_functions=(precmd) preexec_functions=(:)' }],
];

/** The members of a pipeline are traced in any order. */
const withoutTrace = (text: string): string => text.replaceAll(/^\+zsh:.*\n?/gm, '');

for (const [name, { before = ':', after = ':' }] of MODES)
  t.test(`a shell behaves as without hooks: ${name}`, { skip }, async (t) => {
    const lines = [before, 'source "$H"; :', 'source "$H"; :', after, ...WITNESSES];
    await sameWithHooks(t, ZSH, lines, { clean: withoutTrace });
  });

t.test('with err_exit a shell survives until one of its own commands fails', { skip }, async (t) => {
  const shell = await openHooked(t, ZSH, ['setopt err_exit']);
  for (const line of ['true', ' true', 'fg_no=1', 'if false; then :; fi']) await shell.run(line);
  t.strictSame(namesOf(shell), ['true', 'fg_no=1', 'if false; then :; fi']);
});

t.test('fg and bg resume what Ctrl-Z paused', { skip }, async (t) => {
  const says = /^\[\d\] .*(?:continued|running) .*$/m;
  await checkResuming(t, ZSH, [
    ['fg %1', says],
    ['fg', says],
  ]);
});

t.test('hooks that were removed from the lists are restored', { skip }, async (t) => {
  const shell = await openHooked(t, ZSH);
  const cut = ['precmd_functions=()', 'precmd_functions=() preexec_functions=()', 'preexec_functions=(:)'];
  for (const line of cut) for (const typed of [line, 'false', 'true']) await shell.run(typed);
  const ends = (line: string, own: string, exitCode?: number) => [
    { name: line, end: own, exitCode },
    { name: 'false', end: 'failed', exitCode: 1 },
    { name: 'true', end: 'completed', exitCode: 0 },
  ];
  t.strictSame(commandsOf(shell), [
    ...ends(cut[0]!, 'lost'),
    ...ends(cut[1]!, 'lost'),
    ...ends(cut[2]!, 'completed', 0),
  ]);
});
