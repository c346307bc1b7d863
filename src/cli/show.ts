/** `progress show`: everything known of one execution. */
import { withClient } from '../client/connect.js';
import { executionFromJson } from '../core/execution.js';
import { showLines } from '../terminal/show.js';
import { defineCommand } from './command.js';
import { print, printLines } from './output.js';
import { columnsOf, styleOf } from './surface.js';

export const command = defineCommand({
  usage: 'show <id>',
  describe: 'Show one execution with its steps',
  options: (yargs) =>
    yargs
      .positional('id', { type: 'string', demandOption: true, describe: 'An id, a prefix of one, or a name' })
      .option('json', { type: 'boolean', describe: 'Print JSON' }),
  async run({ id, json = false }, { paths, env }) {
    const { execution } = await withClient({ paths, start: true }, (client) => client.call('get', { execution: id }));
    if (json) await print(`${JSON.stringify(execution, undefined, 2)}\n`);
    else
      await printLines(
        showLines(executionFromJson(execution), { now: Date.now(), columns: columnsOf(), style: styleOf(env) }),
      );
    return 0;
  },
});
