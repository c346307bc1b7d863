/** The hooks of fish in cases that exist in no other shell. shells.test.ts has what holds in each shell. */
import t from 'tap';
import { FISH } from '../helpers/hook-shells.js';
import { checkResuming, commandsOf, sameWithHooks } from '../helpers/hooked-shell.js';

t.jobs = 4;
const skip = FISH.skipInTmux;

/** Lines that would show a user any trace of the hooks. */
const WITNESSES = [
  'echo "a b" c',
  'echo $status',
  'true | sh -c "exit 7" | true',
  'echo $pipestatus $status',
  'sh -c "exit 9"',
  'echo $status',
  'umask; jobs; trap',
  'random 5; random',
  'random',
  "set -n | string match -v '__progress*' | string join ' ' | cksum",
  'functions -n | string match -v progress | cksum',
  'env | grep -v -e __progress -e ^H= -e HOME= -e PWD= -e SHLVL -e ^TMUX | sort | cksum',
];

const MODES: [string, string][] = [
  ['nothing special', ':'],
  ['an empty IFS', "set -g IFS ''"],
  ['an exported name of ours', 'set -gx __progress_file /nonexistent'],
  ['hooks of its own', 'function theirs --on-event fish_postexec; echo "<$status $pipestatus>"; end'],
];

for (const [name, before] of MODES)
  t.test(`a shell behaves as without hooks: ${name}`, { skip }, async (t) => {
    await sameWithHooks(t, FISH, [before, 'source $H', 'source $H', ...WITNESSES], {
      check: (hooked) => t.equal(commandsOf(hooked).length, WITNESSES.length + 1),
    });
  });

t.test('fg and bg resume what Ctrl-Z paused', { skip }, async (t) => {
  await checkResuming(t, FISH, [
    ['fg', /Send job 2 .* foreground/],
    ['fg', /Send job 1 .* foreground/],
  ]);
});
