/** Selects the runs that a command is for: those that are named, or all that fulfil a condition. */
import type { Client } from '../../client/client.js';
import type { Execution } from '../../core/execution.js';
import { executionFromJson } from '../../core/execution.js';
import { ProgressError } from '../../core/base/errors.js';
import { hasSpec } from '../../runner/store.js';
import type { CommandContext } from '../command.js';
import type { OptionTable, PositionalTable } from '../options.js';
import { ANY_IDS } from '../options.js';
import { listAll } from '../shared/lookup.js';
import { parsePair, parsePairs } from '../shared/option-values.js';

/** Arguments of every command that controls runs. */
export const SELECTION = {
  positionals: { runs: { many: true, describe: ANY_IDS } },
  options: {
    all: { type: 'boolean', describe: 'Select all runs' },
    queue: { type: 'string', value: 'queue', describe: 'Select the runs of a queue' },
    label: { type: 'list', value: 'key=value', describe: 'Select the runs with this label, key=value' },
  },
} as const satisfies { positionals: PositionalTable; options: OptionTable };

/** As on the command line. */
export interface Selection {
  runs?: string[] | undefined;
  all?: boolean | undefined;
  queue?: string | undefined;
  label?: string[] | undefined;
}

/** @throws `usage` when it selects nothing, or in two ways */
export function checkSelection({ runs = [], all = false, queue, label }: Selection): void {
  const ways = [runs.length > 0, all, queue !== undefined || label !== undefined].filter(Boolean).length;
  if (ways === 0) throw new ProgressError('usage', 'nothing selected; give IDs, --all, --queue or --label');
  if (ways > 1) throw new ProgressError('usage', 'IDs, --all, and --queue with --label exclude each other');
  parsePairs('label', label ?? []);
}

/** Whether it selects by a condition, and not by names. */
export function isSearch({ runs = [] }: Selection): boolean {
  return runs.length === 0;
}

/** Finds runs that have not ended, except the run that the command is called in and those around it. */
export async function findRuns(
  client: Client,
  { queue, label = [] }: Selection,
  { paths, env }: CommandContext,
): Promise<Execution[]> {
  const alive = (await listAll(client, false)).executions.map(executionFromJson);
  const parents = new Map(alive.map(({ id, parent }) => [id, parent]));
  const enclosing = new Set<string>();
  for (let id = env['PROGRESS_EXECUTION']; id !== undefined && !enclosing.has(id); id = parents.get(id)) {
    // a task within a run is not an execution
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
  const [key, value] = parsePair('label', pair);
  return labels[key] === value;
}
