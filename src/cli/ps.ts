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
    const { executions, prefixes } = await withClient({ paths, start: true }, (client) => listAll(client, all));
    if (json) await print(`${JSON.stringify(executions, undefined, 2)}\n`);
    else {
      const options = { now: Date.now(), columns: columnsOf(), style: styleOf(env), all, prefixes };
      await printLines(listLines(executions.map(executionFromJson), options));
    }
    return 0;
  },
});

export interface Listed {
  executions: ExecutionJson[];
  /** By id. */
  prefixes: Map<string, string>;
}

/** Page after page, newest first. */
export async function listAll(client: Client, all: boolean): Promise<Listed> {
  const listed: Listed = { executions: [], prefixes: new Map() };
  for (let before: number | undefined, more = true; more;) {
    const page = await client.call('list', { all, limit: 1_000, ...(before !== undefined && { before }) });
    listed.executions.push(...page.executions);
    for (const [index, { id }] of page.executions.entries()) listed.prefixes.set(id, page.prefixes[index] ?? id);
    before = page.more;
    more = page.more !== undefined;
  }
  return listed;
}
