/** Runs of the built program, and their processes. */
import type { Test } from 'tap';
import type { Client } from '../../src/client/client.js';
import type { ExecutionJson, Status } from '../../src/core/execution.js';
import { isAlive } from '../../src/processes.js';
import type { RunRecord } from '../../src/runner/store.js';
import { readRecord } from '../../src/runner/store.js';
import type { Home, RunningDaemon } from './daemon.js';
import { createHome } from './daemon.js';
import { waitFor } from './wait.js';

export interface RunsHome extends Home {
  daemon: RunningDaemon;
  /** Starts a run in the background; returns its id. `options` are those of `progress run`. */
  start(options: string[], ...command: string[]): Promise<string>;
  get(id: string): Promise<ExecutionJson>;
  /** Waits until it stands like that. */
  see(id: string, status: Status): Promise<ExecutionJson>;
  /** Waits until its output has this line. */
  hear(id: string, line: string): Promise<void>;
  record(id: string): RunRecord;
  isAlive(id: string): boolean;
  /** Another daemon takes the place of this one. */
  replaceDaemon(): Promise<void>;
}

/** A command that does not obey SIGINT, and says `ready` when it does not. */
export const STUBBORN = ['sh', '-c', 'trap "" INT; echo ready; while :; do sleep 0.1; done'];

/** With a daemon. */
export async function createRunsHome(t: Test): Promise<RunsHome> {
  const home = createHome(t);
  let daemon = await home.startDaemon();

  const record = (id: string): RunRecord => {
    const found = readRecord(home.paths, id);
    if (!found) throw new Error(`nobody runs ${id}`);
    return found;
  };
  const isOneAlive = (id: string) => {
    const found = readRecord(home.paths, id);
    return found !== undefined && [found.runner, found.child].some((process) => process && isAlive(process));
  };
  const withClient = async <T>(use: (client: Client) => Promise<T>): Promise<T> => {
    const client = await home.connect();
    return await use(client).finally(() => client.close());
  };
  const get = (id: string) => withClient(async (client) => (await client.call('get', { execution: id })).execution);
  const seeWhere = async (what: string, id: string, isTrue: (execution: ExecutionJson) => boolean) =>
    await waitFor(`${id} to be ${what}`, async () => {
      // it may not be known yet
      const execution = await get(id).catch(() => undefined);
      return execution && isTrue(execution) && execution;
    });

  return {
    ...home,
    get daemon() {
      return daemon;
    },
    async start(options, ...command) {
      const { stdout, stderr, status } = await home.invoke(['run', '--detach', ...options, '--', ...command]);
      if (status !== 0) throw new Error(`run: ${status} ${stderr}`);
      return stdout.trim();
    },
    get,
    see: (id, status) => seeWhere(status, id, (execution) => execution.status === status),
    async hear(id, line) {
      await seeWhere(`heard to say ${line}`, id, ({ tail }) => tail.includes(line));
    },
    record,
    isAlive: isOneAlive,
    async replaceDaemon() {
      await daemon.kill();
      daemon = await home.startDaemon();
    },
  };
}
