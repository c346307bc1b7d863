import { spawnSync } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { ROOT } from '../helpers/daemon.js';
import { createScriptHome, foldSpool, LOAD, run, runText, stepsOf } from '../helpers/scripts.js';
import { SHELLS } from '../helpers/scripts.js';
import { readSpool, readSpoolFiles } from '../helpers/spool.js';
import { whyNo } from '../helpers/needs.js';

const STORY = path.join(ROOT, 'test/fixtures/story.sh');

for (const shell of SHELLS) {
  t.test(shell.name, { skip: shell.skip }, (t) => {
    t.test('a script with steps and criteria is recorded to its end', (t) => {
      const home = createScriptHome(t);
      t.strictSame(run(home, shell, STORY), { status: 0, stdout: '', stderr: '' });
      const execution = foldSpool(home);
      t.match(execution, {
        name: 'Two stories',
        kind: 'task',
        status: 'completed',
        announced: { total: 2 },
        process: { cwd: process.cwd() },
      });
      t.match(execution.id, /^[0-9a-hjkmnp-tv-z]{10}$/);
      t.strictSame(stepsOf(execution), [
        'step Log in: completed',
        'step Log out: completed',
        'criterion Log in/The form is shown: completed',
        'criterion Log in/A wrong password says "no": completed',
        'criterion Log out/The session ends: completed',
        'criterion Log out/The cookie is gone: completed',
      ]);
      const login = execution.steps.get('Log in');
      t.match(login, { progress: { current: 2, total: 2, unit: 'criteria' } });
      t.match(execution.steps.get('Log in/The form is shown'), { parent: 'Log in', name: 'The form is shown' });
      const [file = ''] = readSpoolFiles(home).keys();
      t.match(file, /^sh-\d+-[0-9a-z]{10}\.ndjson$/);
      t.equal(readSpoolFiles(home).size, 1);
      t.equal(statSync(path.join(home.paths.spool, file)).mode & 0o777, 0o600);
      t.equal(readSpool(home)[0]?.['type'], 'execution_started');
      t.equal((readSpool(home)[0]!['data'] as { pid: number }).pid, Number(file.split('-')[1]));
      t.end();
    });

    t.test('a script that a failing command ends has failed, with all its open steps', (t) => {
      const home = createScriptHome(t);
      t.strictSame(run(home, shell, STORY, { FAIL: '1' }), { status: 1, stdout: '', stderr: '' });
      const execution = foldSpool(home);
      t.match(execution, { status: 'failed', outcome: { exitCode: 1 } });
      t.strictSame(
        stepsOf(execution).filter((line) => line.endsWith('failed')),
        ['step Log out: failed', 'criterion Log out/The cookie is gone: failed'],
      );
      t.match(execution.steps.get('Log out'), { error: 'exit status 1' });
      t.end();
    });

    t.test('a step returns the status of its command, which runs in the same shell', (t) => {
      const home = createScriptHome(t);
      const outcome = runText(
        home,
        shell,
        `set -eu; ${LOAD}progress_start; place=
        leave() { place="$1 $2"; return "$3"; }
        progress_step one leave a 'b  c' 7 || echo "$? $place"
        echo "\${PROGRESS_STEP-none} $PROGRESS_EXECUTION"
        progress_step two sh -c 'echo "$PROGRESS_STEP"'
        if progress_step three false; then echo wrong; fi
        progress_step four exit 5`,
      );
      const id = readSpool(home)[0]!.execution!;
      t.strictSame(outcome, { status: 5, stdout: `7 a b  c\nnone ${id}\ntwo\n`, stderr: '' });
      const execution = foldSpool(home);
      t.match(execution, { name: 'script.sh', status: 'failed', outcome: { exitCode: 5 } });
      t.strictSame(stepsOf(execution), [
        'step one: failed',
        'step two: completed',
        'step three: failed',
        'step four: failed',
      ]);
      t.end();
    });

    t.test('options, IFS and words of the script are unchanged, whatever they are', (t) => {
      const home = createScriptHome(t);
      const outcome = runText(
        home,
        shell,
        `set -euf; set -C; IFS=e; before=$-; ${LOAD}
        progress_start 'it"s * $HOME' message='a  b' n.x:=1
        progress_plan 'é ü' '*'
        progress_step 'é ü' true
        progress_count 1
        progress_end 0
        test "$before" = "$-" && test "$IFS" = e && printf '%s\\n' "\${PROGRESS_EXECUTION-none}"`,
      );
      t.strictSame(outcome, { status: 0, stdout: 'none\n', stderr: '' });
      t.match(readSpool(home)[0], { data: { name: 'it"s * $HOME', message: 'a  b', 'n.x': 1 } });
      t.match(foldSpool(home), { status: 'completed', progress: { current: 1 } });
      t.strictSame(stepsOf(foldSpool(home)), ['step é ü: completed', 'step *: skipped']);
      t.end();
    });

    t.test('a trap of the script is kept', (t) => {
      const home = createScriptHome(t);
      const script = `trap 'echo cleaned; progress_end 4' EXIT; ${LOAD}progress_start; exit 3`;
      t.strictSame(runText(home, shell, script), { status: 3, stdout: 'cleaned\n', stderr: '' });
      t.match(foldSpool(home), { status: 'failed', outcome: { exitCode: 4 } });
      t.equal(readSpoolFiles(home).size, 1, 'and nothing else is left');
      t.end();
    });

    t.test('a nested script is a child; consecutive ones are separate', (t) => {
      const home = createScriptHome(t);
      const script = `${LOAD}progress_start one; progress_start two; progress_end 130; echo "$PROGRESS_EXECUTION $PROGRESS_STEP"`;
      const env = { PROGRESS_EXECUTION: 'outer', PROGRESS_STEP: 'place' };
      t.strictSame(runText(home, shell, script, env), { status: 0, stdout: 'outer place\n', stderr: '' });
      const events = readSpool(home);
      t.match(events, [
        { type: 'execution_started', data: { name: 'one', parent: 'outer' } },
        { type: 'execution_completed' },
        { type: 'execution_started', data: { name: 'two', parent: 'outer' } },
        { type: 'execution_cancelled', data: { exitCode: 130, signal: 'SIGINT' } },
      ]);
      t.equal(new Set(events.map(({ execution }) => execution)).size, 2);
      t.ok(events.every(({ step }) => step === undefined));
      t.end();
    });

    t.test('steps without a start belong to the surrounding execution', (t) => {
      const home = createScriptHome(t);
      const env = { PROGRESS_EXECUTION: 'outer', PROGRESS_STEP: 'place' };
      runText(home, shell, `${LOAD}progress_step inner true; progress_end`, env);
      t.match(readSpool(home), [
        { type: 'step_started', step: 'place/inner' },
        { type: 'step_completed', step: 'place/inner' },
      ]);
      t.ok(readSpool(home).every(({ execution }) => execution === 'outer'));
      t.match(readSpool(home)[0], { data: { parent: 'place' } });
      t.end();
    });

    t.test('where nothing can be written the script runs unaffected', (t) => {
      const script = `set -eu; ${LOAD}progress_start; progress_plan a b; progress_step a echo ran; progress_count 1; progress_step b false`;
      const blocked = createScriptHome(t);
      writeFileSync(blocked.paths.state, '');
      t.strictSame(runText(blocked, shell, script), { status: 1, stdout: 'ran\n', stderr: '' });
      const vanished = createScriptHome(t);
      const gone = script.replace('progress_plan', 'rm -r "$PROGRESS_HOME/state"; progress_plan');
      t.strictSame(runText(vanished, shell, gone), { status: 1, stdout: 'ran\n', stderr: '' });
      t.end();
    });
    t.end();
  });
}

t.test('an event starts no process', { skip: whyNo('strace') }, (t) => {
  for (const { name, command, skip } of SHELLS) {
    if (skip) continue;
    const [few, many] = [1, 20].map((count) => {
      const home = createScriptHome(t);
      const file = path.join(home.directory, 'script.sh');
      const step = 'progress_step "a \\"step\\"" test 1; progress_criterion c true; progress_count 1 2 things\n';
      writeFileSync(file, `set -eu; ${LOAD}progress_start\n${step.repeat(count)}progress_end\n`);
      const calls = ['-f', '-qq', '-e', 'trace=clone,clone3,fork,vfork,execve'];
      const env = { ...home.env };
      const { stderr, status } = spawnSync('strace', [...calls, ...command, file], { env, encoding: 'utf8' });
      t.equal(status, 0);
      t.equal(readSpool(home).length, 2 + 5 * count, name);
      return stderr.split('\n').filter((line) => /(?:clone3?|v?fork|execve)\(/.test(line)).length;
    });
    t.equal(few, many, name);
    t.ok((few ?? 0) > 1, name);
  }
  t.end();
});
