import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import t from 'tap';
import type { Test } from 'tap';
import type { EventData } from '../../src/core/event.js';
import type { RunOptions } from '../../src/runner/run.js';
import { startRun } from '../../src/runner/run.js';
import type { Home } from '../helpers/daemon.js';
import { createHome, isRunning } from '../helpers/daemon.js';
import { waitFor } from '../helpers/wait.js';

interface Emitted {
  type: string;
  data: EventData;
}

function start(argv: [string, ...string[]], more: Partial<RunOptions> = {}) {
  const events: Emitted[] = [];
  const run = startRun({ id: 'x', argv, env: process.env, apart: true, emit: (event) => events.push(event), ...more });
  const text = (stream: string) =>
    events
      .filter(({ type, data }) => type === 'output' && data['stream'] === stream)
      .map(({ data }) => data['text'])
      .join('\n');
  return { run, events, text, outcome: () => events.at(-1)! };
}

const sh = (script: string): [string, ...string[]] => ['sh', '-c', script];

t.test('the exit status is that of the command, and so is the outcome', async (t) => {
  for (const status of [0, 1, 2, 42, 126, 127, 128, 130, 255]) {
    const { run, events, outcome } = start(sh(`exit ${status}`));
    t.equal(await run.ended, status);
    t.equal(events[0]?.type, 'execution_started');
    t.match(outcome(), {
      type: status === 0 ? 'execution_completed' : 'execution_failed',
      data: { exitCode: status, durationMs: Number },
    });
  }
});

t.test('a command that dies of a signal has failed, with 128 and its number', async (t) => {
  for (const [signal, status] of [
    ['KILL', 137],
    ['SEGV', 139],
    ['TERM', 143],
  ] as const) {
    const { run, outcome } = start(sh(`kill -${signal} $$`));
    t.equal(await run.ended, status);
    t.match(outcome(), { type: 'execution_failed', data: { signal: `SIG${signal}` } });
  }
});

t.test('one that ends by a signal that was passed on is cancelled; one that dies of another has failed', async (t) => {
  const passed = start(sh('echo up; exec sleep 60'));
  await waitFor('the command', () => passed.text('stdout') === 'up');
  passed.run.signal('SIGTERM');
  t.equal(await passed.run.ended, 143);
  t.match(passed.outcome(), { type: 'execution_cancelled', data: { signal: 'SIGTERM' } });

  const polite = start(sh('trap "exit 130" INT; echo up; while :; do sleep 0.05; done'));
  await waitFor('the command', () => polite.text('stdout') === 'up');
  polite.run.signal('SIGINT');
  t.equal(await polite.run.ended, 130);
  t.equal(polite.outcome().type, 'execution_cancelled', 'a shell says by its status what it died of');

  const other = start(sh('trap "" TERM; echo up; sleep 0.3; kill -KILL $$'));
  await waitFor('the command', () => other.text('stdout') === 'up');
  other.run.signal('SIGTERM');
  t.equal(await other.run.ended, 137);
  t.equal(other.outcome().type, 'execution_failed');

  const unmoved = start(sh('trap "" TERM; echo up; sleep 0.3'));
  await waitFor('the command', () => unmoved.text('stdout') === 'up');
  unmoved.run.signal('SIGTERM');
  t.equal(await unmoved.run.ended, 0);
  t.equal(unmoved.outcome().type, 'execution_completed');
  unmoved.run.signal('SIGTERM');
});

t.test('what cannot be run has failed too: 127 not found, 126 not executable', async (t) => {
  const directory = t.testdir({ plain: 'no program' });
  chmodSync(path.join(directory, 'plain'), 0o644);
  const cases: [string, number][] = [
    ['no-such-command-anywhere', 127],
    [path.join(directory, 'missing'), 127],
    [path.join(directory, 'plain'), 126],
    [directory, 126],
    [path.join(directory, 'plain/below'), 126],
  ];
  for (const [file, status] of cases) {
    const { run, events, outcome } = start([file]);
    t.equal(await run.ended, status, file);
    t.strictSame(
      events.map(({ type }) => type),
      ['execution_started', 'execution_failed'],
    );
    t.match(outcome().data, { exitCode: status, error: /./ });
    run.signal('SIGTERM');
    run.pause();
    run.resume();
  }
});

t.test('arguments that are too long for the system are an outcome, not a crash', async (t) => {
  const { run, events, outcome } = start(['true', 'x'.repeat(4 * 1024 * 1024)]);
  t.equal(await run.ended, 126);
  t.match(outcome(), { type: 'execution_failed', data: { error: /E2BIG/ } });
  t.ok(JSON.stringify(events[0]).length < 64 * 1024, 'the event has what fits');
});

