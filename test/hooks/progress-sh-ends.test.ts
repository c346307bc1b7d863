/** How scripts of the shell library end: by signals, by their status, by the outcomes of their steps. */
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Home } from '../helpers/daemon.js';
import { createScriptHome, foldSpool, LOAD, runText, startText, stepsOf } from '../helpers/scripts.js';
import { SHELLS } from '../helpers/scripts.js';
import { readSpool } from '../helpers/spool.js';
import { waitFor } from '../helpers/wait.js';

type End = readonly [script: string, status: number, type: string, data?: object];

/** One of several executions of a script; the status of `progress_end`, and the recorded end. */
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

/** Ends of a script without `progress_end`, with the exit status. */
const EXITS: readonly End[] = [
  ['progress_step a false; :', 0, 'execution_failed', { error: 'failed: a' }],
  ['exit 3', 3, 'execution_failed', { exitCode: 3 }],
  ['exit 130', 130, 'execution_cancelled', { exitCode: 130 }],
  ['set -e; progress_step a false; echo next', 1, 'execution_failed', { exitCode: 1 }],
  ['set -e; progress_step a false || :; progress_end; echo next', 1, 'execution_failed', { error: 'failed: a' }],
];

type Subshell = readonly [script: string, stdout: string, ends: readonly string[]];

/** Subshells that end inside a step, one execution each: the output of the script, and the ends of the steps. */
const SUBSHELLS: readonly Subshell[] = [
  ["set -e; progress_step A sh -c 'exit 4' | cat; progress_step B true", '', ['A failed 4', 'B completed']],
  ["progress_step A sh -c 'exit 4' | cat", '', ['A failed 4']],
  ["set -e; (progress_step A sh -c 'exit 4'; echo next) | cat", '', ['A failed 4']],
  ["x=$(progress_step A sh -c 'exit 4') || echo $?", '4\n', ['A failed 4']],
  ["set -e; x=$(set -e; progress_step A sh -c 'exit 4') || echo $?", '4\n', ['A failed 4']],
  ['set -e; f() { sh -c "exit 5"; echo next; }; progress_step A f | cat', '', ['A failed 5']],
  ["set -e; progress_step A sh -c 'exit 4' & wait $! || echo $?", '4\n', ['A failed 4']],
  ['(progress_step A true; progress_step B exit 4; echo next); echo $?', '4\n', ['A completed', 'B failed 4']],
  ['progress_step --continue-on-failure A exit 4 | cat', '', ['A failed 4']],
  // the steps around the subshell are closed by the shell around it
  [
    'f() { (progress_step b exit 4) | cat; progress_step c true; }; progress_step A f',
    '',
    ['A completed', 'A/b failed 4', 'A/c completed'],
  ],
  // concurrently, each in its process
  ['set -e; progress_step A exit 4 | progress_step B exit 5 | cat', '', ['A failed 4', 'B failed 5']],
];

const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const;

/** A step that prints when its program runs: an earlier signal could be lost between fork and exec. */
const LONG = `cd "$PROGRESS_HOME" || exit; ${LOAD}progress_start; progress_step long sh -c 'echo >ready; exec sleep 60'\n`;

async function waitForProgram({ env }: Home): Promise<string> {
  const ready = path.join(env['PROGRESS_HOME'] ?? '', 'ready');
  await waitFor('the program of the step', () => existsSync(ready));
  return ready;
}

/** The end of a step with its exit status; undefined for other events. */
function describeEnd({ type, step, data }: Record<string, unknown>): string[] {
  const outcome = /^step_(completed|failed)$/.exec(String(type))?.[1];
  const { exitCode } = data as { exitCode?: number };
  return outcome ? [`${String(step)} ${outcome}${exitCode === undefined ? '' : ` ${exitCode}`}`] : [];
}

