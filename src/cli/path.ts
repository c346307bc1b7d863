/** `progress path`: where the files for shells are. bin/progress answers it itself, without Node. */
import { SHELLS } from '../paths.js';
import { defineCommand } from './command.js';
import { HOOKS } from './hooks.js';
import { printLines } from './output.js';

const WHAT = ['sh', ...SHELLS, 'hooks'] as const;

export const command = defineCommand({
  usage: 'path <what>',
  describe: 'Print where the library for scripts and the hooks of the shells are',
  options: (yargs) => yargs.positional('what', { choices: WHAT, demandOption: true, describe: 'Which of them' }),
  async run({ what }) {
    await printLines([what === 'hooks' ? HOOKS : `${HOOKS}/progress.${what}`]);
    return 0;
  },
});
