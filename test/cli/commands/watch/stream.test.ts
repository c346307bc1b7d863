import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import type { Home } from '../../../helpers/daemon.js';
import { createHome, isRunning, PROGRESS } from '../../../helpers/daemon.js';
import { openProxy } from '../../../helpers/proxy.js';
import type { Tmux } from '../../../helpers/tmux.js';
import { openTmux } from '../../../helpers/tmux.js';
import { waitFor } from '../../../helpers/wait.js';
import { whyNo } from '../../../helpers/needs.js';

const skip = whyNo('tmux');
const USUAL = { columns: 80, rows: 24 };

interface Scene {
  home: Home;
  tmux: Tmux;
  emit: (...events: Record<string, unknown>[]) => Promise<void>;
  /** Types a command line of `progress`. */
  progress: (words: string) => Promise<void>;
}

async function open(t: Test, size = USUAL, env: Record<string, string> = {}): Promise<Scene> {
  const home = createHome(t);
  await home.startDaemon();
  const tmux = await openTmux(t, size, { PROGRESS_HOME: home.directory, ...env });
  return {
    home,
    tmux,
    async emit(...events) {
      const client = await home.connect();
      for (const event of events) await client.call('emit', { event });
      await client.close();
    },
    progress: (words) => tmux.enter(`${PROGRESS} ${words}; echo "status $?"`),
  };
}

/** The next program finds the terminal restored. */
async function expectRestored(t: Test, { tmux }: Scene): Promise<void> {
  t.ok(await tmux.isCursorVisible(), 'the cursor is visible');
  await tmux.enter('stty -a | tr " ;" "\\n\\n" | grep -E "^-?(icanon|echo|isig)$" | sort | xargs echo modes');
  await tmux.see(/^modes echo icanon isig$/m);
}

/** A job of two stories whose second lasts until the file `go` exists, with this exit status. */
function writeJob(home: Home, status = 0): string {
  const file = path.join(home.directory, 'job.sh');
  const p = PROGRESS;
  writeFileSync(
    file,
    `${p} emit --stdin <<'END'
{"type":"step_planned","step":"s1","name":"First story","kind":"story"}
{"type":"step_planned","step":"s2","name":"Second story","kind":"story"}
{"type":"step_started","step":"s1"}
{"type":"step_completed","step":"s1"}
{"type":"step_started","step":"s2"}
{"type":"step_completed","step":"c1","name":"a criterion that holds","kind":"criterion","parent":"s2"}
{"type":"step_started","step":"c2","name":"a criterion at work","kind":"criterion","parent":"s2"}
END
${p} emit progress current:=3 total:=4 unit=files
for n in 1 2 3 4 5 6; do echo "output $n"; done
while [ ! -e ${home.directory}/go ]; do sleep 0.05; done
echo "the last line"
exit ${status}
`,
  );
  return `sh ${file}`;
}

const go = (home: Home) => writeFileSync(path.join(home.directory, 'go'), '');

