import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { readProcess } from '../../../../src/platform/processes.js';
import type { Home } from '../../../helpers/daemon.js';
import { createHome, isRunning, PROGRESS, ROOT } from '../../../helpers/daemon.js';
import { collectOutput } from '../../../helpers/output.js';
import { readSpool } from '../../../helpers/spool.js';
import { createRunHome, sh } from '../../../helpers/runs.js';
import { waitFor } from '../../../helpers/wait.js';

interface Ended {
  status: number | null;
  stdout: Buffer;
  stderr: string;
}

interface RunOptions {
  input?: string;
  env?: NodeJS.ProcessEnv;
}

/** `progress run` on pipes. */
async function run(home: Home, args: readonly string[], { input, env = {} }: RunOptions = {}): Promise<Ended> {
  const child = home.spawn(['run', ...args], { stdio: ['pipe', 'pipe', 'pipe'], env });
  const output = collectOutput(child);
  child.stdin!.on('error', () => undefined).end(input);
  const { status, stderr } = await output.ended;
  return { status, stdout: output.bytes, stderr };
}

async function openHome(t: Test): Promise<Home> {
  const home = createHome(t);
  await home.startDaemon();
  return home;
}

type Listed = Record<string, unknown> & { id: string };

const list = async (home: Home) => JSON.parse((await home.invoke(['ps', '--all', '--json'])).stdout) as Listed[];
const show = async (home: Home, id: string) => JSON.parse((await home.invoke(['show', '--json', id])).stdout) as Listed;

/** Exceeded only by a hang. */
const END_MS = 10_000;

/** Waits until the journal has its end; returns the execution. */
const end = (home: Home, name: string) =>
  waitFor(
    `the end of ${name}`,
    async () => (await list(home)).find((one) => one['name'] === name && typeof one['endedAt'] === 'string'),
    END_MS,
  );

