/**
 * A daemon under a steady load of events, subscribers and runs: its memory, descriptors and files reach a plateau.
 * TEST_SOAK_SECONDS sets the length.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { connect as dial } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import t from 'tap';
import type { Client } from '../../src/client/client.js';
import { errnoOf } from '../../src/core/base/errors.js';
import { createHome, type Home, PROGRESS } from '../helpers/daemon.js';
import { shortOrLong } from '../helpers/long.js';
import { waitFor } from '../helpers/wait.js';
import { configure } from './helpers/config.js';

const SECONDS = Number(process.env['TEST_SOAK_SECONDS'] ?? shortOrLong(20, 3_600));
const EVENTS_PER_SECOND = 200;
const RUNS_PER_SECOND = 2;
const SUBSCRIBERS = 5;
const TICK_MS = 50;
/** Maximum number of concurrent runs: a busy machine starts fewer. */
const MAX_RUNNING = 8;
/** Retention removes files after each 16 MiB of events, so their number rises and falls. */
const SLACK_FILES = 48;
/** Tolerance for memory: the test does not control garbage collection. */
const SLACK_BYTES = 48e6;

interface Sample {
  rss: number;
  descriptors: number;
  /** In addition to files of runs, which are kept as long as the events. */
  files: number;
  perRun: number;
}

const skip = !existsSync('/proc/self/fd') && 'needs /proc';

t.test(`${SECONDS} seconds of events, subscribers and runs`, { skip }, async (t) => {
  const home = createHome(t);
  // limits that are reached within the time
  configure(home, {
    journal: { segmentSize: '1MiB', retainSize: '2MiB' },
    memory: { open: 20, ended: 20, summaries: 100 },
  });
  const { pid } = await home.startDaemon();
  const client = await home.connect();
  t.teardown(() => client.destroy());
  const heard = subscribe(t, home);
  const samples: Sample[] = [];
  const load = new Load(home, client);
  const begin = performance.now();
  for (let second = 0; second < SECONDS; second++) {
    while (performance.now() - begin < (second + 1) * 1_000) {
      await load.tick(performance.now() - begin);
      await delay(TICK_MS);
    }
    samples.push(await sample(home, pid, client));
  }
  await waitFor('the runs to end', () => load.running === 0);

  const { counters } = await client.call('status', {});
  const { seq } = await client.call('list', {});
  t.strictSame(counters.rejected, {}, 'nothing is refused');
  t.ok(counters.events >= load.sent, `${load.sent} events and ${load.runs} runs are taken`);
  t.equal(load.failures, 0, 'no run fails');
  await waitFor('each subscriber to have heard all', () => heard.every((last) => last() >= seq));
  // the median: single samples depend on garbage collection and on the load of the machine
  const median = (from: number, key: keyof Sample) => {
    const values = samples.slice(from * SECONDS, (from + 1 / 3) * SECONDS).map((one) => one[key]);
    return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
  };
  for (const [key, slack] of [
    ['rss', SLACK_BYTES],
    ['descriptors', 24],
    ['files', SLACK_FILES],
  ] as const) {
    const [first, before, after] = [median(0, key), median(1 / 3, key), median(2 / 3, key)];
    t.comment(`${key}: ${first}, ${before}, ${after}; ${every(samples, SECONDS / 20, key)}`);
    t.ok(after <= before + slack, `${key} is ${before} in the second third, and ${after} in the last one`);
  }
  const { perRun = 0 } = samples.at(-1) ?? {};
  t.ok(perRun <= load.runs * 6 + 8, `${perRun} files of ${load.runs} runs`);
  await client.close();
});

/** Prints figures at equal distances in the log. */
function every(samples: readonly Sample[], step: number, key: keyof Sample): string {
  const width = Math.max(1, Math.round(step));
  return samples
    .filter((_, index) => index % width === 0)
    .map((one) => one[key])
    .join(' ');
}

/** Returns a function for each subscriber, with its newest position. */
function subscribe(t: Test, home: Home): (() => number)[] {
  return Array.from({ length: SUBSCRIBERS }, () => {
    let last = 0;
    let rest = '';
    const socket = dial(home.paths.socket);
    t.teardown(() => socket.destroy());
    socket.write('{"op":"subscribe","id":1,"last":0}\n');
    socket.setEncoding('utf8').on('data', (text: string) => {
      rest = (rest + text).slice(-4_096);
      for (const [, seq] of rest.matchAll(/"seq":(\d+)/g)) last = Math.max(last, Number(seq));
    });
    return () => last;
  });
}

class Load {
  sent = 0;
  runs = 0;
  running = 0;
  failures = 0;
  readonly #home: Home;
  readonly #client: Client;

  constructor(home: Home, client: Client) {
    this.#home = home;
    this.#client = client;
  }

  /** Sends what is due at this time. */
  async tick(ms: number): Promise<void> {
    const due = Math.floor((ms / 1_000) * EVENTS_PER_SECOND);
    const emitted = [];
    while (this.sent < due) emitted.push(this.#client.call('emit', { event: eventAt(this.sent++) }));
    await Promise.all(emitted);
    while (this.runs < (ms / 1_000) * RUNS_PER_SECOND && this.running < MAX_RUNNING) this.#run();
  }

  #run(): void {
    this.runs++;
    this.running++;
    const options = { env: this.#home.env, stdio: 'ignore' } as const;
    spawn(PROGRESS, ['run', '--', 'sh', '-c', 'echo one; echo two'], options).once('close', (code) => {
      this.running--;
      if (code !== 0) this.failures++;
    });
  }
}

/** Executions of ten events each; one in twenty never ends. */
function eventAt(n: number): Record<string, unknown> {
  const number = Math.floor(n / 10);
  const execution = `job-${number}`;
  const step = `part-${n % 10}`;
  if (n % 10 === 0) return { type: 'execution_started', execution, data: { name: `job ${number % 7}` } };
  if (n % 10 === 9 && number % 20 > 0) return { type: 'execution_completed', execution };
  if (n % 3 === 0) return { type: 'step_completed', execution, step, data: { durationMs: n % 100 } };
  return { type: 'output', execution, data: { text: `line ${n} ${'x'.repeat(n % 200)}` } };
}

async function sample({ directory, paths }: Home, pid: number, client: Client): Promise<Sample> {
  const { rss } = await client.call('status', {});
  const perRun = count(paths.runs) + count(paths.spool);
  return { rss, descriptors: count(`/proc/${pid}/fd`), files: count(directory) - perRun, perRun };
}

/** Number of files and directories in it. */
function count(directory: string): number {
  try {
    return readdirSync(directory, { recursive: true }).length;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return existsSync(directory) ? count(directory) : 0; // one was removed meanwhile
  }
}