t.test('in a real terminal', { skip }, async (t) => {
  t.test('run --stream draws steps, criteria, bar and the last output; a summary stays', async (t) => {
    const scene = await open(t);
    const { home, tmux, progress } = scene;
    await tmux.enter('echo before');
    await tmux.see(/^before$/m);
    await progress(`run --name job --stream -- ${writeJob(home)}`);
    const screen = await tmux.see(/output 6/);
    for (const pattern of [
      /Story 2\/2 +s2 · Second story/,
      /75% +3\/4 files/,
      /✅ a criterion that holds/,
      /⏳ a criterion at work/,
      /output 4.*\n.*output 5.*\n.*output 6/,
      /q leave the box .* Ctrl-C interrupt/,
    ])
      t.match(screen, pattern);
    t.match(screen, /^before$/m, 'what stood there stays');
    t.match(screen, /│ \d\d:\d\d:\d\d output 1 +│/, 'the log takes the rows that are left, with times');
    go(home);
    const end = await tmux.see(/status 0/, 'history');
    t.match(end, /✅ job completed in [\d.]+s/);
    t.match(end, /progress logs \w{10}/);
    t.notMatch(end, /[╭╰│]/, 'the box is gone');
    t.match((await home.invoke(['logs', 'job'])).stdout, /^output 1\n.*the last line\n$/s, 'all of it is in the log');
    await expectRestored(t, scene);
  });

  t.test('run --stream: t opens the full screen, which returns to the box; Ctrl-Z pauses the command', async (t) => {
    const scene = await open(t);
    const { home, tmux, progress } = scene;
    await progress(`run --name job --stream -- ${writeJob(home)}`);
    await tmux.see(/output 6/);
    for (let round = 0; round < 2; round += 1) {
      await tmux.key('t');
      await tmux.see(/^ *1 Log .*2 Steps/m);
      await tmux.key('q');
      await tmux.see(/^ *ID\b|1 running[^╭]*job/);
      await tmux.key('q');
      await tmux.see(/^╭─ progress · job ·[^]*output 6[^]*^╰/m);
    }
    await tmux.key('C-z');
    await tmux.see(/ready>\s*$/);
    t.notMatch(await tmux.capture(), /[╭╰]/);
    await waitFor('the pause', async () => (await home.invoke(['ps'])).stdout.includes('paused'));
    go(home);
    await tmux.enter('fg');
    t.match(await tmux.see(/✅ job completed/, 'history'), /progress logs/);
    await expectRestored(t, scene);
  });

  t.test('run --stream shows the steps that a script reports with the shell library', async (t) => {
    const { home, tmux, progress } = await open(t);
    const script = path.join(home.directory, 'library.sh');
    writeFileSync(
      script,
      `PATH=${path.dirname(PROGRESS)}:$PATH
. "$(progress path sh)"
progress_start "a script"
progress_plan compile test
progress_step compile true
progress_step test sh -c 'while [ ! -e ${home.directory}/go ]; do sleep 0.05; done'
progress_end
`,
    );
    await progress(`run --name nightly --stream -- sh ${script}`);
    const screen = await tmux.see(/[╭│].*1\/2 steps[\s\S]*╰/);
    for (const pattern of [/─ progress · nightly ·/, /│.*compile/, /│.*test/]) t.match(screen, pattern);
    go(home);
    t.match(await tmux.see(/status 0/, 'history'), /✅ nightly completed in/);
    const { steps } = JSON.parse((await home.invoke(['show', '--json', 'nightly'])).stdout) as { steps: object[] };
    t.match(steps, [
      { name: 'compile', status: 'completed' },
      { name: 'test', status: 'completed' },
    ]);
  });

  t.test('of hostile texts nothing but text reaches the terminal', async (t) => {
    const { home, tmux, progress, emit } = await open(t, USUAL, { PROGRESS_OSC: '1' });
    const evil =
      '\u001b[2J\u001b]0;owned\u0007\u001bP1$r\u001b\\\u009b31m\u0090\u009d8;;x\u009c\r\n\u0008\u202e\u2066\u200b\u0000x';
    await emit(
      { type: 'execution_started', execution: 'evil', name: `evil ${evil}`, data: { agent: evil } },
      { type: 'step_started', execution: 'evil', step: 's', name: evil, data: { kind: evil, model: evil } },
      { type: 'step_started', execution: 'evil', step: 'inner', name: evil, data: { parent: 's' } },
      { type: 'output', execution: 'evil', step: 's', data: { text: `${evil}\u001b[31mred` } },
      { type: 'activity', execution: 'evil', data: { kind: 'assistant-text', text: evil } },
      { type: 'log', execution: 'evil', data: { level: evil, message: evil } },
      { type: 'log', execution: 'evil', data: { level: 'error', errorType: evil, message: evil } },
      { type: 'progress', execution: 'evil', data: { current: 1, total: 2, unit: evil, message: evil } },
      { type: 'attention', execution: 'evil', data: { state: 'waiting', reason: evil } },
    );
    const file = path.join(home.directory, 'bytes');
    await tmux.record(file);
    await progress('watch --stream evil');
    await tmux.see(/waiting for you.*[^]*red/);
    await emit({ type: 'execution_failed', execution: 'evil', data: { error: evil, errorType: evil } });
    await tmux.see(/status 0/);
    await emit({ type: 'execution_started', execution: 'more', name: evil });
    await progress('watch --stream');
    await tmux.see(/╭─ progress/);
    await tmux.key('q');
    await tmux.see(/status 0[^]*status 0/);
    const bytes = readFileSync(file, 'utf8');
    t.match(bytes, /\u001b\]9;4;[14];/, 'it is the output of the box');
    const ours =
      /\u001b\[(?:[\d;]*m|\d+[ABG]|[KJ]|\?(?:7|25|2026)[hl]|>c|6n)|\u001b\]9;4;[0-4];\d*\u001b\\|\r+\n|\r|\n/g;
    const left = /.{0,20}[\p{Cc}\u202a-\u202e\u2066-\u2069].{0,20}/u.exec(bytes.replaceAll(ours, ''));
    t.equal(left?.[0], undefined);
  });

  t.test('commands that wait print at a terminal for what', async (t) => {
    const { tmux, progress, emit } = await open(t, { columns: 100, rows: 24 });
    for (const [words, what] of [
      ['watch', /events of all executions/],
      ['logs -f', /output of all executions/],
      ['follow gemini', /sessions of gemini/],
    ] as const) {
      await progress(words);
      await tmux.see(new RegExp(`^progress: waiting for ${what.source}; Ctrl-C leaves$`, 'm'));
      await tmux.key('C-c');
      await tmux.see(/ready>\s*$/);
      await tmux.enter('clear');
      await tmux.see(/^ready>\s*$/);
    }
    await emit({ type: 'execution_started', execution: 'x', name: 'one of them' });
    await progress('logs -f x');
    await tmux.see(/^progress: waiting for output of one of them, until it ends; Ctrl-C leaves$/m);
    await tmux.key('C-c');
    await tmux.see(/ready>\s*$/);
    await progress('watch x 2>~/err; grep -c waiting ~/err');
    await tmux.see(/^\d\d:\d\d:\d\d start +one of them/m);
    await emit({ type: 'execution_completed', execution: 'x' });
    await tmux.see(/^0$/m);
  });

  t.test('a failure is shown with its evidence, and the exit status is the command’s', async (t) => {
    const scene = await open(t);
    await scene.progress(`run --name job --stream -- ${writeJob(scene.home, 3)}`);
    await scene.tmux.see(/output 6/);
    go(scene.home);
    const end = await scene.tmux.see(/status 3/, 'history');
    t.match(end, /❌ job failed after [\d.]+s, exit 3/);
    t.match(end, /the last line/);
    await expectRestored(t, scene);
  });

  t.test(
    'q leaves run --stream: the command continues in the foreground, and its output is passed through',
    async (t) => {
      const scene = await open(t);
      await scene.progress(`run --name job --stream -- ${writeJob(scene.home)}`);
      await scene.tmux.see(/output 6/);
      await scene.tmux.key('q');
      await scene.tmux.see(/job goes on\. Come back: progress watch --stream/);
      t.notMatch(await scene.tmux.capture(), /[╭╰│]/);
      go(scene.home);
      t.match(await scene.tmux.see(/status 0/), /^the last line$/m);
      t.match(JSON.parse((await scene.home.invoke(['show', '--json', 'job'])).stdout), { status: 'completed' });
      await expectRestored(t, scene);
    },
  );

  t.test(
    'Ctrl-C in run --stream is the command’s, and ends a script around it, in the box and after leaving it',
    async (t) => {
      for (const leave of [false, true]) {
        const scene = await open(t);
        const { home, tmux } = scene;
        const script = path.join(home.directory, 'around.sh');
        writeFileSync(script, `${PROGRESS} run --name job --stream -- ${writeJob(home)}\necho "goes on after $?"\n`);
        await tmux.enter(`bash ${script}`);
        await tmux.see(/output 6/);
        if (leave) {
          await tmux.key('q');
          await tmux.see(/job goes on/);
        }
        await tmux.key('C-c');
        // like a command that dies of SIGINT, it ends its line
        await tmux.see(/ready>\s*$/);
        await tmux.enter('echo "status $?"');
        const end = await tmux.see(/status 130/, 'history');
        t.notMatch(end, 'goes on after');
        if (!leave) t.match(end, /job cancelled after/);
        t.match(JSON.parse((await home.invoke(['show', '--json', 'job'])).stdout), {
          status: 'cancelled',
          outcome: { signal: 'SIGINT' },
        });
        await expectRestored(t, scene);
      }
    },
  );

  t.test('Ctrl-C without a box reaches the command once, and counts as cancelled', async (t) => {
    const scene = await open(t);
    const script = path.join(scene.home.directory, 'count.sh');
    writeFileSync(
      script,
      `trap 'echo interrupted; n=$((n+1))' INT\necho ready to go\nwhile [ ! -e ${scene.home.directory}/go ]; do sleep 0.05; done\necho "counted $n"\nexit 130\n`,
    );
    await scene.progress(`run --name job -- sh ${script}`);
    await scene.tmux.see(/^ready to go$/m);
    await scene.tmux.key('C-c');
    await scene.tmux.see(/^(\^C)?interrupted$/m);
    go(scene.home);
    t.match(await scene.tmux.see(/status 130/), /^counted 1$/m);
    t.match(JSON.parse((await scene.home.invoke(['show', '--json', 'job'])).stdout), {
      status: 'cancelled',
      outcome: { exitCode: 130 },
    });
  });

  t.test('SIGTERM to run --stream ends the command, and restores the terminal', async (t) => {
    const scene = await open(t);
    await scene.tmux.enter(`echo 'exec ${PROGRESS} run --name job --stream -- ${writeJob(scene.home)}' > $HOME/start`);
    await scene.tmux.enter(`sh -c 'echo $$ > $HOME/pid; . $HOME/start'; echo "status $?"`);
    await scene.tmux.see(/output 6/);
    const pid = Number(readFileSync(path.join(scene.tmux.home, 'pid'), 'utf8'));
    process.kill(pid, 'SIGTERM');
    await scene.tmux.see(/status 143/);
    t.match(JSON.parse((await scene.home.invoke(['show', '--json', 'job'])).stdout), {
      status: 'cancelled',
      outcome: { signal: 'SIGTERM' },
    });
    await expectRestored(t, scene);
  });

  t.test('watch --stream of one: live, then its summary, with --exit-status', async (t) => {
    const scene = await open(t);
    const { emit, tmux } = scene;
    await emit(
      { type: 'execution_started', execution: 'one', name: 'The one', total: 3 },
      { type: 'step_started', execution: 'one', step: 'a', name: 'Step A' },
    );
    await scene.progress('watch --stream --exit-status one');
    t.match(await tmux.see(/Step 1\/3 +Step A/), /● running/);
    await emit(
      { type: 'step_completed', execution: 'one', step: 'a' },
      { type: 'step_started', execution: 'one', step: 'b', name: '漢字 ✅' },
    );
    t.match(await tmux.see(/Step 2\/3 +漢字 ✅/), /33% +1\/3/);
    await emit({ type: 'execution_failed', execution: 'one', exitCode: 4, error: 'it broke' });
    const end = await tmux.see(/status 4/, 'history');
    t.match(end, /❌ The one failed after .*exit 4/);
    t.match(end, /it broke/);
    t.notMatch(end, /[╭╰│]/);
    await expectRestored(t, scene);
  });

  t.test('watch --stream of all: a row each; finished ones move above the box', async (t) => {
    const scene = await open(t);
    const { emit, tmux } = scene;
    await emit(
      { type: 'execution_started', execution: 'one', name: 'First' },
      { type: 'execution_started', execution: 'two', name: 'Second' },
    );
    await scene.progress('watch --stream');
    await tmux.see(/2 running(.*\n)+.*Second.*\n.*First/);
    await emit(
      { type: 'execution_completed', execution: 'one' },
      { type: 'execution_started', execution: 'three', name: 'Third' },
    );
    await tmux.see(/✅ First completed.*\n(.*\n)*.*2 running(.*\n)+.*Third.*\n.*Second/);
    await tmux.key('q');
    const end = await tmux.see(/status 0/);
    t.match(end, /2 executions go on\. Come back: progress watch --stream/);
    t.match(end, /✅ First completed/, 'what was said stays');
    await expectRestored(t, scene);
  });

  t.test('Ctrl-C, a resize, and a terminal that is narrow', async (t) => {
    const scene = await open(t);
    const { emit, tmux } = scene;
    await emit(
      { type: 'execution_started', execution: 'one', name: 'The one', total: 3 },
      { type: 'step_started', execution: 'one', step: 'a', name: 'Step A' },
    );
    await scene.progress('watch --stream one');
    await tmux.see(/╭.*The one/);
    await tmux.resize(100, 24);
    await tmux.see(/╭─ progress · The one[^\n]{60,}╮/);
    await tmux.resize(55, 24);
    const narrow = await tmux.see(/^progress · The one/m);
    // rows of a frame that was drawn while the size changed may stay above
    const box = narrow.slice(narrow.lastIndexOf('progress · The one'));
    t.notMatch(box, /[╭│]/, 'there are no cells to give away to a border');
    await tmux.resize(80, 24);
    const wide = await tmux.see(/╭.*The one.*╮/);
    t.equal(wide.match(/╭/g)?.length, 1, 'nothing is left over of the other sizes');
    await tmux.key('C-c');
    // rows that a terminal moved into its scrollback while it rewrapped the old box are out of reach
    const end = await tmux.see(/status 0/);
    t.match(end, /The one goes on/);
    t.notMatch(end.slice(end.indexOf('goes on')), /╭/, 'below the last line there is no box');
    await expectRestored(t, scene);
  });

  t.test('a finished execution is summarised at once; without a box, lines are printed', async (t) => {
    const scene = await open(t);
    await scene.emit(
      { type: 'execution_started', execution: 'one', name: 'The one' },
      { type: 'execution_completed', execution: 'one' },
    );
    await scene.progress('watch --stream one');
    t.match(await scene.tmux.see(/status 0/), /✅ The one completed/);
    await scene.tmux.enter(`TERM=dumb ${PROGRESS} watch --stream one; echo "dumb $?"`);
    t.match(await scene.tmux.see(/dumb 0/), /^[\d:]{8} start +The one/m);
  });

  t.test('an interrupted stream: shows snapshots, reports that, and recovers', async (t) => {
    const home = createHome(t);
    await home.startDaemon();
    const proxy = await openProxy(t, home.paths.socket, path.join(home.directory, 'proxy.sock'));
    const tmux = await openTmux(t, USUAL, { PROGRESS_HOME: home.directory, PROGRESS_SOCKET: proxy.socket });
    const emit = async (...events: Record<string, unknown>[]) => {
      const client = await home.connect();
      for (const event of events) await client.call('emit', { event });
      await client.close();
    };
    const step = (n: number) => ({ type: 'progress', execution: 'one', current: n, total: 10, unit: 'files' });
    await emit({ type: 'execution_started', execution: 'one', name: 'The one' }, step(1));
    await tmux.enter(`${PROGRESS} watch --stream one; echo "status $?"`);
    await tmux.see(/1\/10 files/);
    proxy.cutStream();
    await tmux.see(/! stream cut at \d\d:\d\d:\d\d: showing snapshots, trying again/);
    await emit(step(5));
    t.match(await tmux.see(/5\/10 files/), /showing snapshots/, 'values are asked for');
    proxy.restore();
    await waitFor('the stream', async () => !/stream cut|no daemon/.test(await tmux.capture()));
    await emit(step(7));
    await tmux.see(/7\/10 files/);
    proxy.cutStream();
    await tmux.see(/showing snapshots/);
    await emit({ type: 'execution_completed', execution: 'one' });
    t.match(await tmux.see(/status 0/), /✅ The one completed/, 'the end is noticed without a stream too');
  });

  t.test(
    'a killed daemon: says why and what to type, continues after a start, and starts it again itself',
    async (t) => {
      const home = createHome(t);
      const daemon = await home.startDaemon();
      const tmux = await openTmux(t, USUAL, { PROGRESS_HOME: home.directory });
      const emit = async (...events: Record<string, unknown>[]) => {
        const client = await home.connect();
        for (const event of events) await client.call('emit', { event });
        await client.close();
      };
      await emit({ type: 'execution_started', execution: 'one', name: 'The one' });
      await tmux.enter(`PROGRESS_NO_DAEMON=1 ${PROGRESS} watch --stream one; echo "status $?"`);
      await tmux.see(/● running/);
      await daemon.kill();
      await tmux.see(/! no daemon is running; start it with `progress daemon start`/);
      const { pid } = await home.startDaemon();
      t.ok(isRunning(pid));
      await emit({ type: 'step_started', execution: 'one', step: 'a', name: 'After the start' });
      t.notMatch(await tmux.see(/After the start/), /no daemon/);
      await tmux.key('q');
      await tmux.see(/status 0/);
      await tmux.enter(`clear; ${PROGRESS} watch --stream one; echo "status $?"`);
      await tmux.see(/After the start/);
      process.kill(pid, 'SIGKILL');
      await waitFor('another daemon', async () => {
        const client = await home.connect().catch(() => undefined);
        const hello = await client?.hello();
        await client?.close();
        return hello !== undefined && hello.pid !== pid;
      });
      await emit({ type: 'step_completed', execution: 'one', step: 'a' });
      t.notMatch(await tmux.see(/1\/1 steps/), /! /);
      await emit({ type: 'execution_completed', execution: 'one' });
      t.match(await tmux.see(/status 0/), /✅ The one completed/);
    },
  );
});
