/** `progress pause`: pauses runs. */
import { isFinal } from '../../core/execution.js';
import { defineCommand } from '../command.js';
import { JSON_OPTION } from '../options.js';
import type { ControlOptions } from '../control/control.js';
import { controlRuns, endText } from '../control/control.js';
import { SELECTION } from '../control/selection.js';

export const command = defineCommand({
  verb: 'pause',
  describe: 'Pause runs',
  positionals: SELECTION.positionals,
  options: { ...SELECTION.options, ...JSON_OPTION },
  async run({ json = false, ...selection }, context) {
    return await controlRuns(selection, PAUSE, context, json);
  },
});

const PAUSE: ControlOptions = {
  request: { action: 'pause' },
  isFor: ({ status }) => status === 'running',
  nothing: 'Nothing to pause.',
  needless: (execution) => (execution.status === 'paused' ? 'is already paused' : endText(execution)),
  outcome: ({ status }) =>
    status === 'paused' ? 'paused' : isFinal(status) ? `${status} before it was paused` : undefined,
};
