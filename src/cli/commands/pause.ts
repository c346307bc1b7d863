/** `progress pause`: runs stand still until they are resumed. */
import { isFinal } from '../../core/execution.js';
import { defineCommand } from '../command.js';
import type { Ordering } from '../control/control.js';
import { giveOrders, overText } from '../control/control.js';
import { withSelection } from '../control/selection.js';

export const command = defineCommand({
  usage: 'pause [runs..]',
  describe: 'Let runs stand still until they are resumed',
  options: (yargs) => withSelection(yargs).option('json', { type: 'boolean', describe: 'Print JSON' }),
  async run({ json = false, ...selection }, context) {
    return await giveOrders(selection, PAUSE, context, json);
  },
});

const PAUSE: Ordering = {
  order: { action: 'pause' },
  isFor: ({ status }) => status === 'running',
  nothing: 'Nothing to pause.',
  needless: (execution) => (execution.status === 'paused' ? 'is paused already' : overText(execution)),
  outcome: ({ status }) =>
    status === 'paused' ? 'paused' : isFinal(status) ? `${status} before it was paused` : undefined,
};
