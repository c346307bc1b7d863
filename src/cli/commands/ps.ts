/** `progress ps`: lists executions as a table. */
import type { Client } from '../../client/client.js';
import { withClient } from '../../client/connect.js';
import type { ExecutionJson } from '../../core/execution.js';
import { executionFromJson } from '../../core/execution.js';
import type { Grouping } from '../../core/lists/groups.js';
import { groupExecutions, GROUPINGS, parseGrouping } from '../../core/lists/groups.js';
import { ProgressError } from '../../core/base/errors.js';
import { groupedLines, listLines } from '../../terminal/tables.js';
import { defineCommand } from '../command.js';
import { JSON_OPTION } from '../options.js';
import { listAll } from '../shared/lookup.js';
import { print, printLines } from '../shared/output.js';
import { OwnCommand } from '../shared/own-command.js';
import { columnsOf, styleOf } from '../shared/output-options.js';

export const command = defineCommand({
  verb: 'ps',
  describe: 'List executions',
  positionals: {},
  options: {
    all: {
      type: 'boolean',
      alias: 'a',
      describe: 'Include finished executions and the command that runs this',
    },
    by: { type: 'string', value: 'criterion', describe: 'Group by agent, queue, label or label:KEY' },
    ...JSON_OPTION,
  },
  async run({ all = false, by, json = false }, { paths, env }) {
    const grouping = by === undefined ? undefined : checkGrouping(by);
    const { executions, prefixes, positions } = await withClient({ paths, start: true }, async (client) => {
      const listed = await listAll(client, all);
      const own = new OwnCommand(env).search(listed.executions);
      const shown = all ? listed.executions : listed.executions.filter(({ id }) => !own.is(id));
      return { ...listed, executions: shown, positions: await positionsOf(client, listed.executions) };
    });
    if (json) {
      const groups = grouping && groupExecutions(executions, grouping);
      const shown = groups?.map(({ name = null, ...group }) => ({ by: grouping?.by, name, ...group })) ?? executions;
      await print(`${JSON.stringify(shown, undefined, 2)}\n`);
      return 0;
    }
    const options = { now: Date.now(), columns: columnsOf(), style: styleOf(env), all, prefixes, positions };
    const models = executions.map(executionFromJson);
    const lines = grouping
      ? groupedLines(groupExecutions(models, grouping), grouping, options)
      : listLines(models, options);
    await printLines(lines);
    return 0;
  },
});

function checkGrouping(text: string): Grouping {
  const grouping = parseGrouping(text);
  if (grouping) return grouping;
  throw new ProgressError('usage', `--by: "${text}" is none of ${GROUPINGS.join(', ')}, label:KEY`);
}

/** Positions in queues, by ID. */
async function positionsOf(client: Client, executions: readonly ExecutionJson[]): Promise<Map<string, number>> {
  if (!executions.some(({ status, queue }) => status === 'queued' && queue !== undefined)) return new Map();
  const { queues } = await client.call('queues', {});
  return new Map(queues.flatMap(({ waiting }) => waiting.map((id, index): [string, number] => [id, index + 1])));
}
