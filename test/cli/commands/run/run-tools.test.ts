/** Installed tools: their output is unchanged, and yields steps and percentages. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import type { ExecutionJson } from '../../../../src/core/execution.js';
import { findInPath } from '../../../../src/platform/paths.js';
import type { RunHomeWithDaemon } from '../../../helpers/runs.js';
import { startRunHome } from '../../../helpers/runs.js';
import { waitFor } from '../../../helpers/wait.js';

const PIECE = Buffer.alloc(64 * 1024);
const PIECES = 8;
/** Progress is throttled to ten times a second. */
const PIECE_MS = 150;

/** The program that a test needs. */
const without = (program: string) => ({
  skip: findInPath(program, process.env['PATH'] ?? '').length === 0 && `${program} is not installed`,
});

interface Ran extends ExecutionJson {
  /** Its output on both streams. */
  text: string;
  /** The percentages that it reported. */
  percents: number[];
}

async function open(t: Test) {
  const home = await startRunHome(t);
  const directory = path.join(home.directory, 'work');
  mkdirSync(directory);
  const files = (given: Record<string, string>) => {
    for (const [name, content] of Object.entries(given)) {
      mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
      writeFileSync(path.join(directory, name), content);
    }
  };
  const run = async (...command: string[]): Promise<Ran> => await ran(home, directory, command);
  return { home, directory, files, run };
}

async function ran(home: RunHomeWithDaemon, cwd: string, command: string[]): Promise<Ran> {
  const id = await home.start(['--cwd', cwd], ...command);
  const execution = await waitFor(`the end of ${command.join(' ')}`, async () => {
    const found = await home.find(id);
    return found?.endedAt !== undefined && found;
  });
  const events = (await home.invoke(['logs', id, '--type', 'progress', '--json'])).stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { data: { current: number; total: number } }).data);
  return {
    ...execution,
    text: (await home.invoke(['logs', id, '--type', 'output'])).stdout,
    percents: events.map(({ current, total }) => Math.round((100 * current) / total)),
  };
}

/** A slow download over HTTP. */
async function serve(t: Test, pieceMs = PIECE_MS): Promise<string> {
  const server = createServer((_, response) => {
    response.setHeader('content-length', PIECES * PIECE.length);
    let sent = 0;
    const timer = setInterval(() => {
      response.write(PIECE);
      if (++sent < PIECES) return;
      clearInterval(timer);
      response.end();
    }, pieceMs);
    response.once('close', () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
}

/** Each percentage is larger than the one before, and there are more than the last. */
function grows(t: Test, { percents, progress }: Ran, total = 100): void {
  t.ok(percents.length > 2, `${percents.length} percentages`);
  t.strictSame(
    percents,
    [...percents].sort((a, b) => a - b),
  );
  t.match(progress, { current: total, total });
}

t.test('ninja', without('ninja'), async (t) => {
  const { files, run } = await open(t);
  const names = Array.from({ length: 12 }, (_, n) => `out${n}`);
  const rule = 'rule make\n  command = sleep 0.2 && touch $out\n  description = making $out\n';
  files({ 'build.ninja': `${rule}${names.map((name) => `build ${name}: make\n`).join('')}` });
  const found = await run('ninja', '-j2');
  t.equal(found.status, 'completed');
  t.match(found.text, /^\[1\/12\] making out\d+\n/m);
  grows(t, found, 12);
});

t.test('node:test as TAP', async (t) => {
  const { files, run } = await open(t);
  files({
    'some.test.js': `const test = require('node:test');
test('outer', async (t) => { await t.test('inner', () => {}); });
test('bad', () => { throw new Error('so it is'); });
test('not now', { skip: true }, () => {});`,
  });
  const found = await run(process.execPath, '--test', '--test-reporter=tap', 'some.test.js');
  t.match(found, { status: 'failed', outcome: { exitCode: 1 } });
  t.match(
    new Map(found.steps.map(({ name, status }) => [name, status])),
    new Map([
      ['outer', 'completed'],
      ['inner', 'completed'],
      ['bad', 'failed'],
      ['not now', 'skipped'],
    ]),
  );
  const inner = found.steps.find(({ name }) => name === 'inner');
  t.equal(found.steps.find(({ id }) => id === inner?.parent)?.name, 'outer');
  t.match(found.text, /^TAP version 13\n/);
});

t.test('curl with a bar, and with columns', without('curl'), async (t) => {
  const { run } = await open(t);
  grows(t, await run('curl', '-#', '-o', 'file', await serve(t)));
  // it writes these once a second
  grows(t, await run('curl', '-o', 'file', await serve(t, 600)));
});

t.test('wget', without('wget'), async (t) => {
  const { run } = await open(t);
  const found = await run('wget', '-O', 'file', await serve(t));
  t.match(found.text, /100%/);
  grows(t, found);
});

t.test('git clone', without('git'), async (t) => {
  const { directory, files, run } = await open(t);
  files(Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`from/file${n}`, `${n}\n`])));
  const git = (...args: string[]) =>
    spawnSync('git', ['-C', path.join(directory, 'from'), '-c', 'user.name=a', '-c', 'user.email=a@b', ...args]);
  git('init', '-q');
  git('add', '.');
  git('commit', '-qm', 'all');
  const found = await run('git', 'clone', '--progress', `file://${directory}/from`, 'to');
  t.equal(found.status, 'completed');
  t.match(found.text, /Receiving objects: 100% \(202\/202\)/);
  t.match(found.progress, { current: Number, total: Number, message: /\w/ });
  t.ok(existsSync(path.join(directory, 'to/file199')));
});

/** A command that may be only a shim without a target. */
const withoutPytest = {
  skip: spawnSync('pytest', ['--version']).status !== 0 && 'pytest is not installed',
};

t.test('pytest', withoutPytest, async (t) => {
  const { files, run } = await open(t);
  const slow = 'import time\ndef test_it():\n    time.sleep(0.2)\n';
  files(Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`test_${n}.py`, slow])));
  const found = await run('pytest', '-p', 'no:cacheprovider');
  t.equal(found.status, 'completed');
  grows(t, found);
});
