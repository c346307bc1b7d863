/** Directory of the shell hooks, and the line that loads them. */
import { fileURLToPath } from 'node:url';
import type { Shell } from '../../../platform/paths.js';
import { sourceLine } from './rc-block.js';

/** Path relative to dist/, where the program runs. */
export const HOOKS = fileURLToPath(new URL('../hooks', import.meta.url));

/** Line for the start file of the shell. */
export function loadingLine(shell: Shell, hooks = HOOKS): string {
  return sourceLine(shell, `${hooks}/progress.${shell}`);
}
