/** The table of the shells that have hooks: how each is started and used, and the inputs of the tests of its hooks. */
import path from 'node:path';
import type { Shell } from '../../src/platform/paths.js';
import { ROOT } from './daemon.js';
import { whyNo } from './needs.js';
import { PROMPT } from './tmux.js';

export interface HookShell {
  name: Shell;
  /** Command line of an interactive shell without the files of its user. */
  interactive: readonly string[];
  /** Arguments before a script that is not interactive. */
  plain: readonly string[];
  /** The file with the hooks. */
  hooks: string;
  /** The command line that loads them. */
  load: string;
  /** Command line that starts another interactive shell, with the same prompt, in which executions are reported. */
  nested: string;
  /** Lines that are typed before the hooks are loaded. */
  before: string[];
  env: Record<string, string>;
  /** A command that fails, a line that shows its status, and what that prints. */
  failure: readonly [line: string, show: string, shown: string];
  /** Whether the shell has a clock, and so stamps its events; otherwise the daemon does. */
  hasClock: boolean;
  /** Why it cannot be used without a terminal, or on one. */
  skip: string | false;
  skipInTmux: string | false;
  cases: HookCases;
}

/** Inputs, and what is recorded. */
export interface HookCases {
  /** Lines that are one execution each, with the status of those that fail. */
  commands: [line: string, exitCode?: number][];
  /** Rows of commands that are continued, each followed by the prompt, and the names of their executions. */
  continued: [rows: string[], name: string | RegExp][];
  /** Lines that are no command. */
  nothing: string[];
  /** Does Ctrl-C at an empty prompt draw another one? */
  redraws: boolean;
  /** Lines for which no process is started. */
  builtins: string[];
  /** Typed before the hooks are loaded, so that each name of the user is exported; and lines that show none of ours. */
  exportAll: string[];
  unexported: string[];
  /** Lines, some of which are not reported, and the names that are. */
  ignoring: { lines: string[]; names: string[] };
  /** Output when the disk is full, which fish itself prints once. */
  onFullDisk?: RegExp;
}

/** A command with a secret, so that masks are applied. */
const SECRET = ': --token hunter2';
const EMIT = [
  'progress emit log message=x',
  `progress emit log -- 'a="b\\c"'`,
  'progress emit progress --step s current:=3',
];

const BASH_CASES: HookCases = {
  commands: [
    ['echo one'],
    ['false', 1],
    [`echo "a\\tb" 'c' | cat`],
    ['time sleep 0'],
    ['for i in 1 2; do echo $i; done'],
    ['(exit 3)', 3],
    ['{ (exit 4); }', 4],
    ['sleep 0 &'],
    ['{ sleep 0; } &'],
    ['true && false || (exit 5)', 5],
    ['greet() { echo hello $1; }'],
    ['greet you'],
    ['[[ a == b ]]', 1],
    ['((1 - 1))', 1],
    ['x=1'],
    ['exec 9</dev/null'],
    ['bash -c "kill -TERM \\$\\$"', 143],
    ['nosuchprogram', 127],
    ['if true; then echo yes; fi'],
    ['echo é €'],
  ],
  continued: [
    [['for i in 1 2', 'do echo $i', 'done'], 'for i in 1 2; do echo $i; done'],
    [['cat <<END', 'some text', 'END'], 'cat <<END\nsome text\nEND\n'],
    [['echo "two', 'lines"'], 'echo "two\nlines"'],
  ],
  nothing: ['', '# a comment', 'if fi', '   '],
  redraws: true,
  builtins: ['echo a >/dev/null', 'cd /tmp', ':', 'false', 'x() { :; }', SECRET, ...EMIT],
  exportAll: ['set -a'],
  unexported: [' env | grep __progress', ' bash -c "declare -F"'],
  ignoring: {
    lines: [
      ' HISTCONTROL=',
      ...[' echo a', '  (exit 1)', 'echo b', 'fg', 'bg %1'],
      ...['PROGRESS_IGNORE="l?:cd *:git *push*"', 'ls', 'la b', 'cd /', 'git a push b', 'fg', 'PROGRESS_IGNORE=', 'ls'],
    ],
    names: ['echo b', 'PROGRESS_IGNORE="l?:cd *:git *push*"', 'la b', 'fg', 'PROGRESS_IGNORE=', 'ls'],
  },
};

