/** Runs in a private home: started by the program or as bare runners, controlled by the daemon, read from the journal. */
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import type { ExecutionEvent } from '../../src/core/events/event.js';
import { EXECUTION_ENDS } from '../../src/core/events/event.js';
import type { ExecutionJson, Status } from '../../src/core/execution.js';
import { isFinal } from '../../src/core/execution.js';
import { isAlive } from '../../src/platform/processes.js';
import type { Ask, ControlCommand, Op, Replies } from '../../src/api/messages.js';
import type { RunRequest } from '../../src/runner/spec.js';
import { createSpec } from '../../src/runner/spec.js';
import type { RunRecord } from '../../src/runner/store.js';
import { readRecord, writeSpec } from '../../src/runner/store.js';
import { processesOf } from '../fault/helpers/process.js';
import type { Home, RunningDaemon } from './daemon.js';
import { createHome, ROOT } from './daemon.js';
import { readAll } from './journal.js';
import { waitFor } from './wait.js';

export interface RunHome extends Home {
  /** Starts a run with `progress run --detach` and its `options`; returns its ID. */
  start(options: string[], ...command: string[]): Promise<string>;
  /** Writes the spec of a run, as `progress run --detach` does, and returns its ID. */
  specify(argv: readonly string[], more?: Partial<RunRequest>): string;
  /** Starts the runner of a spec, with `wrapper` before its command line, and returns its process ID. */
  launch(id: string, wrapper?: string[]): number;
  /** Writes a spec, starts its runner without the program, and waits until its command runs. */
  run(argv: readonly string[], more?: Partial<RunRequest>): Promise<string>;
  /** Sends one request on a new connection. */
  ask<K extends Op>(op: K, fields: Ask<K>): Promise<Replies[K]>;
  /** @throws if the daemon does not know it */
  get(id: string): Promise<ExecutionJson>;
  /** Undefined if the daemon does not know it yet, or does not answer. */
  find(id: string): Promise<ExecutionJson | undefined>;
  /** Waits until it has this status, or any that is final. */
  until(id: string, status: Status | 'final'): Promise<ExecutionJson>;
  /** Waits until the last lines of its output include this one. */
  hear(id: string, line: string): Promise<void>;
  order(id: string, order: ControlCommand): Promise<void>;
  /** The record that its runner has written, once its command runs. */
  recordOf(id: string): Promise<RunRecord & Required<Pick<RunRecord, 'child'>>>;
  /** True while its runner or its command is alive. */
  isAlive(id: string): boolean;
  events(id: string): Promise<ExecutionEvent[]>;
  /** A file that commands wait for: their $1 is its path. */
  gate(name: string): Gate;
}

export interface RunHomeWithDaemon extends RunHome {
  /** The first daemon, or the last one that `replaceDaemon` started. */
  daemon: RunningDaemon;
  /** Kills the daemon and starts another one. */
  replaceDaemon(): Promise<void>;
}

export interface Gate {
  path: string;
  open(): void;
}

/** A command that ignores SIGINT, and prints `ready` once it does. */
export const STUBBORN = ['sh', '-c', 'trap "" INT; echo ready; while :; do sleep 0.1; done'];

const RUNNER = path.join(ROOT, 'dist/runner.js');

/** A run home with a running daemon. */
export async function startRunHome(t: Test): Promise<RunHomeWithDaemon> {
  const home = createRunHome(t);
  let daemon = await home.startDaemon();
  return {
    ...home,
    get daemon() {
      return daemon;
    },
    async replaceDaemon() {
      await daemon.kill();
      daemon = await home.startDaemon();
    },
  };
}

