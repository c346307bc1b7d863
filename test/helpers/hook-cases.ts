/** What the tests of the hooks type into each shell, and what is recorded then. */
import type { HookShell } from './hooked-shell.js';
import { BASH, FISH, ZSH } from './hooked-shell.js';

export interface HookCases {
  shell: HookShell;
  /** Lines that are one execution each, with the status of those that fail. */
  commands: [line: string, exitCode?: number][];
  /** Rows of commands that are continued, each followed by the prompt, and the names of their executions. */
  continued: [rows: string[], name: string | RegExp][];
  /** Lines that are no command. */
  nothing: string[];
  /** Does the shell stamp its events? Without a clock it leaves that to the daemon. */
  hasClock: boolean;
  /** Does Ctrl-C at an empty prompt draw another one? */
  redraws: boolean;
  /** Lines for which no process is started. */
  builtins: string[];
  /** Typed before the hooks are loaded, so that each name of the user is exported; and lines that show none of ours. */
  exportAll: string[];
  unexported: string[];
  /** Lines, some of which are not reported, and the names that are. */
  ignoring: { lines: string[]; names: string[] };
  /** What is shown when the disk is full: by fish itself, once. */
  onFullDisk?: RegExp;
}

/** For which masks are looked for. */
const SECRET = ': --token hunter2';
const EMIT = [
  'progress emit log message=x',
  `progress emit log -- 'a="b\\c"'`,
  'progress emit progress --step s current:=3',
];

const BASH_CASES: HookCases = {
  shell: BASH,
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
  hasClock: true,
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
  shell: ZSH,
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
  hasClock: true,
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
  shell: FISH,
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
  hasClock: false,
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

export const HOOK_CASES: readonly HookCases[] = [BASH_CASES, ZSH_CASES, FISH_CASES];
