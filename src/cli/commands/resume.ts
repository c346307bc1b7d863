/** `progress resume`: resumes paused runs. */
import { isFinal } from '../../core/execution.js';
import { defineCommand } from '../command.js';
import { JSON_OPTION } from '../options.js';
import type { ControlOptions } from '../control/control.js';
import { controlRuns, endText } from '../control/control.js';
import { SELECTION } from '../control/selection.js';

export const command = defineCommand({
  verb: 'resume',
  describe: 'Resume paused runs',
  positionals: SELECTION.positionals,
  options: { ...SELECTION.options, ...JSON_OPTION },
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