t.test('with a daemon', async (t) => {
  const home = await openHome(t);

  t.test('passes output on byte for byte, each stream separately, and records it', async (t) => {
    const script = `printf 'out\\377\\n\\000 end'; printf 'err\\n' >&2; exit 3`;
    const { status, stdout, stderr } = await run(home, ['--name', 'bytes', '--', ...sh(script)]);
    t.equal(status, 3);
    t.strictSame(stdout, Buffer.from('out\xff\n\x00 end', 'latin1'));
    t.equal(stderr, 'err\n');
    await end(home, 'bytes');
    const logs = collectOutput(home.spawn(['logs', 'bytes', '--stream', 'stdout']));
    await logs.ended;
    t.strictSame(logs.bytes, stdout);
  });

  t.test('its output can be opened by name, as in a shell', async (t) => {
    const { status, stdout, stderr } = await run(home, ['--', ...sh('echo out >/dev/stdout; echo err >/dev/stderr')]);
    t.match({ status, stdout: stdout.toString(), stderr }, { status: 0, stdout: 'out\n', stderr: 'err\n' });
  });

  t.test('passes on stdin and other descriptors of the shell', async (t) => {
    t.equal((await run(home, ['--', 'cat'], { input: 'input\n' })).stdout.toString(), 'input\n');
    const line = `${PROGRESS} run -- cat <(echo one) <(echo two)`;
    const { stdout, stderr } = spawnSync('bash', ['-c', line], {
      env: home.env,
      encoding: 'utf8',
    });
    t.equal(stdout, 'one\ntwo\n', stderr);
  });

  t.test('returns the exit status of the command', async (t) => {
    for (const status of [0, 1, 42, 255]) t.equal((await run(home, ['--', ...sh(`exit ${status}`)])).status, status);
    t.equal((await run(home, ['--', ...sh('kill -TERM $$')])).status, 143);
    t.match(await run(home, ['--', 'no-such-command']), {
      status: 127,
      stderr: 'progress: no-such-command: command not found\n',
    });
    t.match(await run(home, ['--', '/']), { status: 126, stderr: 'progress: /: is a directory\n' });
  });

  t.test('options end at the command; invalid options run nothing', async (t) => {
    const { stdout } = await run(home, ['--label', 'a=b=c', '--label=d=', '--name', '-x', 'echo', '--name', '-h']);
    t.equal(stdout.toString(), '--name -h\n');
    t.match(await end(home, '-x'), { labels: { a: 'b=c', d: '' }, process: { argv: ['echo', '--name', '-h'] } });
    const before = (await list(home)).length;
    for (const args of [
      [],
      ['--'],
      ['--no-such-option', 'echo'],
      ['--label', 'novalue', 'echo'],
      ['--env', '=value', 'echo'],
      ['--name', 'a', '--name', 'b', 'echo'],
      ['--timeout', 'soon', 'echo'],
      ['--timeout', '0', 'echo'],
      ['--queue', '', 'echo'],
      ['--agent', '', 'echo'],
      ['--detach', '--follow', 'echo'],
      ['--pty', '--no-pty', 'echo'],
      ['--grep', 'x', 'echo'],
      ['--stream', '-v', 'echo'],
      ['--follow', '--grep', '(', 'echo'],
    ]) {
      const { status, stderr } = await run(home, args);
      t.equal(status, 64, args.join(' '));
      t.match(stderr, /^progress: /);
    }
    t.equal((await run(home, ['--after', 'nothing-like-it', '--', 'echo'])).status, 66);
    t.equal((await list(home)).length, before);
  });

  t.test('records name, labels, agent, directory and environment', async (t) => {
    const args = [
      '--name',
      'all',
      '--agent',
      'claude',
      '--label',
      'k=v',
      '--cwd',
      '/',
      '--env',
      'ONE=1=2',
      '--env',
      'TWO=',
    ];
    const { stdout } = await run(home, [...args, '--', ...sh('pwd; echo "$ONE|${TWO-none}|$HOME"')]);
    t.equal(stdout.toString(), `/\n1=2||${home.directory}\n`);
    t.match(await end(home, 'all'), {
      kind: 'agent',
      agent: { name: 'claude' },
      labels: { k: 'v' },
      process: { cwd: '/' },
      status: 'completed',
    });
    const { status, stderr } = await run(home, ['--cwd', 'no/such/place', '--', 'true']);
    t.equal(status, 126);
    t.match(stderr, /cannot start in .*no\/such\/place: no such directory/);
  });

  t.test('a timeout ends the run', async (t) => {
    const { status } = await run(home, ['--name', 'late', '--timeout', '1s', '--', 'sleep', '60']);
    t.equal(status, 124);
    t.match(await end(home, 'late'), { status: 'timeout' });
  });

  t.test('keeps the order of stdout and stderr that share a pipe or file', async (t) => {
    const script = path.join(home.directory, 'alternate.sh');
    writeFileSync(script, 'i=0; while [ $i -lt 1000 ]; do echo $i; echo $((i + 1)) >&2; i=$((i + 2)); done');
    const expected = Array.from({ length: 1_000 }, (_, n) => `${n}\n`).join('');
    const file = path.join(home.directory, 'both');
    const shell = (line: string) => spawnSync('sh', ['-c', line], { env: home.env, encoding: 'utf8' }).stdout;
    const command = (name: string) => `${PROGRESS} run --name ${name} -- sh ${script}`;
    t.equal(shell(`${command('piped')} 2>&1 | cat`), expected);
    t.equal(shell(`${command('filed')} >${file} 2>&1; cat ${file}`), expected);
    t.equal(shell(`${command('apart')} >${file} 2>${file}.err; cat ${file}.err ${file} | sort -n`), expected);
    for (const [name, lines] of [
      ['piped', 0],
      ['filed', 0],
      ['apart', 500],
    ] as const) {
      await end(home, name);
      t.equal((await home.invoke(['logs', name])).stdout.split('\n').length, 1_001);
      const { stdout } = await home.invoke(['logs', name, '--stream', 'stderr']);
      t.equal(stdout.split('\n').length, lines + 1, `${name}: lines of standard error`);
    }
  });

  t.test('--pty gives the command a terminal, whatever the outer one is', async (t) => {
    const { status, stdout } = await run(
      home,
      ['--pty', '--', ...sh('tty; test -t 0 && test -t 1; echo $?; cat; exit 5')],
      {
        input: 'one\ntwo',
      },
    );
    t.equal(status, 5);
    t.match(stdout.toString(), /\/dev\/pts\/\d+\r\n[^]*0\r\n/);
    t.match(stdout.toString(), /one\r\n[^]*two/, 'and its input has an end');
    t.equal((await run(home, ['--pty', '--', 'cat'])).status, 0, 'an empty one, too');
  });

  t.test('--detach prints the ID at once, and the run continues alone', async (t) => {
    const script = `echo up; while [ ! -e ${home.directory}/go ]; do sleep 0.02; done; tty; cat; exit 6`;
    const begun = performance.now();
    const { status, stdout, stderr } = await run(home, ['--detach', '--name', 'alone', '--', ...sh(script)]);
    t.ok(performance.now() - begun < 10_000);
    t.match({ status, stderr }, { status: 0, stderr: '' });
    const id = stdout.toString().trim();
    t.match(id, /^[a-z0-9]{10}$/);
    await waitFor('its output', async () => (await home.invoke(['logs', id])).stdout === 'up\n');
    const record = JSON.parse(readFileSync(path.join(home.paths.runs, id, 'runner.json'), 'utf8')) as {
      runner: { pid: number };
    };
    const runner = record.runner.pid;
    t.equal(readProcess(runner)?.session, runner, 'it leads a session without a terminal');
    t.equal(readFileSync(`/proc/${runner}/environ`, 'utf8').includes('PROGRESS_EXECUTION'), false);
    writeFileSync(path.join(home.directory, 'go'), '');
    t.match(await end(home, 'alone'), { status: 'failed', outcome: { exitCode: 6 } });
    t.equal((await home.invoke(['logs', id])).stdout, 'up\nnot a tty\n', 'it has no input');
    await waitFor('the runner to be gone', () => !isRunning(runner));
  });

  t.test('rerun repeats a detached run detached, unless requested otherwise', async (t) => {
    await home.invoke(['run', '--detach', '--name', 'apart', '--', ...sh('echo out')]);
    await home.invoke(['wait', 'apart']);
    t.match(await home.invoke(['rerun', 'apart']), { status: 0, stdout: /^[0-9a-z]{10}\n$/ });
    await home.invoke(['wait', 'apart']);
    t.match(home.progress(['rerun', '--follow', 'apart']).stdout, / out\n/);
    t.equal(home.progress(['rerun', 'apart']).stdout, 'out\n', 'as the last one ran: here');
  });

  t.test('a detached run inherits no descriptors of its starter', async (t) => {
    // the lock is held as long as any process has the descriptor
    const lock = path.join(home.directory, 'lock');
    const script = `exec 9>${lock}; flock 9; ${PROGRESS} run --detach --name holder -- sleep 60 | cat; exec 9>&-; flock --nonblock ${lock} echo free`;
    const { stdout } = spawnSync('bash', ['-c', script], {
      env: home.env,
      encoding: 'utf8',
    });
    t.match(stdout, /^[a-z0-9]{10}\nfree\n$/);
    t.equal((await home.invoke(['stop', 'holder'])).status, 0);
  });

  t.test('--follow prints lines, and exits with the status of the run', async (t) => {
    const script = `echo out; echo err >&2; ${PROGRESS} emit progress current:=1 total:=2; exit 7`;
    const { status, stdout } = await run(home, ['--follow', '--name', 'followed', '--', ...sh(script)]);
    t.equal(status, 7);
    const lines = stdout.toString();
    for (const pattern of [/start +followed/, /stdout +\| out/, /stderr +\| err/, /1\/2/, /end +failed exit=7/])
      t.match(lines, pattern);

    const few = await run(home, [
      '--follow',
      '--grep',
      '^OUT$',
      '-i',
      '--utc',
      '--',
      ...sh('echo out; echo err; exit 7'),
    ]);
    t.equal(few.status, 7);
    const shown = few.stdout.toString().trim().split('\n');
    t.equal(shown.length, 1, shown.join('\n'));
    t.match(shown[0], /^\d{4}-\d\d-\d\dT[\d:]{8}Z stdout +\| out$/);

    const endless = home.spawn(['run', '--follow', '--name', 'interrupted', '--', ...sh('echo up; exec sleep 60')]);
    const output = collectOutput(endless);
    await waitFor('its line', () => output.stdout.includes('| up'));
    endless.kill('SIGINT');
    t.match(await output.ended, { status: 130, stdout: /end +cancelled/ });
  });

  t.test('--stream without a terminal passes the output on', async (t) => {
    t.match(await run(home, ['--stream', '--', 'echo', 'fine']), { status: 0, stdout: Buffer.from('fine\n') });
  });

  t.test('waits for its queue and for other runs in the foreground', async (t) => {
    const go = path.join(home.directory, 'go-queue');
    const first = run(home, [
      '--name',
      'first',
      '--queue',
      'q',
      '--',
      ...sh(`while [ ! -e ${go} ]; do sleep 0.02; done`),
    ]);
    await waitFor('the first', async () =>
      (await list(home)).some((one) => one['name'] === 'first' && one['status'] === 'running'),
    );
    const second = run(home, ['--name', 'second', '--queue', 'q', '--', 'echo', 'second']);
    await waitFor('the second', async () =>
      (await list(home)).some((one) => one['name'] === 'second' && one['status'] === 'queued'),
    );
    const after = run(home, ['--name', 'after', '--after', 'second', '--', 'echo', 'after']);
    const cancelled = home.spawn(['run', '--name', 'interrupted early', '--queue', 'q', '--', 'echo', 'never']);
    const gone = once(cancelled, 'close') as Promise<[number]>;
    await waitFor(
      'both to wait',
      async () => (await list(home)).filter((one) => one['status'] === 'queued').length === 3,
    );
    cancelled.kill('SIGINT');
    t.equal((await gone)[0], 130);
    t.match(await end(home, 'interrupted early'), { status: 'cancelled' });
    writeFileSync(go, '');
    t.equal((await first).status, 0);
    t.match(await second, { status: 0, stdout: Buffer.from('second\n'), stderr: /queued; 'progress show/ });
    t.match(await after, { status: 0, stdout: Buffer.from('after\n') });
  });

  t.test('passes signals on, SIGINT too if there is no terminal', async (t) => {
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
      t.match(await end(home, signal), { status: 'cancelled' });
    }
  });

  t.test('when its reader closes the pipe the command gets SIGPIPE, and progress ends with it', async (t) => {
    const line = `${PROGRESS} run --name yes -- yes | head -1`;
    const { stdout, status } = spawnSync('sh', ['-c', line], {
      env: home.env,
      encoding: 'utf8',
      timeout: 30_000,
    });
    t.equal(stdout, 'y\n');
    t.equal(status, 0);
    t.match(await end(home, 'yes'), { status: 'failed', outcome: { signal: 'SIGPIPE' } });
  });

  t.test('a removed working directory is an error', (t) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'progress-gone-'));
    const script = `cd ${directory} && rmdir ${directory} && exec ${PROGRESS} run -- echo fine`;
    const { stderr, status } = spawnSync('sh', ['-c', script], {
      env: home.env,
      encoding: 'utf8',
    });
    t.match(stderr, 'progress: the working directory has been removed');
    t.equal(status, 66);
    t.end();
  });
});

