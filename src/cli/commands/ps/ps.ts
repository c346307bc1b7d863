/** `progress ps`: lists executions as a table, once or live. */
import { withClient } from '../../../client/connect.js';
import type { ExecutionJson } from '../../../core/execution.js';
import { executionFromJson } from '../../../core/execution.js';
import type { Grouping } from '../../../core/lists/groups.js';
import { groupExecutions, GROUPINGS, parseGrouping } from '../../../core/lists/groups.js';
import type { Sorting } from '../../../core/lists/sort.js';
import { parseSorting, SORT_KEYS, sortExecutionsBy } from '../../../core/lists/sort.js';
import { ProgressError } from '../../../core/base/errors.js';
import type { ListColumn } from '../../../terminal/tables.js';
import { LIST_COLUMNS } from '../../../terminal/tables.js';
import { defineCommand } from '../../command.js';
import { JSON_OPTION } from '../../options.js';
import { listAll } from '../../shared/lookup.js';
import { print, printLines } from '../../shared/output.js';
import { OwnCommand } from '../../shared/own-command.js';
import { maxColumnsOf, styleOf } from '../../shared/output-options.js';
import { positionsOf } from './positions.js';
import type { TableForm } from './table.js';
import { tableOf } from './table.js';
import { parseInterval, watchTable } from './live-table.js';

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
    sort: { type: 'string', value: 'key', describe: 'Sort by this key; in reverse after a minus: -cpu' },
    columns: { type: 'string', value: 'columns', describe: 'Show these columns, separated by commas' },
    watch: {
      type: 'string',
      value: 'seconds',
      isOptional: true,
      describe: 'Update the table until interrupted; with a number, at that interval in seconds',
    },
    ...JSON_OPTION,
  },
  async run({ all = false, by, sort, columns, watch, json = false }, context) {
    const { paths, env } = context;
    if (json && (columns !== undefined || watch !== undefined))
      throw new ProgressError('usage', "--json excludes --columns and --watch; 'progress watch --json' prints changes");
    const form: TableForm = {
      all,
      grouping: by === undefined ? undefined : checkGrouping(by),
      sorting: sort === undefined ? undefined : checkSorting(sort),
      shown: columns === undefined ? undefined : checkColumns(columns),
    };
    if (watch !== undefined) return await watchTable(context, form, parseInterval(watch));
    const { executions, prefixes, positions } = await withClient({ paths, start: true }, async (client) => {
      const listed = await listAll(client, all);
      const own = new OwnCommand(env).search(listed.executions);
      const shown = all ? listed.executions : listed.executions.filter(({ id }) => !own.is(id));
      return { ...listed, executions: shown, positions: await positionsOf(client, listed.executions) };
    });
    if (json) await printAsJson(executions, form);
    else {
      const options = { now: Date.now(), columns: maxColumnsOf(), style: styleOf(env), prefixes, positions };
      await printLines(tableOf(executions.map(executionFromJson), form, options));
    }
    return 0;
  },
});

async function printAsJson(executions: readonly ExecutionJson[], { grouping, sorting }: TableForm): Promise<void> {
  const sorted = sorting === undefined ? executions : sortJson(executions, sorting);
  const groups = grouping && groupExecutions(sorted, grouping);
  const shown = groups?.map(({ name = null, ...group }) => ({ by: grouping?.by, name, ...group })) ?? sorted;
  await print(`${JSON.stringify(shown, undefined, 2)}\n`);
}

function sortJson(executions: readonly ExecutionJson[], sorting: Sorting): ExecutionJson[] {
  const pairs = new Map(executions.map((json) => [executionFromJson(json), json]));
  const sorted = sortExecutionsBy([...pairs.keys()], sorting, Date.now());
  return sorted.flatMap((execution) => pairs.get(execution) ?? []);
}

function checkGrouping(text: string): Grouping {
  const grouping = parseGrouping(text);
  if (grouping) return grouping;
  throw new ProgressError('usage', `--by: "${text}" is none of ${GROUPINGS.join(', ')}, label:KEY`);
}

function checkSorting(text: string): Sorting {
  const sorting = parseSorting(text);
  if (sorting) return sorting;
  throw new ProgressError(
    'usage',
    `--sort: "${text}" is none of ${SORT_KEYS.join(', ')}, or one of them after a minus`,
  );
}

function checkColumns(text: string): ListColumn[] {
  const columns = text.split(',').map((word) => {
    const name = word.trim().toLowerCase();
    const found = LIST_COLUMNS.find((column) => column === name);
    if (found !== undefined) return found;
    throw new ProgressError('usage', `--columns: "${word}" is none of ${LIST_COLUMNS.join(', ')}`);
  });
  const twice = columns.find((column, index) => columns.indexOf(column) !== index);
  if (twice !== undefined) throw new ProgressError('usage', `--columns: "${twice}" is named twice`);
  return columns;
}
