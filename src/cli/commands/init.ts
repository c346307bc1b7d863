/** `progress init`: the line that loads the hooks of a shell. bin/progress answers it itself, without Node. */
import { makeOwnDirectory } from '../../platform/own-directory.js';
import { SHELLS } from '../../platform/paths.js';
import { defineCommand } from '../command.js';
import { loadingLine } from './setup/hooks.js';
import { printLines } from '../shared/output.js';

export const command = defineCommand({
  usage: 'init <shell>',
  describe: 'Print the line that loads the hooks of a shell',
  options: (yargs) => yargs.positional('shell', { choices: SHELLS, demandOption: true, describe: 'The shell' }),
  async run({ shell }, { paths }) {
    await printLines([loadingLine(shell)]);
    try {
      makeOwnDirectory(paths.spool);
    } catch {
      // a shell starts all the same, and its hooks are silent
    }
    return 0;
  },
});