t.test('the environment of a run', async (t) => {
  const home = await openHome(t);
  const VARIABLES = 'echo "$PROGRESS_EXECUTION|$PROGRESS_SOCKET|${PROGRESS_STEP-none}"';

  t.test('contains the execution and the socket of the daemon', async (t) => {
    const { stdout } = await run(home, ['--name', 'told', '--', ...sh(VARIABLES)]);
    const { id } = await end(home, 'told');
    t.equal(stdout.toString(), `${id}|${home.paths.socket}|none\n`);
  });

  t.test('keeps a step that the user has set; drops that of the outer execution', async (t) => {
    const given = await run(home, ['--', ...sh(VARIABLES)], { env: { PROGRESS_STEP: 'one' } });
    t.match(given.stdout.toString(), /\|one\n$/);
    const env = { PROGRESS_STEP: 'one', PROGRESS_EXECUTION: 'around', PROGRESS_SOCKET: home.paths.socket };
    const within = await run(home, ['--name', 'within', '--', ...sh(VARIABLES)], { env });
    t.match(within.stdout.toString(), new RegExp(`^(?!around).*\\|${home.paths.socket}\\|none\n$`));
    t.match(await end(home, 'within'), { parent: 'around' });
  });

  t.test('a nested run knows its parent, also if it is detached', async (t) => {
    const script = `${PROGRESS} run --name inner true; ${PROGRESS} run --detach --name apart -- sleep 60`;
    await run(home, ['--name', 'outer', '--', ...sh(script)]);
    const outer = await end(home, 'outer');
    t.match(await end(home, 'inner'), { parent: outer.id });
    const apart = await waitFor('the other', async () =>
      (await list(home)).find((one) => one['name'] === 'apart' && one['status'] === 'running'),
    );
    t.equal(apart['parent'], outer.id);
    t.notMatch(
      (await home.invoke(['logs', outer.id, '--json'])).stdout,
      /go(es)? on/,
      'it is no process that was left',
    );
    t.equal((await home.invoke(['stop', 'apart'])).status, 0);
  });

  t.test('events inside a run need no IDs', async (t) => {
    const script = `p=${PROGRESS}
      $p emit step_started --step one name=One
      $p emit step_completed --step one
      echo '{"type":"step_started","step":"two"}' | $p emit --stdin`;
    t.equal((await run(home, ['--name', 'steps', '--', ...sh(script)])).status, 0);
    await end(home, 'steps');
    await waitFor('all steps', async () => ((await show(home, 'steps'))['steps'] as unknown[]).length === 2);
    t.match(await show(home, 'steps'), { steps: [{ id: 'one', name: 'One', status: 'completed' }, { id: 'two' }] });
  });

  t.test('is not stored anywhere, nor are secrets in arguments', async (t) => {
    const env = { VERY_OWN: 'environment-value-1' };
    const options = ['--name', 'secret', '--env', 'OTHER_OWN=environment-value-2'];
    const { stdout } = await run(
      home,
      [...options, '--', ...sh('echo "$VERY_OWN" | wc -c'), '--password=hunter2-secret'],
      { env },
    );
    t.equal(stdout.toString().trim(), '20');
    const { id } = await end(home, 'secret');
    const journal = readdirSync(home.paths.journal)
      .filter((name) => name.endsWith('.jsonl'))
      .map((name) => readFileSync(path.join(home.paths.journal, name), 'utf8'))
      .join('');
    const seen = [journal];
    for (const args of [
      ['show', id],
      ['show', '--json', id],
      ['ps', '--all', '--json'],
    ])
      seen.push((await home.invoke(args)).stdout);
    for (const text of seen) {
      t.match(text, id);
      t.notMatch(text, /environment-value|hunter2/);
    }
  });
});

