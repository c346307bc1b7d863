// Runs test files, each in its own process and session, several at a time, and reads their TAP as it comes.
//
// tap's own runner is not used: its loaders triple the time in which a file starts, and reach into the environment of
// everything that a test starts.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { Parser } from 'tap-parser';

const PRELOAD = path.resolve(import.meta.dirname, 'processor-time.mjs');

/**
 * @param tests - `{ name, file }` of each, in the order in which to start them
 * @param {object} options
 * @param options.jobs - how many run at a time
 * @param options.env - environment of the tests; TEST_FILE is added, and the variables of tap
 * @param options.timeoutSeconds - of each file; then it is killed, and has failed
 * @param options.tapFile - all TAP is written to it
 * @param {(text: string) => void} options.print - gets a line per file, and each failure with its details
 * @returns `{ running, done }`: the names of the files that run now, and a promise of the results in the order in
 *   which they ended: `{ name, seconds, passed, failures, skips }`, where failures and skips are `{ name, reason }`
 */
export function runTests(tests, { jobs, ...options }) {
  const [waiting, running, results] = [[...tests], new Set(), []];
  const tapFile = createWriteStream(options.tapFile);
  const work = async () => {
    for (let test = waiting.shift(); test !== undefined; test = waiting.shift()) {
      running.add(test.name);
      results.push(await runTest(test, { ...options, tapFile }));
      running.delete(test.name);
    }
  };
  const done = Promise.all(Array.from({ length: jobs }, work)).then(() => results);
  return { running, done };
}

async function runTest({ name, file }, { env, timeoutSeconds, tapFile, print }) {
  const result = { name, seconds: 0, passed: 0, failures: [], skips: [] };
  const fail = (failed, reason, details = '') => {
    result.failures.push({ name: failed, reason });
    print(`✗ ${failed}: ${reason}\n${indent(details)}`.trimEnd());
  };
  const begin = performance.now();
  const child = spawn(process.execPath, ['--enable-source-maps', `--import=${PRELOAD}`, file], {
    env: { ...env, TEST_FILE: name, TAP_TIMEOUT: String(timeoutSeconds) },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  child.stderr.pipe(process.stderr, { end: false });
  child.stdout.pipe(tapFile, { end: false });
  // tap ends a test that takes too long by itself, if it still can
  const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), (timeoutSeconds + 10) * 1000);
  const ended = new Promise((resolve) => child.once('close', (...ending) => resolve(ending)));

  const parser = new Parser();
  parser.on('result', ({ ok, skip, todo, fullname, diag }) => {
    const title = `${name} > ${fullname}`;
    if (skip) result.skips.push({ name: title, reason: skip === true ? '' : skip });
    else if (ok || todo) result.passed += 1;
    else fail(title, diag?.message ?? 'failed', detailsOf(diag));
  });
  const parsed = new Promise((resolve) => parser.once('complete', resolve));
  child.stdout.pipe(parser);
  const [[status, signal], { ok }] = await Promise.all([ended, parsed]);
  clearTimeout(timer);
  if (result.failures.length === 0 && (status !== 0 || !ok)) fail(name, `ended with ${signal ?? `status ${status}`}`);
  result.seconds = (performance.now() - begin) / 1000;
  print(`${result.failures.length === 0 ? '✓' : '✗'} ${result.seconds.toFixed(1).padStart(6)} s  ${name}`);
  return result;
}

/** `key: value` lines; what has several lines is indented below its key. */
function detailsOf(diag) {
  return Object.entries(diag ?? {})
    .map(([key, value]) => {
      const text = (typeof value === 'string' ? value : JSON.stringify(value)).trimEnd();
      return text.includes('\n') ? `${key}:\n${indent(text)}` : `${key}: ${text}`;
    })
    .join('\n');
}

function indent(text) {
  return text.replace(/^(?=.)/gm, '    ');
}