for (const shell of SHELLS) {
  t.test(shell.name, { skip: shell.skip }, (t) => {
    t.test('progress_end records the outcome that follows from the evidence', (t) => {
      const home = createScriptHome(t);
      const script = ENDS.map(([text]) => `progress_start\n${text}\necho $?\n`).join('');
      const { stdout, stderr } = runText(home, shell, LOAD + script);
      t.strictSame([stdout, stderr], [ENDS.map(([, status]) => `${status}\n`).join(''), '']);
      const ends = readSpool(home).filter(({ type }) => /^execution_(?!started)/.test(type));
      t.equal(ends.length, ENDS.length);
      for (const [index, [text, , type, data = {}]] of ENDS.entries()) t.match(ends[index], { type, data }, text);
      t.end();
    });

    t.test('a script that does not reach progress_end ends with its exit status', (t) => {
      for (const [text, status, type, data = {}] of EXITS) {
        const home = createScriptHome(t);
        const outcome = runText(home, shell, `${LOAD}progress_start\n${text}\n`);
        t.strictSame(outcome, { status, stdout: '', stderr: '' }, text);
        t.match(readSpool(home).at(-1), { type, data }, text);
      }
      t.end();
    });

    t.test('a step whose subshell ends within it has failed, and the script continues', (t) => {
      const home = createScriptHome(t);
      const script = SUBSHELLS.map(([text]) => `progress_start\n${text}\nprogress_end\nset +e\n`).join('');
      const outcome = runText(home, shell, `set -u; ${LOAD}${script}`);
      t.strictSame(outcome, { status: 0, stdout: SUBSHELLS.map(([, stdout]) => stdout).join(''), stderr: '' });
      const all = readSpool(home);
      const executions = [...new Set(all.map(({ execution }) => execution))];
      t.equal(executions.length, SUBSHELLS.length);
      for (const [index, [text, , ends]] of SUBSHELLS.entries()) {
        const events = all.filter(({ execution }) => execution === executions[index]);
        t.strictSame(events.flatMap(describeEnd).sort(), ends, text);
        // the daemon decides, by the steps
        t.match(events.at(-1), { type: 'execution_completed', data: { inferred: true } }, text);
      }
      t.match(readdirSync(home.paths.spool), [/ndjson$/], 'and nothing else is left');
      t.end();
    });

    t.test('the trap of a subshell is its own or that of the library, never that of the script', (t) => {
      const home = createScriptHome(t);
      const script = `set -e; trap 'echo over; progress_end' EXIT; ${LOAD}progress_start; progress_step A exit 4 | cat
      (trap 'echo mine' EXIT; progress_step B exit 5) | cat`;
      t.strictSame(runText(home, shell, script), { status: 0, stdout: 'mine\nover\n', stderr: '' });
      t.strictSame(stepsOf(foldSpool(home)), ['step A: failed', 'step B: cancelled']);
      t.end();
    });

    t.test('a step around a script fails with the script', (t) => {
      const home = createScriptHome(t);
      const env = { PROGRESS_EXECUTION: 'outer' };
      const outcome = runText(home, shell, `${LOAD}set -e; progress_step A sh -c 'exit 6'; echo next`, env);
      t.strictSame(outcome, { status: 6, stdout: '', stderr: '' });
      t.match(readSpool(home).at(-1), { type: 'step_failed', step: 'A', data: { exitCode: 6 } });
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
        t.match(execution, { status: 'cancelled', outcome: { exitCode, signal } }, signal);
        t.strictSame(stepsOf(execution), ['step long: cancelled'], signal);
      }
    });

    t.test('a trap of the script is kept, and determines the end', async (t) => {
      const home = createScriptHome(t);
      const script = startText(home, shell, `trap 'progress_end failed; exit 9' TERM\n${LONG}`);
      const ended = once(script, 'exit');
      await waitForProgram(home);
      process.kill(-(script.pid ?? 0), 'SIGTERM');
      t.strictSame(await ended, [9, null]);
      t.match(foldSpool(home), { status: 'failed', outcome: undefined });
    });

    t.test('loading and starting reads no input of the script', (t) => {
      const home = createScriptHome(t);
      const script = `${LOAD}progress_start; progress_step count wc -l; progress_end`;
      const { stdout, stderr, status } = runText(home, shell, script, {}, '1\n2\n3\n');
      t.match({ stdout: stdout.trim(), stderr, status }, { stdout: '3', stderr: '', status: 0 });
      t.end();
    });

    t.test('a wrong argument of progress_end is an error', (t) => {
      const home = createScriptHome(t);
      const { stderr } = runText(home, shell, `${LOAD}progress_start; progress_end done`);
      t.match(
        stderr,
        'progress_end: "done" is neither an exit status nor one of completed, failed, cancelled, timeout',
      );
      t.match(foldSpool(home), { status: 'failed' });
      t.end();
    });

    t.test('a step without a command fails with a usage message', (t) => {
      for (const [command, id] of [
        ['progress_step only', 'step only'],
        ['progress_criterion --continue-on-failure only', 'criterion only'],
        ['progress_step', 'step step'],
      ] as const) {
        const home = createScriptHome(t);
        const { status, stdout, stderr } = runText(
          home,
          shell,
          `set -eu; ${LOAD}progress_start; ${command}; echo next`,
        );
        const name = command.split(' ')[0] ?? '';
        t.strictSame([status, stdout], [64, ''], command);
        t.equal(stderr, `usage: ${name} [--continue-on-failure] NAME COMMAND [ARGUMENT...]\n`);
        t.match(foldSpool(home), { status: 'failed', outcome: { exitCode: 64 } });
        t.strictSame(stepsOf(foldSpool(home)), [`${id}: failed`]);
      }
      t.end();
    });
    t.end();
  });
}

t.test('bash continues when a program has handled Ctrl-C, and stops when there was no program', async (t) => {
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

t.test('a signal that ends a subshell of bash completes no step', async (t) => {
  const home = createScriptHome(t);
  const text = `cd "$PROGRESS_HOME"; ${LOAD}progress_start; f() { echo ready >ready; while :; do :; done; }
  progress_step A f & while [ ! -e ready ]; do sleep 0.05; done; kill $!; wait $!; progress_end; exit 0`;
  const script = startText(home, { command: ['bash'] }, text);
  t.strictSame(await once(script, 'exit'), [0, null]);
  t.strictSame(stepsOf(foldSpool(home)), ['step A: cancelled']);
});
