// The box and the full screen on a real pseudo-terminal: first frame, bytes, frames, load, delay from event to glass.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  figure,
  hasPeer,
  mebibytes,
  median,
  openClient,
  PROGRESS,
  quantile,
  ratio,
  sized,
  startDaemon,
  usageOf,
  waitFor,
} from './harness.mjs';

const SIZE = { columns: 120, rows: 40 };
const PER_SECOND = 10_000;
const SECONDS = sized(10, 2);
const QUIET_SECONDS = sized(10, 2);
const SIGHTINGS = sized(100, 10);
const STARTS = sized(11, 2);
const LINES = sized(1_000_000, 20_000);
/** Lines of a log in one write. */
const BATCH = 500;
/** Time for the work of a start to end. */
const SETTLE_MS = 2_000;
const SYNCHRONIZED = '\x1b[?2026h';
/** The replies of a terminal to what the box asks: device attributes, position of the cursor. */
const REPLIES = [
  [/\x1b\[>c/, '\x1b[>1;5000;0c'],
  [/\x1b\[6n/, '\x1b[1;1R'],
];

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function main() {
  if (!hasPeer('script', 'pseudo-terminals (script of util-linux)')) return;
  const daemon = await startDaemon({ config: 'alerts: { desktop: false }\n' });
  const client = await openClient(daemon.socket);
  await measureFirstFrame(daemon.env, client);
  for (const [name, args] of [
    ['box', ['watch', '--stream', 'busy']],
    ['list in the box', ['watch', '--stream']],
    ['full screen', ['tui']],
  ]) {
    await measureQuiet(name, args, daemon.env);
    await measureBusy(name, args, daemon.env, client);
  }
  await measureLongLog(daemon, client);
  client.close();
  await daemon.stop();
}

/** Runs a command on a pseudo-terminal; counts and keeps what it writes. */
class Terminal {
  /** All that was written since the last `reset`. */
  #text = '';
  #bytes = 0;
  #frames = 0;
  #watched = [];

  constructor(command, env) {
    const size = `stty cols ${SIZE.columns} rows ${SIZE.rows}`;
    this.begun = performance.now();
    this.child = spawn('script', ['-qfec', `${size}; exec ${command}`, '/dev/null'], {
      env: { ...env, TERM: 'xterm-256color', LANG: 'C.UTF-8' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.stdout.setEncoding('utf8').on('data', (chunk) => this.#take(chunk));
    this.child.stdin.on('error', () => {});
  }

  #take(chunk) {
    for (const [question, answer] of REPLIES) if (question.test(chunk)) this.child.stdin.write(answer);
    this.#bytes += Buffer.byteLength(chunk);
    this.#frames += chunk.split(SYNCHRONIZED).length - 1;
    this.#text = (this.#text + chunk).slice(-200_000);
    const now = performance.now();
    this.#watched = this.#watched.filter(({ text, resolve }) => !this.#text.includes(text) || resolve(now));
  }

  get bytes() {
    return this.#bytes;
  }

  get frames() {
    return this.#frames;
  }

  reset() {
    [this.#text, this.#bytes, this.#frames] = ['', 0, 0];
  }

  /** When the text appears in what is written after the last `reset`. */
  async shows(text) {
    let at = this.#text.includes(text) ? performance.now() : undefined;
    this.#watched.push({ text, resolve: (now) => void (at ??= now) });
    return await waitFor(`'${text}' on the terminal`, () => at, 1);
  }

  press(keys) {
    this.child.stdin.write(keys);
  }

  /** The program on the terminal: the child of `script`. */
  get pid() {
    const tasks = `/proc/${this.child.pid}/task`;
    const children = readdirSync(tasks).map((task) => readFileSync(path.join(tasks, task, 'children'), 'utf8'));
    return Number(children.join(' ').trim().split(' ')[0]);
  }

  async quit() {
    this.press('q');
    await Promise.race([this.ended, pause(2_000)]);
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

const open = (args, env) => new Terminal(`${PROGRESS} ${args.join(' ')}`, env);

async function measureFirstFrame(env, client) {
  await write(client, [{ type: 'execution_started', execution: 'first', data: { name: 'first-frame' } }]);
  const kinds = {
    'node -e 0': () => new Terminal(`${process.execPath} -e 'process.stdout.write("first-frame")'`, env),
    'watch --stream': () => open(['watch', '--stream'], env),
    tui: () => open(['tui'], env),
  };
  const times = new Map(Object.keys(kinds).map((name) => [name, []]));
  for (let round = 0; round < STARTS; round++) {
    for (const [name, start] of Object.entries(kinds)) {
      const terminal = start();
      times.get(name).push((await terminal.shows('first-frame')) - terminal.begun);
      await terminal.quit();
    }
  }
  const base = median(times.get('node -e 0'));
  figure('output of node -e on a terminal', base, 'ms');
  for (const name of ['watch --stream', 'tui']) {
    ratio(`first frame of ${name}, relative to it`, median(times.get(name)), base, { better: 'less', aim: 2 });
  }
  await write(client, [{ type: 'execution_completed', execution: 'first' }]);
}

/** Nothing runs and nothing happens. */
async function measureQuiet(name, args, env) {
  if (args.includes('busy')) return;
  const terminal = open(args, env);
  await pause(SETTLE_MS);
  terminal.reset();
  const before = usageOf(terminal.pid);
  await pause(QUIET_SECONDS * 1_000);
  figure(`${name}: bytes in ${QUIET_SECONDS} quiet seconds`, terminal.bytes, 'bytes', { better: 'less', aim: 0 });
  const share = (usageOf(terminal.pid).cpuSeconds - before.cpuSeconds) / QUIET_SECONDS;
  figure(`${name}: processor in ${QUIET_SECONDS} quiet seconds`, share * 100, '%', { better: 'less' });
  await terminal.quit();
}

async function measureBusy(name, args, env, client) {
  const start = { type: 'execution_started', execution: 'busy', data: { name: 'busy', total: 1e9 } };
  await write(client, [start, { type: 'step_started', execution: 'busy', step: 's', data: { name: 'work' } }]);
  const terminal = open(args, env);
  await terminal.shows('busy');
  await pause(SETTLE_MS);
  const delays = await measureGlass(terminal, client);
  figure(`${name}: event to glass, p50`, median(delays), 'ms', { better: 'less' });
  figure(`${name}: event to glass, p95`, quantile(delays, 0.95), 'ms', { better: 'less', aim: 150 });

  terminal.reset();
  const before = usageOf(terminal.pid);
  const begun = performance.now();
  await feed(client, SECONDS);
  const seconds = (performance.now() - begun) / 1_000;
  const after = usageOf(terminal.pid);
  const load = `${name} at ${PER_SECOND} events/s`;
  figure(`${load}: processor`, ((after.cpuSeconds - before.cpuSeconds) / seconds) * 100, '%', {
    better: 'less',
    aim: 5,
  });
  figure(`${load}: frames`, terminal.frames / seconds, '/s', { better: 'less', aim: 10 });
  figure(`${load}: bytes`, terminal.bytes / seconds, '/s', { better: 'less' });
  figure(`${load}: bytes of a frame`, terminal.bytes / Math.max(1, terminal.frames), 'bytes', { better: 'less' });
  figure(`${load}: memory`, mebibytes(after.rss), 'MiB', { better: 'less', aim: 100 });
  await terminal.quit();
  await write(client, [{ type: 'execution_completed', execution: 'busy' }]);
}

/** From the write of a changed step's name until the terminal has received it. */
async function measureGlass(terminal, client) {
  const delays = [];
  for (let index = 0; index < SIGHTINGS; index++) {
    const name = `glass${index}z`;
    terminal.reset();
    const begun = performance.now();
    client.socket.write(`${JSON.stringify({ type: 'step_started', execution: 'busy', step: name, data: { name } })}\n`);
    delays.push((await terminal.shows(name)) - begun);
    client.socket.write(`${JSON.stringify({ type: 'step_completed', execution: 'busy', step: name })}\n`);
    // not in step with the frames
    await pause(20 + ((index * 37) % 150));
  }
  return delays;
}

/** Counters, messages and output, at a steady rate. */
async function feed(client, seconds) {
  const begun = performance.now();
  for (let sent = 0; performance.now() - begun < seconds * 1_000; await pause(10)) {
    const due = Math.floor(((performance.now() - begun) / 1_000) * PER_SECOND);
    const events = [];
    for (; sent < due; sent++) {
      events.push(
        sent % 2 === 0
          ? { type: 'progress', execution: 'busy', data: { current: sent } }
          : { type: 'log', execution: 'busy', data: { message: `message ${sent}` } },
      );
    }
    if (events.length > 0) await write(client, events);
  }
}

/** A log of a million lines: from the key that opens it to its last line, to its first line, memory; beside less. */
async function measureLongLog(daemon, client) {
  await write(client, [{ type: 'execution_started', execution: 'long', data: { name: 'long' } }]);
  const textOf = (line) => `line-${line}-of-the-log ${'x'.repeat(40)}`;
  for (let line = 1; line <= LINES; line += BATCH) {
    const events = Array.from({ length: BATCH }, (_, index) => ({
      type: 'output',
      execution: 'long',
      data: { stream: 'stdout', line: line + index, text: textOf(line + index) },
    }));
    await write(client, events);
  }
  await write(client, [{ type: 'execution_completed', execution: 'long' }]);
  const log = `a log of ${LINES} lines`;
  const terminal = open(['tui'], daemon.env);
  await terminal.shows('long');
  terminal.press('/long\r');
  await pause(SETTLE_MS);
  const press = async (keys, text) => {
    terminal.reset();
    const begun = performance.now();
    terminal.press(keys);
    return (await terminal.shows(text)) - begun;
  };
  const opened = await press('\r', `line-${LINES}-of`);
  const top = await press('g', 'line-1-of');
  const bottom = await press('G', `line-${LINES}-of`);
  figure(`full screen: opens ${log}`, opened, 'ms', { better: 'less' });
  figure(`full screen: to its first line`, top, 'ms', { better: 'less' });
  figure(`full screen: and back`, bottom, 'ms', { better: 'less' });
  figure(`full screen: memory with ${log}`, mebibytes(usageOf(terminal.pid).rss), 'MiB', { better: 'less', aim: 100 });
  await terminal.quit();
  if (hasPeer('less')) await measureLess(textOf, log, opened, daemon.env);
}

async function measureLess(textOf, log, own, env) {
  const directory = mkdtempSync(path.join(tmpdir(), 'less-'));
  const file = path.join(directory, 'log');
  writeFileSync(file, Array.from({ length: LINES }, (_, index) => `${textOf(index + 1)}\n`).join(''));
  const terminal = new Terminal(`less +G ${file}`, env);
  const took = (await terminal.shows(`line-${LINES}-of`)) - terminal.begun;
  await terminal.quit();
  rmSync(directory, { recursive: true });
  figure(`less +G: start and end of ${log}`, took, 'ms');
  ratio('full screen: opens it, relative to less +G', own, took, { better: 'less' });
}

/** Writes events and waits until the daemon has them. */
async function write(client, events) {
  client.socket.write(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  await client.request('status');
}
