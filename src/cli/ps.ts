/** `progress ps`: what runs, as a table. */
import type { Client } from '../client/client.js';
import { withClient } from '../client/connect.js';
import type { ExecutionJson } from '../core/execution.js';
import { executionFromJson } from '../core/execution.js';
import { listLines } from '../terminal/tables.js';
import { defineCommand } from './command.js';
import { print, printLines } from './output.js';
import { columnsOf, styleOf } from './surface.js';

export const command = defineCommand({
  usage: 'ps',
  describe: 'List what is running',
  options: (yargs) =>
    yargs
      .option('all', { alias: 'a', type: 'boolean', describe: 'What has ended too' })
      .option('json', { type: 'boolean', describe: 'Print JSON' }),
  async run({ all = false, json = false }, { paths, env }) {
    const executions = await withClient({ paths, start: true }, (client) => listAll(client, all));
    if (json) await print(`${JSON.stringify(executions, undefined, 2)}\n`);
    else {
      const options = { now: Date.now(), columns: columnsOf(), style: styleOf(env), all };
      await printLines(listLines(executions.map(executionFromJson), options));
    }
    return 0;
  },
});

/** Page after page, newest first. */
export async function listAll(client: Client, all: boolean): Promise<ExecutionJson[]> {
  const executions: ExecutionJson[] = [];
  for (let before: number | undefined, more = true; more;) {
    const page = await client.call('list', { all, limit: 1_000, ...(before !== undefined && { before }) });
    executions.push(...page.executions);
    before = page.more;
    more = page.more !== undefined;
  }
  return executions;
}