/** A home without a daemon. Each process with this home is killed when the test ends. */
export function createRunHome(t: Test): RunHome {
  const home = createHome(t);
  t.teardown(() => killProcessesOf(home));
  const { env, paths } = home;

  const runHome: RunHome = {
    ...home,
    async start(options, ...command) {
      const { stdout, stderr, status } = await home.invoke(['run', '--detach', ...options, '--', ...command]);
      if (status !== 0) throw new Error(`run: ${status} ${stderr}`);
      return stdout.trim();
    },
    specify(argv, more = {}) {
      const spec = createSpec({ argv, cwd: home.directory, ...more }, env, paths);
      writeSpec(paths, spec);
      return spec.id;
    },
    launch(id, wrapper = []) {
      const [file, ...args] = [...wrapper, process.execPath, RUNNER, id] as unknown as [string, ...string[]];
      const runner = spawn(file, args, { env, cwd: '/', detached: true, stdio: 'ignore' });
      runner.unref();
      return runner.pid!;
    },
    async run(argv, more) {
      const id = runHome.specify(argv, more);
      runHome.launch(id);
      await runHome.recordOf(id);
      return id;
    },
    async ask(op, fields) {
      const client = await home.connect();
      try {
        return await client.call(op, fields);
      } finally {
        client.destroy();
      }
    },
    get: async (id) => (await runHome.ask('get', { execution: id })).execution,
    find: (id) => runHome.get(id).catch(() => undefined),
    until: async (id, status) =>
      await waitFor(`${id} to be ${status}`, async () => {
        const found = await runHome.find(id);
        return found && (status === 'final' ? isFinal(found.status) : found.status === status) && found;
      }),
    async hear(id, line) {
      await waitFor(`${id} to print ${line}`, async () => (await runHome.find(id))?.tail.includes(line));
    },
    async order(id, order) {
      await runHome.ask('control', { execution: id, ...order });
    },
    recordOf: async (id) =>
      await waitFor(`the command of ${id}`, () => {
        const record = readRecord(paths, id);
        return record?.child && { ...record, child: record.child };
      }),
    isAlive(id) {
      const { runner, child } = readRecord(paths, id) ?? {};
      return [runner, child].some((process) => process && isAlive(process));
    },
    events: async (id) => (await readAll(paths.journal)).events.filter(({ execution }) => execution === id),
    gate(name) {
      const file = path.join(home.directory, name);
      return { path: file, open: () => writeFileSync(file, '') };
    },
  };
  return runHome;
}

/** Command line of a shell that runs a script, with the path of a gate as $1. */
export function sh(script: string, gate?: Gate): [string, ...string[]] {
  return ['sh', '-c', script, 'sh', ...(gate ? [gate.path] : [])];
}

/** The event that ended it; fails unless there is exactly one. */
export function endOf(t: Test, events: readonly ExecutionEvent[]): ExecutionEvent | undefined {
  const ends = events.filter(({ type }) => Object.hasOwn(EXECUTION_ENDS, type));
  t.equal(ends.length, 1, `it ended once: ${ends.map(({ type }) => type).join(', ')}`);
  return ends[0];
}

/** Output on this stream; fails if a line is missing or duplicated. */
export function outputOf(t: Test, events: readonly ExecutionEvent[], stream = 'stdout'): string[] {
  const lines: string[] = [];
  for (const { type, data } of events) {
    if (type !== 'output' || data['stream'] !== stream) continue;
    if (stream !== 'system' && data['line'] !== lines.length + 1) {
      t.fail(`line ${String(data['line'])} comes where ${lines.length + 1} is due`);
    }
    lines.push(...String(data['text']).split('\n'));
  }
  return lines;
}

/** Every signal that was sent, with its actor. */
export function signalsOf(events: readonly ExecutionEvent[]): string[] {
  return events
    .filter(({ type, data }) => type === 'control' && data['action'] === 'signal')
    .map(({ data }) => `${String(data['signal'])} by ${String(data['by'])}`);
}

/** Sends SIGKILL, and waits until it has ended. */
export async function killHard(process_: RunRecord['runner']): Promise<void> {
  killIfThere(process_.pid);
  await waitFor(`${process_.pid} to be gone`, () => !isAlive(process_));
}

async function killProcessesOf({ directory }: Home): Promise<void> {
  if (!existsSync('/proc/self/environ')) return; // the home itself ends the runs that it knows
  await waitFor('each process with this home to be gone', () => {
    const left = processesOf(directory);
    for (const pid of left) killIfThere(pid);
    return left.length === 0;
  });
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has just ended
  }
}