t.test('what a grandchild writes after the end is waited for, but not for ever', async (t) => {
  const { run, text } = start(sh('echo parent; (sleep 0.3; echo child) &'));
  t.equal(await run.ended, 0);
  t.equal(text('stdout'), 'parent\nchild');

  const endless = start(sh('echo parent; (while :; do echo more; sleep 0.1; done) & echo $!'));
  const begun = performance.now();
  t.equal(await endless.run.ended, 0);
  t.ok(performance.now() - begun < 10_000);
  t.match(endless.text('stdout'), /^parent/);
  const pid = Number(/^\d+$/m.exec(endless.text('stdout'))?.[0]);
  await waitFor('the grandchild to notice', () => !isRunning(pid));
});

t.test('a reader that is slow gets everything, what grandchildren still write too', async (t) => {
  const stdout = new PassThrough({ highWaterMark: 1024 });
  const { run, text } = start(sh('seq 200000 & exit 0'), { output: { stdout, stderr: new PassThrough() } });
  let read = '';
  // longer than anybody waits for grandchildren that are silent
  setTimeout(() => stdout.setEncoding('utf8').on('data', (text: string) => (read += text)), 3_000);
  t.equal(await run.ended, 0);
  await waitFor('the rest', () => read.endsWith('\n200000\n'));
  t.equal(read.split('\n').length, 200_001);
  t.equal(text('stdout').split('\n').length, 200_000);
});

t.test('paused, the command waits when its pipe is full', async (t) => {
  const { run, events } = start(sh('seq 200000; echo done >&2'));
  run.pause();
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.notOk(events.some(({ data }) => data['stream'] === 'stderr'));
  run.resume();
  t.equal(await run.ended, 0);
  t.match(events.filter(({ data }) => data['stream'] === 'stdout').at(-1)?.data['text'], /\n200000$/);
});

t.test('a start says what runs, where, for whom', async (t) => {
  const { run, events } = start(['true', 'a b'], { name: 'n', labels: { k: 'v' }, parent: 'p' });
  await run.ended;
  t.match(events[0]?.data, {
    kind: 'run',
    argv: ['true', 'a b'],
    cwd: process.cwd(),
    pid: Number,
    host: /./,
    name: 'n',
    labels: { k: 'v' },
    parent: 'p',
  });
});

