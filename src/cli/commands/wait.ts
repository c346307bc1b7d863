/** `progress wait`: waits for executions to end. */
import type { Client } from '../../client/client.js';
import { withClient } from '../../client/connect.js';
import type { JournalPosition } from '../../client/follow.js';
import type { Execution } from '../../core/execution.js';
import { executionToJson, isFinal } from '../../core/execution.js';
import type { Paths } from '../../platform/paths.js';
import { summaryLines } from '../../terminal/summary.js';
import { defineCommand } from '../command.js';
import { ANY_IDS, JSON_OPTION } from '../options.js';
import { exitStatusOf, TIMEOUT_STATUS } from '../shared/exit-status.js';
import { followExecutions } from '../shared/follow-executions.js';
import { runTitle } from '../control/control.js';
import { complain, printJson, printLines } from '../shared/output.js';
import { findOne } from '../shared/lookup.js';
import { parseDuration } from '../shared/option-values.js';
import { columnsOf, styleOf } from '../shared/output-options.js';

const MAX_TIMER_MS = 2 ** 31 - 1;

export const command = defineCommand({
  verb: 'wait',
  describe: 'Wait for executions to end and exit as they did',
  positionals: { ids: { required: true, many: true, describe: ANY_IDS } },
  options: {
    any: { type: 'boolean', describe: 'Wait for the first to end' },
    timeout: { type: 'string', value: 'duration', describe: 'Wait at most this long: 30s, 10m, 2h' },
    ...JSON_OPTION,
  },
  async run({ ids, any = false, timeout, json = false }, { paths, env }) {
    const limitMs = timeout === undefined ? undefined : parseDuration('timeout', timeout);
    const { awaited, from } = await withClient({ paths, start: true }, async (client) => {
      const { seq, journal } = await client.hello();
      return { awaited: await findEach(client, ids), from: { after: seq, journal } };
    });
    const report = async (execution: Execution) => {
      if (json) await printJson([executionToJson(execution)]);
      else await printLines(summaryLines(execution, styleOf(env), columnsOf()).slice(0, 1));
    };

    const over = new Map<string, Execution>();
    const isOpen = ({ id }: Execution) => !over.has(id);
    for await (const execution of ends(paths, awaited, from, limitMs)) {
      over.set(execution.id, execution);
      await report(execution);
      if (any) return exitStatusOf(execution);
    }
    const left = awaited.filter(isOpen);
    if (left.length > 0) {
      complain(`timed out after ${timeout ?? ''} waiting for ${left.map(runTitle).join(', ')}`);
      return TIMEOUT_STATUS;
    }
    const ended = awaited.map(({ id }) => over.get(id));
    return exitStatusOf(ended.find((execution) => execution?.status !== 'completed') ?? ended[0]);
  },
});

/** Finds each execution once, in the given order. */
async function findEach(client: Client, texts: readonly string[]): Promise<Execution[]> {
  const found = new Map<string, Execution>();
  for (const text of texts) {
    const execution = await findOne(client, text);
    found.set(execution.id, execution);
  }
  return [...found.values()];
}

/** Yields executions as they end, those that have ended first, until all have ended or the timeout. */
async function* ends(
  paths: Paths,
  awaited: readonly Execution[],
  from: JournalPosition,
  limitMs: number | undefined,
): AsyncGenerator<Execution> {
  yield* awaited.filter(({ status }) => isFinal(status));
  const open = new Set(awaited.filter(({ status }) => !isFinal(status)).map(({ id }) => id));
  if (open.size === 0) return;
  const abort = new AbortController();
  const timer = limitMs === undefined ? undefined : setTimeout(() => abort.abort(), Math.min(limitMs, MAX_TIMER_MS));
  try {
    for await (const { execution } of followExecutions({ paths, executions: awaited, from, signal: abort.signal })) {
      if (!isFinal(execution.status) || !open.delete(execution.id)) continue;
      yield execution;
      if (open.size === 0) return;
    }
  } finally {
    clearTimeout(timer);
  }
}
