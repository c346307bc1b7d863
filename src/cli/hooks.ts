/** Where the hooks of the shells are, and the line that loads them. */
import { fileURLToPath } from 'node:url';

export const HOOKED_SHELLS = ['bash', 'zsh', 'fish'] as const;
export type HookedShell = (typeof HOOKED_SHELLS)[number];

/** Seen from dist/, where everything runs. */
export const HOOKS = fileURLToPath(new URL('../hooks', import.meta.url));

/** What the shell reads at its start. */
export function loadingLine(shell: HookedShell, hooks = HOOKS): string {
  const file = `${hooks}/progress.${shell}`;
  return shell === 'fish' ? `source ${quoteForFish(file)}` : `. ${quote(file)}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** It knows two escapes between single quotes. */
function quoteForFish(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
