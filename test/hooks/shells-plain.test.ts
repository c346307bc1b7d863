/** The hooks of shells without a terminal: only the function `progress`. emit.test.ts has the events of bash. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { buildEvent } from '../../src/cli/commands/emit/arguments.js';
import { createHome } from '../helpers/daemon.js';
import { CASES, SURROUNDINGS } from '../helpers/emit-cases.js';
import type { HookShell } from '../helpers/hook-shells.js';
import { BASH, FISH, ZSH } from '../helpers/hook-shells.js';
import { readSpool } from '../helpers/spool.js';

interface PlainCase {
  shell: HookShell;
  /** Shows that there are no hooks of a prompt. bash without a terminal creates no directory. */
  unhooked: string;
  /** An event from a process that the shell forks. */
  forked: string;
  status: string;
  stdout: RegExp;
  /** For shells whose words are tested here: quoting, and the definition and output of `try`. */
  words?: { quote: (word: string) => string; setUp: string; show: string };
}

const PLAIN: PlainCase[] = [
  {
    shell: BASH,
    unhooked: 'trap; echo "${PROMPT_COMMAND-none} ${PS0-none}"; mkdir -p "$PROGRESS_HOME/state/spool"',
    forked: '(progress emit log message=forked)',
    status: 'progress emit log oops || echo $?',
    stdout: /^none none\n\d+\.\d+\.\d+.*\n64\n$/,
  },
  {
    shell: ZSH,
    unhooked: 'echo "$preexec_functions$precmd_functions"',
    forked: '(progress emit log message=forked)',
    status: 'progress emit log oops; echo $?',
    stdout: /^\n\d+\.\d+\.\d+.*\n64\n$/,
    words: {
      quote: (word) => `'${word.replaceAll("'", "'\\''")}'`,
      setUp: `setopt no_unset sh_word_split ksh_arrays
        try() { { __progress_build_plain "$@" || __progress_build "$@" } && print -r -- $__progress_line || print }`,
      show: '',
    },
  },
  {
    shell: FISH,
    unhooked: 'true',
    forked: 'true (progress emit log message=forked)',
    status: 'progress emit log oops; echo $status',
    stdout: /^\d+\.\d+\.\d+.*\n64\n$/,
    words: {
      quote: (word) => `'${word.replaceAll(/['\\]/g, '\\$&')}'`,
      setUp: 'set IFS ""; function try; __progress_build_plain $argv; or __progress_build $argv; end',
      show: '; and echo $__progress_line; or echo',
    },
  },
];

function checkFunction(t: Test, { shell, unhooked, forked, status, stdout }: PlainCase): void {
  const home = createHome(t);
  const script = `${shell.load}; ls "$PROGRESS_HOME"; ${unhooked}
    progress emit log 'message=one "two"' n1:=2; ${forked}
    PROGRESS_EXECUTION=e progress emit log; progress --version; ${status}`;
  const env = { ...home.env, PATH: `/usr/bin:/bin:${path.dirname(process.execPath)}` };
  const result = spawnSync(shell.name, [...shell.plain, script], { env, encoding: 'utf8' });
  t.match(result.stdout, stdout, 'no file is there before the first event');
  t.match(result.stderr, /oops/, 'what is wrong is for the program to say');
  t.equal(readdirSync(home.paths.spool).length, 1);
  const events = readSpool(home, `${shell.name}-`);
  const times = events.map(({ time }) => typeof time);
  t.strictSame(
    times,
    events.map(() => (shell.hasClock ? 'number' : 'undefined')),
  );
  t.strictSame(
    events.map(({ time: _, ...event }) => event),
    [
      { type: 'log', data: { message: 'one "two"', n1: 2 } },
      { type: 'log', data: { message: 'forked' } },
      { type: 'log', execution: 'e', inherited: true, data: {} },
    ],
  );
}

function checkWords(t: Test, { shell, words }: PlainCase, env: Record<string, string>): void {
  if (!words) return;
  const lines = CASES.map(([list]) => `try ${list.map(words.quote).join(' ')}${words.show}`);
  const script = `${shell.load}; ${words.setUp}\n${lines.join('\n')}`;
  const { stdout, stderr } = spawnSync(shell.name, [...shell.plain, script], {
    env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', HOME: t.testdir(), ...env },
    encoding: 'utf8',
  });
  t.equal(stderr, '');
  const built = stdout.split('\n').slice(0, -1);
  t.equal(built.length, CASES.length);
  for (const [index, [list, emitArguments, pairs = []]] of CASES.entries()) {
    const line = built[index] ?? '';
    const event = line === '' ? undefined : (JSON.parse(line) as { time?: unknown });
    if (!pairs.some((pair) => pair.startsWith('time'))) delete event?.time;
    const expected = emitArguments && buildEvent(emitArguments, pairs, env);
    t.strictSame(event, expected && JSON.parse(JSON.stringify(expected)), list.join(' '));
  }
}

for (const plain of PLAIN) {
  const { name, skip } = plain.shell;
  t.test(`${name}: without a terminal there is only the function`, { skip }, (t) => {
    checkFunction(t, plain);
    t.end();
  });
  if (!plain.words) continue;
  for (const [title, env] of SURROUNDINGS)
    t.test(`${name}: builds the same events from words as the program: ${title}`, { skip }, (t) => {
      checkWords(t, plain, env);
      t.end();
    });
}