const ZSH_CASES: HookCases = {
  commands: [
    ['echo one'],
    ['false', 1],
    [`echo "a\\tb" 'c' | cat`],
    ['time sleep 0'],
    ['for i in 1 2; do echo $i; done'],
    ['(exit 3)', 3],
    ['sleep 0 &'],
    ['true && false || (exit 5)', 5],
    ['greet() { echo hello $1 }'],
    ['greet you'],
    ['[[ a == b ]]', 1],
    ['x=1'],
    ['sh -c "kill -TERM \\$\\$"', 143],
    ['sh -c "exit 148"', 148],
    ['nosuchprogram', 127],
    ['echo é €'],
  ],
  continued: [
    [['for i in 1 2', 'do echo $i', 'done'], 'for i in 1 2\ndo echo $i\ndone'],
    [['echo "two', 'lines"'], 'echo "two\nlines"'],
  ],
  nothing: [''],
  redraws: true,
  builtins: ['true', 'x=1', 'cd /', '[[ a == b ]]', SECRET, ...EMIT],
  exportAll: ['setopt all_export'],
  unexported: [' env | grep __progress'],
  ignoring: {
    lines: [
      ...[' setopt hist_ignore_space', " alias hidden=' echo'", ' echo secret', 'hidden x', 'fg', 'bg %1'],
      ...[" HISTORY_IGNORE='(token*|[x'", 'echo a broken pattern does no harm'],
      ...[" HISTORY_IGNORE='(token*|pass)'", 'token=1'],
      ...[" PROGRESS_IGNORE='ls:ls *:a?b:[c]:x|y'", 'ls', 'ls /', ': ls', 'a+b', '[c]', 'c', 'fg'],
      ...[' PROGRESS_IGNORE=', 'ls'],
    ],
    names: ['echo a broken pattern does no harm', ': ls', 'c', 'fg', 'ls'],
  },
  onFullDisk: /^$/,
};

const FISH_CASES: HookCases = {
  commands: [
    ['echo one'],
    ['false', 1],
    [`echo "a\\tb" 'c' | cat`],
    ['time sleep 0'],
    ['for i in 1 2; echo $i; end'],
    ['fish --no-config -c "exit 3"', 3],
    ['sleep 0 &'],
    ['true; and false; or sh -c "exit 5"', 5],
    ['function greet; echo hello $argv; end'],
    ['greet you'],
    ['test a = b', 1],
    ['set x 1'],
    ['set y (sh -c "exit 4")', 4],
    ['sh -c "kill -TERM \\$\\$"', 143],
    ['sh -c "exit 148"', 148],
    ['nosuchprogram', 127],
    ['echo é €'],
  ],
  continued: [[['begin', 'echo "two', 'lines"', 'end'], /^begin\n *echo "two\n *lines"\n *end$/]],
  nothing: [''],
  redraws: false,
  builtins: ['true', 'set x 1', 'cd /', SECRET, ...EMIT],
  exportAll: [],
  unexported: [' env | grep __progress'],
  ignoring: {
    lines: [
      ...[" set -g IFS ''", ' echo secret', 'fg', 'bg %1'],
      ...[" set PROGRESS_IGNORE 'ls:ls *:a?b:[c]:x|y'", 'ls', 'ls /', ': ls', 'a+b', '[c]', 'c', 'fg'],
      ...[' set PROGRESS_IGNORE', 'ls', ' set -g fish_private_mode 1', 'echo private'],
      ' set -e fish_private_mode; function fish_should_add_to_history; test "$argv[1]" != "echo no"; end',
      ...['echo no', 'echo yes'],
    ],
    names: [': ls', 'c', 'fg', 'ls', 'echo yes'],
  },
  onFullDisk: /^write: No space left on device\n*$/,
};

/** A fish without configuration is private, and would not be reported. */
const PUBLIC = 'set -e fish_private_mode';
const FISH_PROMPT = (quote: string) =>
  `function fish_prompt; printf ${quote}${PROMPT}${quote}; end; set -g fish_greeting`;

function describe(
  name: Shell,
  details: Omit<HookShell, 'name' | 'hooks' | 'load' | 'before' | 'env' | 'skip' | 'skipInTmux'> & Partial<HookShell>,
): HookShell {
  const hooks = path.join(ROOT, `hooks/progress.${name}`);
  const skip = whyNo(name);
  const load = `source '${hooks}'`;
  return { name, hooks, load, before: [], env: {}, skip, skipInTmux: skip || whyNo('tmux'), ...details };
}

export const BASH = describe('bash', {
  interactive: ['bash', '--norc', '--noprofile', '-i'],
  plain: ['-eu', '-c'],
  nested: 'bash --norc --noprofile -i',
  env: { HISTFILE: '' },
  failure: ['false', 'echo $? $_', '1 false'],
  hasClock: true,
  cases: BASH_CASES,
});

export const ZSH = describe('zsh', {
  interactive: ['zsh', '-f', '-i'],
  plain: ['-f', '-c'],
  nested: 'zsh -f -i',
  failure: ['(exit 3)', 'echo "$?"', '3'],
  hasClock: true,
  cases: ZSH_CASES,
});

export const FISH = describe('fish', {
  interactive: ['fish', '--no-config', '-i', '-C', FISH_PROMPT("'")],
  plain: ['--no-config', '-c'],
  nested: `fish --no-config -i -C "${FISH_PROMPT('\\"')}; ${PUBLIC}"`,
  before: [PUBLIC],
  failure: ['sh -c "exit 3"', 'echo $status', '3'],
  hasClock: false,
  cases: FISH_CASES,
});

export const HOOK_SHELLS: readonly HookShell[] = [BASH, ZSH, FISH];
