/** A private home with a daemon of the built program, and the command line. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import type { Client, ClientOptions } from '../../src/client/client.js';
import { connect } from '../../src/client/connect.js';
import type { Config } from '../../src/config/load.js';
import type { Settings } from '../../src/daemon/settings.js';
import type { Paths } from '../../src/platform/paths.js';
import { resolvePaths } from '../../src/platform/paths.js';
import { isAlive } from '../../src/platform/processes.js';
import { readLockRecord } from '../../src/protocol/lock-record.js';
import { createProcessGroup } from '../../src/runner/group.js';
import { readRecord, runsBefore } from '../../src/runner/store.js';
import { waitFor } from './wait.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const PROGRESS = path.join(ROOT, 'bin/progress');
export const DAEMON = path.join(ROOT, 'dist/daemon.js');

export interface Home {
  directory: string;
  env: NodeJS.ProcessEnv;
  paths: Paths;
  /**
   * Runs a command line in this process: for tests of what a command does and prints. `progress` is for tests of the
   * program as a process.
   */
  invoke(args: string[], options?: { input?: string; env?: NodeJS.ProcessEnv }): Promise<Outcome>;
  /** Runs the program to its end. */
  progress(args: string[], options?: { input?: string; env?: NodeJS.ProcessEnv }): Outcome;
  /** Starts the program. */
  spawn(args: string[], options?: SpawnOptions): ReturnType<typeof spawn>;
  /** Starts the daemon and waits until it listens. */
  startDaemon(options?: { wrapper?: string[]; env?: NodeJS.ProcessEnv }): Promise<RunningDaemon>;
  connect(options?: ClientOptions): Promise<Client>;
}

export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface RunningDaemon {
  pid: number;
  /** SIGKILL by default; waits until it has ended. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/** Kills all runs of the test, also paused, orphaned and terminal ones. */
async function endRuns(paths: Paths): Promise<void> {
  if (!existsSync(path.join(paths.runs, '.'))) return; // some tests put something else there
  for (const id of runsBefore(paths, Infinity)) {
    const { child, runner } = readRecord(paths, id) ?? {};
    if (child) createProcessGroup(child, id).signal('SIGKILL');
    // a run in the process of a test ends with its command
    if (!runner || runner.pid === process.pid || !isAlive(runner)) continue;
    process.kill(runner.pid, 'SIGKILL');
    await waitFor(`the runner of ${id} to be gone`, () => !isAlive(runner));
  }
}

/** Creates a home for one test: its daemon is killed and the directory removed when the test ends. */
export function createHome(t: Test): Home {
  const directory = mkdtempSync(path.join(tmpdir(), 'progress-test-'));
  const env: NodeJS.ProcessEnv = { ...process.env, PROGRESS_HOME: directory, HOME: directory, NO_COLOR: '1' };
  const paths = resolvePaths(env);

  const children = new Set<ChildProcess>();
  t.teardown(async () => {
    // a daemon that lost the race for the lock, and still starts, would win it now
    for (const child of children) child.kill('SIGKILL');
    await endRuns(paths);
    await waitFor('the daemons started here to be gone', () => children.size === 0);
    const pid = readLockRecord(paths.lock)?.pid;
    if (pid !== undefined && pid !== process.pid && isRunning(pid)) {
      process.kill(pid, 'SIGKILL');
      await waitFor('the daemon to be gone', () => !isRunning(pid));
    }
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    if (!paths.runtime.startsWith(directory)) rmSync(paths.runtime, { recursive: true, force: true });
  });

  return {
    directory,
    env,
    paths,
    async invoke(args, options = {}) {
      const { invoke } = await import('./invoke.js');
      return await invoke(args, { ...env, ...options.env }, options.input ?? '');
    },
    progress(args, options = {}) {
      const { status, stdout, stderr } = spawnSync(PROGRESS, args, {
        env: { ...env, ...options.env },
        encoding: 'utf8',
        input: options.input ?? '',
        maxBuffer: 256 * 1024 * 1024,
      });
      return { status, stdout, stderr };
    },
    spawn(args, options = {}) {
      return spawn(PROGRESS, args, { ...options, env: { ...env, ...options.env } });
    },
    async startDaemon({ wrapper = [], env: more = {} } = {}) {
      const [file, ...args] = [...wrapper, process.execPath, DAEMON] as unknown as [string, ...string[]];
      const child = spawn(file, args, {
        env: { ...env, ...more },
        stdio: ['ignore', 'ignore', 'inherit'],
        detached: true,
      });
      let gone = false;
      children.add(child);
      child.once('exit', () => {
        gone = true;
        children.delete(child);
      });
      const running = await waitFor('the daemon to listen', async () => {
        // 0: another one runs already, possibly started by a runner
        if (gone && child.exitCode !== 0)
          throw new Error(`the daemon has ended with ${child.exitCode ?? child.signalCode}`);
        const client = await connect({ paths, start: false }).catch(() => undefined);
        if (!client) return undefined;
        const { pid } = await client.hello();
        await client.close();
        return pid;
      });
      return {
        pid: running,
        async kill(signal = 'SIGKILL') {
          if (isRunning(running)) process.kill(running, signal);
          await waitFor('the daemon to be gone', () => gone && !isRunning(running));
        },
      };
    },
    connect: (options = {}) => connect({ paths, start: false, ...options }),
  };
}

/** Settings of a daemon in the process of a test, independent of the file. */
export function fixedSettings(config: Config): Settings {
  return {
    current: config,
    onChange: () => undefined,
    status: () => ({ file: '', since: '', problems: [] }),
    close: () => Promise.resolve(),
  };
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
