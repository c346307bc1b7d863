/** The library, imported by another program from an installed package. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { createHome, ROOT } from './helpers/daemon.js';

/** A program next to an installed package; what it leaves open keeps it from ending. */
function program(t: Test, source: string, name = 'program.mjs') {
  const home = createHome(t);
  const modules = path.join(home.directory, 'node_modules');
  mkdirSync(modules);
  symlinkSync(ROOT, path.join(modules, 'progressd'));
  const bin = path.join(home.directory, 'bin');
  mkdirSync(bin);
  const file = path.join(home.directory, name);
  writeFileSync(file, source);
  const env = { ...home.env, PATH: `${bin}:${ROOT}bin:${process.env['PATH'] ?? ''}` };
  return { ...home, file, env };
}

t.test('runs the example of the README', (t) => {
  const example = /```js\n([\s\S]*?)```/.exec(readFileSync(path.join(ROOT, 'README.md'), 'utf8'))?.[1] ?? '';
  const home = program(t, example);
  const { file, env } = home;
  const { stdout, stderr, status } = spawnSync(process.execPath, [file], { env, encoding: 'utf8', timeout: 60_000 });
  t.equal(stderr, '');
  t.equal(status, 0);
  t.match(stdout, /^compile part 1$/m);
  t.match(stdout, /^1 of 4$/m);
  t.match(home.progress(['show', 'build']).stdout, /completed/);
  t.match(home.progress(['logs', 'build']).stdout, /build: completed \(0\)/);
  t.end();
});

t.test('a signal stops a run and closes a stream, and the process ends by itself', (t) => {
  const source = `
    import { connect, run, ProgressError } from 'progressd';
    const stop = new AbortController();
    const long = run('sleep', ['1000'], { signal: stop.signal, name: 'long', labels: { a: 'b' } });
    const client = await connect();
    const leave = new AbortController();
    for await (const event of client.subscribe({ execution: long.id, signal: leave.signal })) {
      if (event.type === 'execution_started') stop.abort();
      if (event.type === 'execution_cancelled') leave.abort();
    }
    const { status, outcome, labels } = await long.ended;
    console.log(status, outcome.signal, JSON.stringify(labels));
    try { run('', [], { queue: '\\u0000' }); } catch (error) { console.log(error instanceof ProgressError, error.code); }
    await run('true', [], { signal: AbortSignal.abort() }).ended.catch((error) => console.log(error.name));
    console.log((await run('false').ended).outcome.exitCode, (await run('no-such-program').ended).outcome.error);
    await client.emit({ type: 'no such execution' }).catch(() => {});
    await client.get('nobody').catch((error) => console.log(error.code));
    await client.close();
  `;
  const { file, env } = program(t, source);
  const stdout = execFileSync(process.execPath, [file], { env, encoding: 'utf8', timeout: 60_000 });
  t.strictSame(stdout.trim().split('\n'), [
    'cancelled SIGINT {"a":"b"}',
    'true usage',
    'AbortError',
    '1 no-such-program: command not found',
    'not_found',
  ]);
  t.end();
});

t.test('has types', (t) => {
  const source = `
    import { connect, run } from 'progressd';
    import type { Execution, ExecutionEvent, Progress } from 'progressd';
    const client: Progress = await connect();
    const ended: Execution = await run('true', [], { timeoutMs: 1000 }).ended;
    const seq: number | null = (await client.emit({ type: 'log' })).seq;
    for await (const event of client.subscribe()) { const e: ExecutionEvent = event; console.log(e, seq, ended.status); break; }
    // @ts-expect-error: no such option
    run('true', [], { nonsense: 1 });
  `;
  const { file, directory } = program(t, source, 'program.mts');
  const options = ['--module', 'nodenext', '--strict', '--exactOptionalPropertyTypes', '--noEmit', '--ignoreConfig'];
  const types = ['--typeRoots', path.join(ROOT, 'node_modules/@types'), '--types', 'node', '--target', 'es2023'];
  const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
  const { stdout, status } = spawnSync(process.execPath, [tsc, ...options, ...types, file], {
    cwd: directory,
    encoding: 'utf8',
  });
  t.equal(stdout, '');
  t.equal(status, 0);
  t.end();
});
