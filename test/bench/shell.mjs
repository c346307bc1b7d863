// Cost of an event from a shell: by the library, relative to a bare append; by a command, relative to other commands.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { figure, hasPeer, median, PRODUCT, PROGRESS, ratio, sized, startDaemon, waitFor } from './harness.mjs';

const EVENTS = sized(20_000, 1_000);
const ROUNDS = sized(3, 1);
const RUNS = sized(200, 10);
const SHELLS = ['dash', 'bash', 'zsh'];
/** A usual event: an execution, a step, a text that needs no escape. */
const WORDS = 'log --execution 7hq2m4kd9x --step us-003 level=info "message=Implement login"';

export async function main() {
  const directory = mkdtempSync(path.join(tmpdir(), 'shell-'));
  for (const shell of SHELLS) if (hasPeer(shell)) measureInside(shell, directory);
  await measureCommands(directory);
}

/** The cost of the loop is subtracted from both. */
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
  figure(`a bare append in ${shell}`, (bare * 1_000) / EVENTS, 'µs');
  ratio(`an event in ${shell}, relative to it`, event, bare, { better: 'less', aim: 2 });
}

/** Milliseconds for EVENTS times a command in one shell. */
function time(shell, directory, command) {
  return median(Array.from({ length: ROUNDS }, () => run(shell, directory, command, EVENTS).ms));
}

function run(shell, directory, command, count) {
  const script = path.join(directory, 'script.sh');
  writeFileSync(
    script,
    `. '${PRODUCT}/hooks/emit.sh'\ni=0\nwhile [ $i -lt ${count} ]; do i=$((i + 1))\n${command}\ndone\n`,
  );
  const begun = performance.now();
  const { status, stdout, stderr } = spawnSync(shell, [script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${shell}: ${stderr}`);
  return { ms: performance.now() - begun, stdout };
}

/** The commands run in turn, so that other load on the machine affects all of them. */
async function measureCommands(directory) {
  const daemon = await startDaemon();
  const receiver = await startReceiver(directory);
  const url = 'http://localhost/';
  const commands = {
    'progress emit': [PROGRESS, ['emit', 'log', 'level=info', 'message=Implement login']],
    logger: ['logger', ['-u', receiver.log, 'Implement login']],
    'curl --unix-socket': ['curl', ['-s', '-d', 'message=Implement login', '--unix-socket', receiver.http, url]],
    'node -e 0': [process.execPath, ['-e', '0']],
  };
  const times = new Map();
  for (const [name, [program]] of Object.entries(commands)) if (hasPeer(program, name)) times.set(name, []);
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
  figure('progress emit, as a command', emit, 'ms', { better: 'less' });
  const aims = { logger: 1.5, 'node -e 0': 0.05 };
  for (const [name, list] of times) {
    if (name === 'progress emit') continue;
    figure(name, median(list), 'ms');
    figure(`progress emit, relative to ${name}`, emit / median(list), 'x', { better: 'less', aim: aims[name] });
  }
}

/** Receives what logger and curl send, in a separate process, because this one is blocked while they run. */
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