/** The command line itself. */
async function progress(
  home: Home,
  args: string[],
  input?: string,
): Promise<{ status: number | null; stdout: Buffer; stderr: string }> {
  const child = home.spawn(['run', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout!.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin!.on('error', () => undefined).end(input);
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout: Buffer.concat(stdout), stderr };
}

async function openHome(t: Test): Promise<Home> {
  const home = createHome(t);
  await home.startDaemon();
  return home;
}

t.test('with a daemon', async (t) => {
  const home = await openHome(t);
  const list = () => JSON.parse(home.progress(['ps', '--all', '--json']).stdout) as Record<string, unknown>[];

  t.test('output is passed on byte for byte, each stream on its own, and recorded so', async (t) => {
    const script = `printf 'out\\377\\n\\000 end'; printf 'err\\n' >&2; exit 3`;
    const { status, stdout, stderr } = await progress(home, ['--name', 'bytes', '--', ...sh(script)]);
    t.equal(status, 3);
    t.strictSame(stdout, Buffer.from('out\xff\n\x00 end', 'latin1'));
    t.equal(stderr, 'err\n');
    const logs = home.spawn(['logs', 'bytes', '--stream', 'stdout']);
    const chunks: Buffer[] = [];
    logs.stdout!.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(logs, 'close');
    t.strictSame(Buffer.concat(chunks), stdout);
  });

  t.test('standard input is passed on, and the environment tells the execution', async (t) => {
    const { stdout } = await progress(
      home,
      ['--', ...sh('cat; echo "$PROGRESS_EXECUTION|$PROGRESS_SOCKET|${PROGRESS_STEP-none}"')],
      'input\n',
    );
    const [execution] = list() as { id: string }[];
    t.equal(stdout.toString(), `input\n${execution!.id}|${home.paths.socket}|none\n`);
  });

  t.test('options end at the command; what is wrong with them runs nothing', async (t) => {
    const { stdout } = await progress(home, ['--label', 'a=b=c', '--label=d=', '--name', '-x', 'echo', '--name', '-h']);
    t.equal(stdout.toString(), '--name -h\n');
    t.match(list()[0], { name: '-x', labels: { a: 'b=c', d: '' }, argv: ['echo', '--name', '-h'] });
    for (const args of [
      [],
      ['--'],
      ['--no-such-option', 'echo'],
      ['--label', 'novalue', 'echo'],
      ['--name', 'a', '--name', 'b', 'echo'],
    ]) {
      const { status, stderr } = await progress(home, args);
      t.equal(status, 64, args.join(' '));
      t.match(stderr, /^progress: /);
    }
    t.equal(list().filter(({ argv }) => Array.isArray(argv) && argv[0] === 'echo').length, 1);
  });

  t.test('a run within a run knows its parent', async (t) => {
    await progress(home, ['--name', 'outer', '--', 'bin/progress', 'run', '--name', 'inner', 'true']);
    const [inner, outer] = list();
    t.match(inner, { name: 'inner', parent: outer?.['id'] });
  });

  t.test('signals are passed on; without a terminal SIGINT is too', async (t) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
      const child = home.spawn(['run', '--name', signal, '--', ...sh('trap "" QUIT; echo up; exec sleep 60')], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      await once(child.stdout!, 'data');
      const ended = once(child, 'close') as Promise<[number]>;
      child.kill(signal);
      if (signal === 'SIGQUIT') child.kill('SIGTERM');
      const [status] = await ended;
      t.ok(status > 128, `${signal}: ${status}`);
      t.match(list()[0], { name: signal, status: 'cancelled' });
    }
  });

  t.test('when nobody reads any more the command is told, and progress ends with it', async (t) => {
    const { stdout, status } = await new Promise<{ stdout: string; status: number | null }>((resolve) => {
      const child = spawn('sh', ['-c', 'unset NODE_OPTIONS; bin/progress run --name yes -- yes | head -1'], {
        env: home.env,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let stdout = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.once('close', (status) => resolve({ stdout, status }));
    });
    t.equal(stdout, 'y\n');
    t.equal(status, 0);
    await waitFor('its end', () => list()[0]?.['status'] === 'failed');
  });

  t.test('50 MB pass quickly and without growing', async (t) => {
    const script = `node -e 'const line = Buffer.from("x".repeat(99) + "\\n"), chunk = Buffer.concat(Array(6553).fill(line));
      let n = 0; (function next() { while (n++ < 80) if (!process.stdout.write(chunk)) return process.stdout.once("drain", next); })()'`;
    const child = home.spawn(['run', '--name', 'much', '--', ...sh(script)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let bytes = 0;
    let peak = 0;
    child.stdout!.on('data', (chunk: Buffer) => (bytes += chunk.length));
    const { readFileSync } = await import('node:fs');
    const timer = setInterval(() => {
      try {
        peak = Math.max(
          peak,
          Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0),
        );
      } catch {
        // it has ended; a zombie has a status without figures
      }
    }, 20);
    const begun = performance.now();
    const [status] = (await once(child, 'close')) as [number];
    clearInterval(timer);
    t.equal(status, 0);
    t.equal(bytes, 80 * 6553 * 100);
    t.ok(performance.now() - begun < 20_000, `${Math.round(performance.now() - begun)} ms`);
    if (process.platform === 'linux') t.ok(peak < 200 * 1024, `${peak >> 10} MiB at the most`);
    const recorded = spawn('sh', ['-c', 'bin/progress logs much | wc -lc'], { env: home.env });
    const [counts] = (await once(recorded.stdout, 'data')) as [Buffer];
    t.match(counts.toString(), new RegExp(`^\\s*${80 * 6553}\\s+${bytes}\\s*$`));
  });

  t.test('in a directory that is gone it says so', async (t) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'progress-gone-'));
    const script = `unset NODE_OPTIONS; cd ${directory} && rmdir ${directory} && exec ${process.cwd()}/bin/progress run -- echo fine`;
    const child = spawn('sh', ['-c', script], { env: home.env });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const [status] = (await once(child, 'close')) as [number];
    t.match(stderr, 'progress: the working directory has been removed');
    t.equal(status, 66);
  });

  t.test('without steps of its own it still takes those that the command emits', async (t) => {
    const script = path.join(home.directory, 'steps.sh');
    writeFileSync(
      script,
      'p=bin/progress\n$p emit step_started --step one name=One\n$p emit step_completed --step one\necho \'{"type":"step_started","step":"two"}\' | $p emit --stdin\n',
    );
    t.equal((await progress(home, ['--name', 'steps', 'sh', script])).status, 0);
    t.match(JSON.parse(home.progress(['show', '--json', 'steps']).stdout), {
      steps: [
        { id: 'one', name: 'One', status: 'completed' },
        { id: 'two', status: 'cancelled' },
      ],
    });
  });
});

t.test('the command does not depend on the daemon: killed meanwhile, everything is recorded in the end', async (t) => {
  const home = createHome(t);
  const daemon = await home.startDaemon();
  const child = home.spawn(
    ['run', '--name', 'long', '--', ...sh('for n in 1 2 3 4 5 6 7 8; do echo $n; sleep 0.1; done')],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(child.stdout!, 'data');
  const ended = once(child, 'close') as Promise<[number]>;
  await daemon.kill();
  const [status] = await ended;
  t.equal(status, 0);
  t.equal(home.progress(['logs', 'long']).stdout, '1\n2\n3\n4\n5\n6\n7\n8\n');
  t.match(JSON.parse(home.progress(['show', '--json', 'long']).stdout), { status: 'completed', exitCode: 0 });
});

t.test('what could not be recorded is counted, and the exit status stays the command’s', async (t) => {
  const home = createHome(t);
  writeFileSync(home.paths.config, 'no: such key\n');
  const { status, stdout, stderr } = await progress(home, ['--', ...sh('echo fine; exit 5')]);
  t.equal(status, 5);
  t.equal(stdout.toString(), 'fine\n');
  t.match(stderr, /^progress: 3 events of this run could not be recorded/);
});