t.test('a killed daemon does not affect the command, and everything is recorded in the end', async (t) => {
  const home = createHome(t);
  const daemon = await home.startDaemon();
  const child = home.spawn(
    ['run', '--name', 'long', '--', ...sh('for n in 1 2 3 4 5 6 7 8; do echo $n; sleep 0.1; done')],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(child.stdout!, 'data');
  const ended = once(child, 'close') as Promise<[number]>;
  await daemon.kill();
  t.equal((await ended)[0], 0);
  await home.startDaemon();
  t.match(await end(home, 'long'), { status: 'completed', outcome: { exitCode: 0 } });
  t.equal((await home.invoke(['logs', 'long'])).stdout, '1\n2\n3\n4\n5\n6\n7\n8\n');
});

t.test('a stopped daemon does not delay a command', async (t) => {
  const home = createHome(t);
  const { pid } = await home.startDaemon();
  process.kill(pid, 'SIGSTOP');
  const begun = performance.now();
  const { status, stdout } = await run(home, ['--name', 'free', '--', 'seq', '1', '300000']);
  t.ok(performance.now() - begun < 10_000, `${Math.round(performance.now() - begun)} ms`);
  t.equal(status, 0);
  t.match(stdout.toString(), /\n300000\n$/);
  process.kill(pid, 'SIGCONT');
  t.match(await end(home, 'free'), { status: 'completed' });
});

t.test('a new run is found by its name, also by the daemon that it starts', async (t) => {
  const home = createRunHome(t);
  await home.invoke(['run', '--detach', '--name', 'first', '--', ...sh('exit 5')]);
  t.match(await home.invoke(['wait', 'first']), { status: 5, stderr: '' });
});

t.test('if the daemon cannot start, the run is recorded once one can', async (t) => {
  const home = createHome(t);
  writeFileSync(home.paths.config, 'no: such key\n');
  const { status, stdout } = await run(home, ['--name', 'early', '--', ...sh('echo fine; exit 5')]);
  t.match({ status, stdout: stdout.toString() }, { status: 5, stdout: 'fine\n' });
  t.match(readSpool(home).at(-1), { type: 'execution_failed', data: { exitCode: 5 } });
  rmSync(home.paths.config);
  await home.startDaemon();
  t.match(await end(home, 'early'), { status: 'failed', outcome: { exitCode: 5 } });
});

t.test('if nothing can be recorded, the command still runs, with a warning', async (t) => {
  const home = createHome(t);
  writeFileSync(home.paths.state, 'no directory');
  const { status, stdout, stderr } = await run(home, ['--', ...sh('cat; exit 5')], { input: 'fine\n' });
  t.match({ status, stdout: stdout.toString() }, { status: 5, stdout: 'fine\n' });
  t.match(stderr, /^progress: this run is not recorded: .*\n$/);
  const detached = await run(home, ['--detach', '--', 'true']);
  t.ok(detached.status! > 0, 'a detached one would be unknown');
  t.match(detached.stderr, /^progress: /);
});

t.test('if there is no pseudo-terminal, the command gets pipes, with a warning', async (t) => {
  const home = createHome(t);
  // a package without a binary for this system
  const elsewhere = path.join(home.directory, 'elsewhere');
  mkdirSync(elsewhere);
  spawnSync('cp', ['-r', ...['bin', 'dist', 'package.json'].map((name) => path.join(ROOT, name)), elsewhere]);
  const binding = path.join(elsewhere, 'node_modules/@lydell/node-pty');
  mkdirSync(binding, { recursive: true });
  writeFileSync(path.join(binding, 'requireBinary.js'), 'throw new Error("no binary")');
  const program = path.join(elsewhere, 'bin/progress');
  const started = spawn(program, ['run', '--pty', '--', ...sh('tty; exit 3')], {
    env: home.env,
  });
  t.match(await collectOutput(started).ended, {
    status: 3,
    stderr: /^progress: cannot allocate a terminal, the command gets pipes: /m,
    stdout: /^not a tty$/m,
  });
});
