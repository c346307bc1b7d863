/** Scripts that report with the shell library, inside a run and without one. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { ExecutionJson } from '../../src/core/execution.js';
import { ROOT } from '../helpers/daemon.js';
import { whyNo } from '../helpers/needs.js';
import { startRunHome } from '../helpers/runs.js';
import { waitFor } from '../helpers/wait.js';

const home = await startRunHome(t);
home.env['PATH'] = [path.join(ROOT, 'bin'), process.env['PATH']].join(':');

function write(name: string, ...lines: string[]): string {
  const file = path.join(home.directory, name);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** A script named after `$1`, with two steps and the exit status `$2`. */
const part = write(
  'part.sh',
  '. "$(progress path sh)"',
  'progress_start "part $1"',
  'progress_step "prepare $1" true',
  'progress_step "build $1" sh -c "echo built $1; exit ${2:-0}"',
  'progress_end',
);

const find = ({ steps }: ExecutionJson, name: string) => steps.find((step) => step.name === name);
const listed = async () => (await home.ask('list', { all: true })).executions;

t.test('two scripts in turn in one run: one row, the first is the run, the second a step of it', async (t) => {
  const id = await home.start(['--name', 'both'], 'sh', '-c', `sh ${part} one; sh ${part} two`);
  const run = await home.until(id, 'final');
  t.match(run, { status: 'completed', name: 'both' });
  t.equal((await listed()).length, 1);
  t.strictSame([find(run, 'build one')?.status, find(run, 'build one')?.parent], ['completed', undefined]);
  const second = find(run, 'part two');
  t.equal(second?.status, 'completed');
  t.equal(find(run, 'build two')?.parent, second?.id);
  t.match((await home.invoke(['logs', 'both'])).stdout, /built one\nbuilt two\n/);
});

t.test('four scripts at once under make', { skip: whyNo('make') }, async (t) => {
  const before = (await listed()).length;
  const make = write('Makefile', 'all: a b c d', 'a b c:', `\tsh ${part} $@`, 'd:', `\tsh ${part} $@ 3`);
  const id = await home.start(['--name', 'built by make'], 'make', '-k', '-j4', '-f', make);
  const run = await home.until(id, 'final');
  t.match(run, { status: 'failed', outcome: { exitCode: 2 } });
  t.equal((await listed()).length, before + 1, 'one row');
  for (const name of ['a', 'b', 'c', 'd']) {
    t.equal(find(run, `prepare ${name}`)?.status, 'completed', name);
    t.equal(find(run, `build ${name}`)?.status, name === 'd' ? 'failed' : 'completed', name);
    // the first script is the run itself, each of the others a step
    t.equal(find(run, `build ${name}`)?.parent, find(run, `part ${name}`)?.id, name);
  }
  t.equal(run.steps.filter(({ name }) => name.startsWith('part ')).length, 3);
});

t.test('an emitter of another vocabulary describes its run, line by line or all at once', async (t) => {
  for (const [name, ...fixtures] of [
    ['told by stories', 'stories', 'stories-rest'],
    ['told by invocations', 'invocations'],
  ] as const) {
    const before = (await listed()).length;
    const files = fixtures.map((fixture) => path.join(ROOT, `test/fixtures/vocabularies/${fixture}.ndjson`));
    const id = await home.start(['--name', name], 'sh', '-c', `cat ${files.join(' ')} | progress emit --stdin`);
    t.match(await home.until(id, 'final'), { name, status: 'failed' });
    t.equal((await listed()).length, before + 1, 'one row');
  }
});

t.test('a killed script is lost, and its open step with it', async (t) => {
  const file = write('long.sh', '. "$(progress path sh)"', 'progress_start long', 'progress_step waits sleep 600');
  const script = spawn('sh', [file], { env: home.env, stdio: 'ignore', detached: true });
  const kill = () => process.kill(-script.pid!, 'SIGKILL');
  const running = await waitFor('its step', async () => {
    const found = (await listed()).find(({ name }) => name === 'long');
    return found?.steps.some(({ status }) => status === 'running') && found;
  });
  kill();
  const lost = await home.until(running.id, 'final');
  t.equal(lost.status, 'lost');
  t.match(lost.steps, [{ name: 'waits', status: 'lost' }]);
});
