/** `progress pause`: runs stand still until they are resumed. */
import { isFinal } from '../../core/execution.js';
import { defineCommand } from '../command.js';
import type { ControlOptions } from '../control/control.js';
import { controlRuns, endText } from '../control/control.js';
import { withSelection } from '../control/selection.js';

export const command = defineCommand({
  usage: 'pause [runs..]',
  describe: 'Let runs stand still until they are resumed',
  options: (yargs) => withSelection(yargs).option('json', { type: 'boolean', describe: 'Print JSON' }),
  async run({ json = false, ...selection }, context) {
    return await controlRuns(selection, PAUSE, context, json);
  },
});

const PAUSE: ControlOptions = {
  order: { action: 'pause' },
  isFor: ({ status }) => status === 'running',
  nothing: 'Nothing to pause.',
  needless: (execution) => (execution.status === 'paused' ? 'is paused already' : endText(execution)),
  outcome: ({ status }) =>
    status === 'paused' ? 'paused' : isFinal(status) ? `${status} before it was paused` : undefined,
};
