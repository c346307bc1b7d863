/** `progress resume`: resumes paused runs. */
import { isFinal } from '../../core/execution.js';
import { defineCommand } from '../command.js';
import type { ControlOptions } from '../control/control.js';
import { controlRuns, endText } from '../control/control.js';
import { withSelection } from '../control/selection.js';

export const command = defineCommand({
  usage: 'resume [runs..]',
  describe: 'Resume paused runs',
  options: (yargs) => withSelection(yargs).option('json', { type: 'boolean', describe: 'Print JSON' }),
  async run({ json = false, ...selection }, context) {
    return await controlRuns(selection, RESUME, context, json);
  },
});

const RESUME: ControlOptions = {
  request: { action: 'resume' },
  isFor: ({ status }) => status === 'paused',
  nothing: 'Nothing to resume.',
  needless: (execution) => (execution.status === 'running' ? 'is not paused' : endText(execution)),
  outcome: ({ status }) =>
    status === 'running' ? 'resumed' : isFinal(status) ? `${status} before it was resumed` : undefined,
};
