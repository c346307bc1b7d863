/** `progress resume`: runs that stand still go on. */
import { isFinal } from '../core/execution.js';
import { defineCommand } from './command.js';
import type { Ordering } from './orders.js';
import { giveOrders } from './orders.js';
import { checkSelection } from './selection.js';

export const command = defineCommand({
  usage: 'resume [runs..]',
  describe: 'Let paused runs go on',
  options: (yargs) =>
    yargs
      .positional('runs', { type: 'string', array: true, describe: 'Ids, prefixes of ids, or names' })
      .option('all', { type: 'boolean', describe: 'All runs' })
      .option('queue', { type: 'string', requiresArg: true, describe: 'All of this queue' })
      .option('label', { type: 'string', array: true, nargs: 1, describe: 'All with this key=value' })
      .option('json', { type: 'boolean', describe: 'Print JSON' }),
  async run({ json = false, ...selection }, context) {
    checkSelection(selection);
    return await giveOrders(selection, RESUME, context, json);
  },
});

const RESUME: Ordering = {
  order: { action: 'resume' },
  isFor: ({ status }) => status === 'paused',
  nothing: 'Nothing to resume.',
  needless: ({ status }) => (status === 'running' ? 'is not paused' : undefined),
  outcome: ({ status }) =>
    status === 'running' ? 'resumed' : isFinal(status) ? `${status} before it was resumed` : undefined,
};
