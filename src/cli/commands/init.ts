/** `progress init`: prints the line that loads the hooks of a shell. bin/progress answers it without Node. */
import { makeOwnDirectory } from '../../platform/own-directory.js';
import { SHELLS } from '../../platform/paths.js';
import { defineCommand } from '../command.js';
import { loadingLine } from './setup/hooks.js';
import { printLines } from '../shared/output.js';

export const command = defineCommand({
  verb: 'init',
  describe: 'Print the line that loads the hooks of a shell',
  positionals: { shell: { choices: SHELLS, required: true, describe: 'Shell' } },
  options: {},
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
