// Runs the tests: `npm test -- [--no-install] [--jobs=N] [--timeout=SECONDS]
// [--grace=SECONDS] [file or folder]...`.
//
// Each file runs in a session without a terminal and with a neutral environment, so a test sees the same at a terminal,
// in a pipe and in CI. A process that outlives its test file is ended and makes the run fail; so does, in CI, a skip
// that harness/allowed-skips.txt does not list.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bundle, findTests, OUTPUT } from './harness/bundle.mjs';
import { killAll, processesOf } from './harness/leftovers.mjs';
import { neutralEnvironment } from './harness/neutral-environment.mjs';
import { runTests } from './harness/pool.mjs';

const ALLOWED_SKIPS = 'test/harness/allowed-skips.txt';
const SWEEP_MS = 2_000;
const STATUS_BY_SIGNAL = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

process.chdir(path.resolve(import.meta.dirname, '..'));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'no-install': { type: 'boolean', default: false },
    // more than cores: many tests wait
    jobs: { type: 'string', default: '4' },
    timeout: { type: 'string', default: '600' },
    // seconds that a process may take to end after the test that started it
    grace: { type: 'string', default: '10' },
  },
});

const graceMs = Number(values.grace) * 1000;

if (positionals.length === 0) console.log('Running the whole suite: about 12 minutes on 2 cores.');
spawnSync('sh', ['test/harness/setup.sh', ...(values['no-install'] ? ['--no-install'] : [])], { stdio: 'inherit' });
if (isStale('dist/cli.js')) {
  const { status } = spawnSync(process.execPath, ['build.mjs'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
const tests = await bundle(findTests(positionals.length > 0 ? positionals : ['test']));
process.exitCode = await main(tests).finally(() => removeDirectory(OUTPUT));

async function main(tests) {
  // short, because the paths of sockets are; resolved, because tests compare paths
  const directory = mkdtempSync(path.join(realpathSync(tmpdir()), 'pt-'));
  for (const [signal, status] of Object.entries(STATUS_BY_SIGNAL)) {
    process.on(signal, () => {
      killAll(processesOf(directory));
      for (const created of [directory, OUTPUT]) removeDirectory(created);
      process.exit(status);
    });
  }
  const begin = performance.now();
  mkdirSync('.tap', { recursive: true });
  const times = path.join(directory, 'times');
  const { running, done } = runTests(tests, {
    jobs: Number(values.jobs),
    env: { ...neutralEnvironment(process.env, directory), TEST_TIMES: times },
    timeoutSeconds: Number(values.timeout),
    tapFile: '.tap/results.tap',
    print: console.log,
  });
  const leftovers = await sweepUntil(done, directory, running);
  const results = await done;
  addProcessorSeconds(results, times);
  removeDirectory(directory);
  return report(results, leftovers, (performance.now() - begin) / 1000);
}

/** Ends what outlives its test file, and after `done` everything that is left; returns what was ended. */
async function sweepUntil(done, run, running) {
  const [leftovers, firstSeen] = [[], new Map()];
  const end = (processes) => {
    leftovers.push(...processes);
    killAll(processes);
  };
  let isDone = false;
  void done.then(() => (isDone = true));
  while (!isDone) {
    await Promise.race([done, delay(SWEEP_MS)]);
    for (const left of processesOf(run).filter(({ test }) => !running.has(test))) {
      if (!firstSeen.has(left.pid)) firstSeen.set(left.pid, performance.now());
      if (performance.now() - firstSeen.get(left.pid) >= graceMs) end([left]);
    }
  }
  const deadline = performance.now() + graceMs;
  while (processesOf(run).length > 0 && performance.now() < deadline) await delay(100);
  end(processesOf(run));
  return leftovers;
}

/** Prints what a reader wants to know at the end; returns the exit status. */
function report(results, leftovers, seconds) {
  const failures = results.flatMap((result) => result.failures);
  const skips = results.flatMap((result) => result.skips);
  const forbidden = process.env.CI ? skips.filter(({ name }) => !isAllowed(name)) : [];
  const named = ({ name, reason }) => (reason ? `${name}: ${reason}` : name);
  if (results.length > 10) list('Slowest files (elapsed, processor time):', slowestOf(results, 10));
  list('Skipped:', skips.map(named));
  list(`Skipped, but not listed in ${ALLOWED_SKIPS}:`, forbidden.map(named));
  list(
    'Left behind by a test:',
    leftovers.map(({ pid, command, test }) => `${test ?? '?'}: ${pid} ${command}`),
  );
  list('Failed:', failures.map(named));
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const processor = results.reduce((sum, result) => sum + (result.processor ?? 0), 0);
  const failed = failures.length + forbidden.length + leftovers.length;
  console.log(
    `\n${passed} passed, ${failed} failed, ${skips.length} skipped` +
      ` in ${formatDuration(seconds)} min (processor time ${formatDuration(processor)} min)`,
  );
  return failed > 0 ? 1 : 0;
}

function slowestOf(results, count) {
  const column = (value) => `${value?.toFixed(1).padStart(6) ?? '     ?'} s  `;
  return results
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, count)
    .map(({ name, seconds, processor }) => column(seconds) + column(processor) + name);
}

function list(title, lines) {
  if (lines.length > 0) console.log(`\n${title}\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

/** A line of the list is the beginning of a test's full name; `#` begins a comment. */
function isAllowed(name) {
  const lines = readFileSync(ALLOWED_SKIPS, 'utf8').split('\n');
  const beginnings = lines.map((line) => line.replace(/#.*/, '').trim()).filter(Boolean);
  return beginnings.some((beginning) => name.startsWith(beginning));
}

function addProcessorSeconds(results, record) {
  if (!existsSync(record)) return;
  const lines = readFileSync(record, 'utf8').trim().split('\n');
  const recorded = new Map(lines.map((line) => line.split(' ')).map(([name, seconds]) => [name, Number(seconds)]));
  for (const result of results) result.processor = recorded.get(result.name);
}

function formatDuration(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}

/** Is a source of the program newer than what was built from it? */
function isStale(built) {
  if (!existsSync(built)) return true;
  const builtAt = statSync(built).mtimeMs;
  const sources = ['src', 'viewer'].flatMap((root) =>
    readdirSync(root, { recursive: true }).map((name) => path.join(root, name)),
  );
  return [...sources, 'build.mjs', 'package.json', 'package-lock.json'].some(
    (file) => statSync(file).mtimeMs > builtAt,
  );
}

function removeDirectory(directory) {
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}
