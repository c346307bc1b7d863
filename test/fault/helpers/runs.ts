/** Runs of a private home: runners as processes, orders through the daemon, and what the journal has of them. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import type { ExecutionEvent } from '../../../src/core/event.js';
import { EXECUTION_ENDS } from '../../../src/core/event.js';
import type { ExecutionJson, Status } from '../../../src/core/execution.js';
import { isFinal } from '../../../src/core/execution.js';
import { isAlive } from '../../../src/processes.js';
import type { ControlOrder, Op, Replies } from '../../../src/protocol/messages.js';
import type { Ask } from '../../../src/protocol/channel.js';
import type { Wanted } from '../../../src/runner/spec.js';
import { createSpec } from '../../../src/runner/spec.js';
import type { RunRecord } from '../../../src/runner/store.js';
import { readRecord, writeSpec } from '../../../src/runner/store.js';
import type { Home } from '../../helpers/daemon.js';
import { createHome, ROOT } from '../../helpers/daemon.js';
import { readAll } from '../../helpers/journal.js';
import { waitFor } from '../../helpers/wait.js';
import { processesOf } from './process.js';

export interface RunHome extends Home {
  /** Writes down what is to run, as `progress run --detach` does, and returns its id. */
  specify(argv: readonly string[], more?: Partial<Wanted>): string;
  /** Starts the runner of what was specified, behind the words of `wrapper`, and returns its process id. */
  launch(id: string, wrapper?: string[]): number;
  /** Both, and waits until its command is there. */
  run(argv: readonly string[], more?: Partial<Wanted>): Promise<string>;
  /** One request on a connection of its own. */
  ask<K extends Op>(op: K, fields: Ask<K>): Promise<Replies[K]>;
  get(id: string): Promise<ExecutionJson | undefined>;
  /** Waits until it has this status, or any that is final. */
  until(id: string, status: Status | 'final'): Promise<ExecutionJson>;
  order(id: string, order: ControlOrder): Promise<void>;
  /** Who runs it, and what: as the runner has written it down, once its command is there. */
  recordOf(id: string): Promise<RunRecord & Required<Pick<RunRecord, 'child'>>>;
  events(id: string): Promise<ExecutionEvent[]>;
  /** A file that commands wait for: they see its path as $1. */
  gate(name: string): Gate;
}

export interface Gate {
  path: string;
  open(): void;
}

const RUNNER = path.join(ROOT, 'dist/runner.js');

/** Whatever still runs with this home is killed when the test ends, whoever started it. */
export function createRunHome(t: Test): RunHome {
  const home = createHome(t);
  t.teardown(async () => {
    await waitFor('everything started here to be gone', () => {
      const left = processesOf(home.directory);
      for (const pid of left) killIfThere(pid);
      return left.length === 0;
    });
  });
  const { paths } = home;
  const env = { ...home.env };

  const runHome: RunHome = {
    ...home,
    env,
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
    get: async (id) => (await runHome.ask('get', { execution: id }).catch(() => undefined))?.execution,
    until: async (id, status) =>
      await waitFor(`${id} to be ${status}`, async () => {
        const found = await runHome.get(id);
        return found && (status === 'final' ? isFinal(found.status) : found.status === status) && found;
      }),
    async order(id, order) {
      await runHome.ask('control', { execution: id, ...order });
    },
    recordOf: async (id) =>
      await waitFor(`the command of ${id}`, () => {
        const record = readRecord(paths, id);
        return record?.child && { ...record, child: record.child };
      }),
    events: async (id) => (await readAll(paths.journal)).events.filter(({ execution }) => execution === id),
    gate(name) {
      const file = path.join(home.directory, name);
      return { path: file, open: () => writeFileSync(file, '') };
    },
  };
  return runHome;
}

/** `script` in a shell that sees the path of the gate as $1. */
export function sh(script: string, gate?: Gate): string[] {
  return ['sh', '-c', script, 'sh', ...(gate ? [gate.path] : [])];
}

/** A shell's loop: until the gate is open. */
export const WAIT = 'while [ ! -e "$1" ]; do sleep 0.02; done';

/** The one that ended it; fails where there is not exactly one. */
export function endOf(t: Test, events: readonly ExecutionEvent[]): ExecutionEvent | undefined {
  const ends = events.filter(({ type }) => Object.hasOwn(EXECUTION_ENDS, type));
  t.equal(ends.length, 1, `it ended once: ${ends.map(({ type }) => type).join(', ')}`);
  return ends[0];
}

/** What it wrote to this stream; fails where a line is missing or comes twice. */
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

/** Every signal that was sent, and who asked for it. */
export function signalsOf(events: readonly ExecutionEvent[]): string[] {
  return events
    .filter(({ type, data }) => type === 'control' && data['action'] === 'signal')
    .map(({ data }) => `${String(data['signal'])} by ${String(data['by'])}`);
}

/** SIGKILL, and waits until it is gone. */
export async function killHard(process_: RunRecord['runner']): Promise<void> {
  killIfThere(process_.pid);
  await waitFor(`${process_.pid} to be gone`, () => !isAlive(process_));
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has just ended
  }
}
