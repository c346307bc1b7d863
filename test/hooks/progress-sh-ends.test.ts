/** How scripts of the shell library end: by signals, by their status, by what their steps did. */
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Home } from '../helpers/daemon.js';
import { createScriptHome, foldSpool, LOAD, runText, startText, stepsOf } from '../helpers/scripts.js';
import { SHELLS } from '../helpers/shells.js';
import { readSpool } from '../helpers/spool.js';
import { waitFor } from '../helpers/wait.js';

type End = readonly [script: string, status: number, type: string, data?: object];

/** What one of several executions of a script does; what `progress_end` returns, and the end that is recorded. */
const ENDS: readonly End[] = [
  ['progress_end', 0, 'execution_completed', { inferred: true }],
  ['progress_step a false; progress_end', 1, 'execution_failed', { error: 'failed: a' }],
  ['progress_step a false; progress_step b false; progress_end', 1, 'execution_failed', { error: 'failed: a, b' }],
  ['progress_step --continue-on-failure a false; progress_end', 0, 'execution_completed', { inferred: true }],
  ['progress_step a false; progress_step a true; progress_end', 0, 'execution_completed', { inferred: true }],
  ['progress_step a true; progress_step a false; progress_end', 1, 'execution_failed', { error: 'failed: a' }],
  [
    'f() { progress_criterion c false; :; }; progress_step a f; progress_end',
    1,
    'execution_failed',
    { error: 'failed: a/c' },
  ],
  ['progress_step --continue-on-failure a f; progress_end', 0, 'execution_completed', { inferred: true }],
  // stated outcomes
  ['progress_step a false; progress_end completed', 0, 'execution_completed', { inferred: undefined }],
  ['progress_step a false; progress_end 0', 0, 'execution_completed', { exitCode: 0, inferred: undefined }],
  ['progress_end failed', 0, 'execution_failed'],
  ['progress_end timeout', 0, 'execution_timeout'],
  ['progress_end cancelled', 0, 'execution_cancelled'],
  ['progress_end 130', 0, 'execution_cancelled', { exitCode: 130, signal: 'SIGINT' }],
  ['progress_end 7', 0, 'execution_failed', { exitCode: 7 }],
];

/** How a script ends without `progress_end`, with the exit status. */
const EXITS: readonly End[] = [
  ['progress_step a false; :', 0, 'execution_failed', { error: 'failed: a' }],
  ['exit 3', 3, 'execution_failed', { exitCode: 3 }],
  ['exit 130', 130, 'execution_cancelled', { exitCode: 130 }],
  ['set -e; progress_step a false; echo next', 1, 'execution_failed', { exitCode: 1 }],
  ['set -e; progress_step a false || :; progress_end; echo next', 1, 'execution_failed', { error: 'failed: a' }],
];

const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const;

/** A step that says when its program runs: a signal before that can be lost between fork and exec. */
const LONG = `cd "$PROGRESS_HOME" || exit; ${LOAD}progress_start; progress_step long sh -c 'echo >ready; exec sleep 60'\n`;

async function waitForProgram({ env }: Home): Promise<string> {
  const ready = path.join(env['PROGRESS_HOME'] ?? '', 'ready');
  await waitFor('the program of the step', () => existsSync(ready));
  return ready;
}

for (const shell of SHELLS) {
  t.test(shell.name, { skip: shell.skip }, (t) => {
    t.test('progress_end records what the evidence says', (t) => {
      const home = createScriptHome(t);
      const script = ENDS.map(([text]) => `progress_start\n${text}\necho $?\n`).join('');
      const { stdout, stderr } = runText(home, shell, LOAD + script);
      t.strictSame([stdout, stderr], [ENDS.map(([, status]) => `${status}\n`).join(''), '']);
      const ends = readSpool(home).filter(({ type }) => /^execution_(?!started)/.test(String(type)));
      t.equal(ends.length, ENDS.length);
      for (const [index, [text, , type, data = {}]] of ENDS.entries()) t.match(ends[index], { type, data }, text);
      t.end();
    });

    t.test('a script that does not reach progress_end ends by its status', (t) => {
      for (const [text, status, type, data = {}] of EXITS) {
        const home = createScriptHome(t);
        const outcome = runText(home, shell, `${LOAD}progress_start\n${text}\n`);
        t.strictSame(outcome, { status, stdout: '', stderr: '' }, text);
        t.match(readSpool(home).at(-1), { type, data }, text);
      }
      t.end();
    });

    t.test('a signal to the group cancels the script and its open step', async (t) => {
      for (const [signal, exitCode] of SIGNALS) {
        const home = createScriptHome(t);
        const script = startText(home, shell, LONG);
        const ended = once(script, 'exit');
        await waitForProgram(home);
        process.kill(-(script.pid ?? 0), signal);
        const [code, killedBy] = (await ended) as [number | null, string | null];
        // zsh exits with 1 when a terminal hangs up
        if (signal !== 'SIGHUP' || !shell.name.startsWith('zsh')) t.strictSame([code, killedBy], [null, signal]);
        const execution = foldSpool(home);
        t.match(execution, { status: 'cancelled', exitCode, signal }, signal);
        t.strictSame(stepsOf(execution), ['step long: cancelled'], signal);
      }
    });

    t.test('a trap of the script is kept, and decides', async (t) => {
      const home = createScriptHome(t);
      const script = startText(home, shell, `trap 'progress_end failed; exit 9' TERM\n${LONG}`);
      const ended = once(script, 'exit');
      await waitForProgram(home);
      process.kill(-(script.pid ?? 0), 'SIGTERM');
      t.strictSame(await ended, [9, null]);
      t.match(foldSpool(home), { status: 'failed', exitCode: undefined });
    });

    t.test('loading and starting reads nothing of the input of the script', (t) => {
      const home = createScriptHome(t);
      const script = `${LOAD}progress_start; progress_step count wc -l; progress_end`;
      const { stdout, stderr, status } = runText(home, shell, script, {}, '1\n2\n3\n');
      t.match({ stdout: stdout.trim(), stderr, status }, { stdout: '3', stderr: '', status: 0 });
      t.end();
    });

    t.test('a wrong argument of progress_end is an error, and no success', (t) => {
      const home = createScriptHome(t);
      const { stderr } = runText(home, shell, `${LOAD}progress_start; progress_end done`);
      t.match(stderr, 'progress_end: "done" is no exit status, and none of completed, failed, cancelled, timeout');
      t.match(foldSpool(home), { status: 'failed' });
      t.end();
    });
    t.end();
  });
}

t.test('bash goes on when a program has handled Ctrl-C, and stops where none was there', async (t) => {
  const bash = { command: ['bash'] as const };
  const handles = "sh -c 'trap : INT; echo ready >ready; while [ -e ready ]; do sleep 0.05; done; exit 0'";
  for (const [step, status] of [
    [`progress_step a ${handles}`, 'completed'],
    ['f() { echo ready >ready; while :; do :; done; }; progress_step a f', 'cancelled'],
  ] as const) {
    const home = createScriptHome(t);
    const script = startText(home, bash, `cd "$PROGRESS_HOME"\n${LOAD}progress_start; ${step}; progress_end\n`);
    const ended = once(script, 'exit');
    const ready = await waitForProgram(home);
    process.kill(-(script.pid ?? 0), 'SIGINT');
    rmSync(ready);
    await ended;
    t.match(foldSpool(home), { status });
  }
});
