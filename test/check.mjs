// Runs the static checks, two at a time: `npm run check`. Prints what each takes, and the output of those that fail.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import path from 'node:path';

/** The longest first. */
const CHECKS = {
  architecture: 'node test/run.mjs --no-install test/architecture.test.ts',
  lint: 'oxlint',
  types: 'tsc',
  unused: 'knip',
  'types of its tests': 'tsc -p test/viewer',
  'types of the viewer': 'tsc -p viewer',
  format: 'oxfmt --check',
};

const root = path.resolve(import.meta.dirname, '..');
const env = { ...process.env, PATH: `${root}/node_modules/.bin:${process.env.PATH}` };
const waiting = Object.entries(CHECKS);
let failed = 0;

await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
console.log(failed === 0 ? 'All checks passed.' : `${failed} of ${Object.keys(CHECKS).length} checks failed.`);
process.exitCode = failed === 0 ? 0 : 1;

async function work() {
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) await run(...check);
}

async function run(name, command) {
  const begin = performance.now();
  const [program, ...args] = command.split(' ');
  const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const status = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', resolve);
  });
  const seconds = ((performance.now() - begin) / 1000).toFixed(1).padStart(5);
  console.log(`${status === 0 ? '✓' : '✗'} ${seconds} s  ${name} (${command})`);
  if (status === 0) return;
  failed += 1;
  console.log(output.trimEnd());
}
