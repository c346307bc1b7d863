// Runs the tests: `npm test -- [--no-install] [options of tap] [file or folder]...`.
//
// tap runs in a session without a terminal and with a neutral environment, so a test sees the same at a terminal, in a
// pipe and in CI. A process that outlives its test file is ended and makes the run fail; so does, in CI, a skip that
// harness/allowed-skips.txt does not list.
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bundle, findTests } from './harness/bundle.mjs';
import { findLeftovers, killAll, processesOf } from './harness/leftovers.mjs';
import { neutralEnvironment } from './harness/neutral-environment.mjs';
import { addProcessorSeconds, collectResults, formatFile, unexpectedSkips } from './harness/results.mjs';

/** All that tap wrote, for whoever wants to know more than was printed. */
const TAP_FILE = '.tap/results.tap';
const SWEEP_MS = 2_000;
/** A process may take this long to end after the test that started it. */
const GRACE_MS = 10_000;
const ENDED_BY = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

process.chdir(path.resolve(import.meta.dirname, '..'));
const given = process.argv.slice(2);
const places = given.filter((argument) => !argument.startsWith('-'));
const options = given.filter((argument) => argument.startsWith('-') && argument !== '--no-install');

if (places.length === 0) console.log('Running the whole suite: about 10 minutes on 2 cores.');
spawnSync('sh', ['test/harness/setup.sh', ...(given.includes('--no-install') ? ['--no-install'] : [])], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
if (isStale('dist/cli.js')) runOrExit(process.execPath, ['build.mjs']);
const files = await bundle(findTests(places.length > 0 ? places : ['test']));
process.exitCode = await runTests();

async function runTests() {
  // short, because the paths of sockets are; resolved, because tests compare paths
  const directory = mkdtempSync(path.join(realpathSync(tmpdir()), 'pt-'));
  const begin = Date.now();
  const tap = spawn(
    'node_modules/.bin/tap',
    // tap's own TypeScript loader has nothing to do here
    ['--test-env=TAP_TYPE_STRIP_ONLY=1', '--reporter=tap', ...options, ...files],
    { env: neutralEnvironment(process.env, directory), stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  );
  for (const [signal, status] of Object.entries(ENDED_BY)) {
    process.on(signal, () => {
      killAll([{ pid: -tap.pid }, ...processesOf(directory)]);
      removeDirectory(directory);
      process.exit(status);
    });
  }
  tap.stderr.pipe(process.stderr);
  tap.stdout.pipe(createWriteStream(TAP_FILE));
  const ended = new Promise((resolve) => tap.once('close', (status) => resolve(status ?? 1)));
  const collected = collectResults(tap.stdout, { print: console.log });
  const leftovers = await sweepUntil(ended, directory);
  const results = await collected;
  addProcessorSeconds(results.files, path.join(directory, 'processor-seconds'));
  removeDirectory(directory);
  return report(await ended, results, leftovers, (Date.now() - begin) / 1000);
}

/** Ends what outlives its test file, and after `ended` everything that is left; returns what was ended. */
async function sweepUntil(ended, run) {
  const [found, firstSeen] = [[], new Map()];
  const end = (processes) => {
    found.push(...processes);
    killAll(processes);
  };
  let hasEnded = false;
  void ended.then(() => (hasEnded = true));
  while (!hasEnded) {
    await Promise.race([ended, delay(SWEEP_MS)]);
    const now = Date.now();
    for (const leftover of findLeftovers(run)) {
      if (!firstSeen.has(leftover.pid)) firstSeen.set(leftover.pid, now);
      if (now - firstSeen.get(leftover.pid) >= GRACE_MS) end([leftover]);
    }
  }
  for (const deadline = Date.now() + GRACE_MS; processesOf(run).length > 0 && Date.now() < deadline;) await delay(100);
  end(processesOf(run));
  return found;
}

/** Prints what a reader wants to know at the end; returns the exit status. */
function report(status, { passed, failures, skips, files: times }, leftovers, seconds) {
  const forbidden = process.env.CI ? unexpectedSkips(skips, 'test/harness/allowed-skips.txt') : [];
  const named = ({ name, reason }) => (reason ? `${name}: ${reason}` : name);
  if (times.length > 10) list('Slowest (elapsed, processor):', times.slice(0, 10).map(formatFile));
  list('Skipped:', skips.map(named));
  list('Skipped, but not listed in test/harness/allowed-skips.txt:', forbidden.map(named));
  list(
    'Left behind by a test:',
    leftovers.map(({ pid, command }) => `${pid} ${command}`),
  );
  list('Failed:', failures.map(named));
  const failed = failures.length + forbidden.length + leftovers.length;
  const processor = times.reduce((sum, file) => sum + (file.processor ?? 0), 0);
  console.log(
    `\n${passed} passed, ${failed} failed, ${skips.length} skipped` +
      ` in ${formatDuration(seconds)} min (processor time ${formatDuration(processor)} min)`,
  );
  return failed > 0 ? 1 : status;
}

function list(title, lines) {
  if (lines.length > 0) console.log(`\n${title}\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

function formatDuration(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}

function runOrExit(program, args) {
  const { status } = spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exit(status ?? 1);
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
