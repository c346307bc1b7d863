// What an event costs in a shell: inside one, beside a bare append; and as a command, beside others that tell something.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isInstalled, median, report, ROOT, startDaemon, waitFor } from './harness.mjs';

const EVENTS = 20_000;
const ROUNDS = 3;
const RUNS = 200;
const SHELLS = ['dash', 'bash', 'zsh'];
/** What a script says: an execution, a step, a text that needs no escape. */
const WORDS = 'log --execution 7hq2m4kd9x --step us-003 level=info "message=Implement login"';

export async function main() {
  const directory = mkdtempSync(path.join(tmpdir(), 'progress-shell-'));
  try {
    for (const shell of SHELLS.filter(isInstalled)) measureInside(shell, directory);
    await measureCommands(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The loop alone is taken off both. */
function measureInside(shell, directory) {
  const file = path.join(directory, `${shell}.ndjson`);
  const emit = `__progress_build ${WORDS} && __progress_append '${file}' "$__progress_line"`;
  const line = run(shell, directory, `__progress_build ${WORDS}; printf '%s' "$__progress_line"`, 1).stdout;
  const loop = time(shell, directory, ':');
  const bare = time(shell, directory, `printf '%s\\n' '${line}' >>'${file}'`) - loop;
  const event = time(shell, directory, emit) - loop;
  const expected = 2 * ROUNDS * EVENTS;
  const found = readFileSync(file, 'latin1').split('\n').length - 1;
  if (found !== expected) throw new Error(`${shell} wrote ${found} of ${expected} lines`);
  report(`an event in ${shell}`, `${(event / bare).toFixed(2)} x`, `a bare append, ${micro(bare)}; aim: 2`);
}

const micro = (ms) => `${((ms * 1_000) / EVENTS).toFixed(1)} µs`;

/** Milliseconds of a command, so many times in one shell. */
function time(shell, directory, command) {
  return median(Array.from({ length: ROUNDS }, () => run(shell, directory, command, EVENTS).ms));
}

function run(shell, directory, command, count) {
  const script = path.join(directory, 'script.sh');
  writeFileSync(
    script,
    `. '${ROOT}hooks/emit.sh'\ni=0\nwhile [ $i -lt ${count} ]; do i=$((i + 1))\n${command}\ndone\n`,
  );
  const begun = performance.now();
  const { status, stdout, stderr } = spawnSync(shell, [script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${shell}: ${stderr}`);
  return { ms: performance.now() - begun, stdout };
}

/** One after the other in turn, so that a slow moment of the machine is everybody's. */
async function measureCommands(directory) {
  const daemon = await startDaemon();
  const receiver = await startReceiver(directory);
  const url = 'http://localhost/';
  const commands = {
    'progress emit': [path.join(ROOT, 'bin/progress'), ['emit', 'log', 'level=info', 'message=Implement login']],
    logger: ['logger', ['-u', receiver.log, 'Implement login']],
    'curl --unix-socket': ['curl', ['-s', '-d', 'message=Implement login', '--unix-socket', receiver.http, url]],
    'node -e 0': [process.execPath, ['-e', '0']],
  };
  const times = new Map();
  for (const [name, [program]] of Object.entries(commands)) if (isInstalled(program)) times.set(name, []);
  for (let round = 0; round < RUNS; round++) {
    for (const [name, list] of times) {
      const [program, args] = commands[name];
      const begun = performance.now();
      const { status } = spawnSync(program, args, { env: daemon.env, stdio: 'ignore' });
      list.push(performance.now() - begun);
      if (status !== 0) throw new Error(`${name} ended with ${status}`);
    }
  }
  receiver.child.kill('SIGKILL');
  await daemon.stop();
  const emit = median(times.get('progress emit'));
  report('progress emit, as a command', `${emit.toFixed(2)} ms`, `median of ${RUNS}`);
  const aims = { logger: 'aim: 1.5', 'node -e 0': 'aim: 0.05' };
  for (const [name, list] of times) {
    if (name === 'progress emit') continue;
    report(
      `  against ${name}`,
      `${(emit / median(list)).toFixed(2)} x`,
      `${median(list).toFixed(2)} ms; ${aims[name] ?? ''}`,
    );
  }
}

/** Takes what the others send, in a process of its own, because this one only waits for them. */
async function startReceiver(directory) {
  const log = path.join(directory, 'log');
  const http = path.join(directory, 'http');
  const program = `
    const { createServer } = require('node:net');
    createServer((socket) => socket.resume()).listen(${JSON.stringify(log)});
    require('node:http').createServer((request, response) => request.resume().on('end', () => response.end()))
      .listen(${JSON.stringify(http)}, () => console.log('ready'));`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  let isReady = false;
  child.stdout.once('data', () => (isReady = true));
  await waitFor('the receiver', () => isReady);
  return { child, log, http };
}
