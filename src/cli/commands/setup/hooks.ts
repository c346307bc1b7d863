/** Where the hooks of the shells are, and the line that loads them. */
import { fileURLToPath } from 'node:url';
import type { Shell } from '../../../platform/paths.js';
import { quoteFish, quotePosix } from '../../../platform/shell-quote.js';

/** Seen from dist/, where everything runs. */
export const HOOKS = fileURLToPath(new URL('../hooks', import.meta.url));

/** What the shell reads at its start. */
export function loadingLine(shell: Shell, hooks = HOOKS): string {
  const file = `${hooks}/progress.${shell}`;
  return shell === 'fish' ? `source ${quoteFish(file)}` : `. ${quotePosix(file)}`;
}
