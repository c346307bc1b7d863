/** Which runs an order is for: those that are named, or all that something is true of. */
import type { Argv } from 'yargs';
import type { Client } from '../../client/client.js';
import type { Execution } from '../../core/execution.js';
import { executionFromJson } from '../../core/execution.js';
import { ProgressError } from '../../core/errors.js';
import { hasSpec } from '../../runner/store.js';
import type { Context } from '../command.js';
import { listAll } from '../commands/ps.js';

/** The options of every command that gives orders to runs. */
export function withSelection<T>(yargs: Argv<T>) {
  return yargs
    .positional('runs', { type: 'string', array: true, describe: 'Ids, prefixes of ids, or names' })
    .option('all', { type: 'boolean', describe: 'All runs' })
    .option('queue', { type: 'string', requiresArg: true, describe: 'All of this queue' })
    .option('label', { type: 'string', array: true, nargs: 1, describe: 'All with this key=value' });
}

/** As on the command line. */
export interface Selection {
  runs?: string[] | undefined;
  all?: boolean | undefined;
  queue?: string | undefined;
  label?: string[] | undefined;
}

/** Throws `usage` when it selects nothing, or twice. */
export function checkSelection({ runs = [], all = false, queue, label }: Selection): void {
  const ways = [runs.length > 0, all, queue !== undefined || label !== undefined].filter(Boolean).length;
  if (ways === 0) throw new ProgressError('usage', 'say which: ids, --all, --queue or --label');
  if (ways > 1) throw new ProgressError('usage', 'ids, --all, or --queue and --label: choose one');
  for (const pair of label ?? []) {
    if (pair.indexOf('=') < 1) throw new ProgressError('usage', `--label: "${pair}" is not key=value`);
  }
}

/** Does it say what to look for, rather than which? */
export function isSearch({ runs = [] }: Selection): boolean {
  return runs.length === 0;
}

/** The one that is meant by an id, a prefix of one, or a name. */
export async function findOne(client: Client, text: string): Promise<Execution> {
  return executionFromJson((await client.call('get', { execution: text })).execution);
}

/** Runs that have not ended. Whoever asks from within a run does not mean that one, nor what it runs in. */
export async function findRuns(
  client: Client,
  { queue, label = [] }: Selection,
  { paths, env }: Context,
): Promise<Execution[]> {
  const alive = (await listAll(client, false)).executions.map(executionFromJson);
  const parents = new Map(alive.map(({ id, parent }) => [id, parent]));
  const enclosing = new Set<string>();
  for (let id = env['PROGRESS_EXECUTION']; id !== undefined && !enclosing.has(id); id = parents.get(id)) {
    // a task inside a run is not an execution
    const run = alive.find(({ tasks }) => tasks?.includes(id ?? ''));
    id = run?.id ?? id;
    enclosing.add(id);
  }
  return alive.filter(
    (execution) =>
      (queue === undefined || execution.queue === queue) &&
      label.every((pair) => hasLabel(execution, pair)) &&
      !enclosing.has(execution.id) &&
      hasSpec(paths, execution.id),
  );
}

function hasLabel({ labels = {} }: Execution, pair: string): boolean {
  const at = pair.indexOf('=');
  return labels[pair.slice(0, at)] === pair.slice(at + 1);
}
