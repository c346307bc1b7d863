/** `progress init`: prints the line that loads the hooks of a shell. bin/progress answers it without Node. */
import { makeOwnDirectory } from '../../platform/own-directory.js';
import { SHELLS } from '../../platform/paths.js';
import { defineCommand } from '../command.js';
import { loadingLine } from './setup/hooks.js';
import { printLines } from '../shared/output.js';

export const command = defineCommand({
  usage: 'init <shell>',
  describe: 'Print the line that loads the hooks of a shell',
  options: (yargs) => yargs.positional('shell', { choices: SHELLS, demandOption: true, describe: 'Shell' }),
  async run({ shell }, { paths }) {
    await printLines([loadingLine(shell)]);
    try {
      makeOwnDirectory(paths.spool);
    } catch {
      // the shell starts anyway, and its hooks write nothing
    }
    return 0;
  },
});
