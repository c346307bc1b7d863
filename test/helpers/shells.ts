/** The shells that are here, for what must hold in each of them. */
import { whyNo } from './needs.js';

/** By their names, how each runs a script; macOS has the grammar of POSIX mode in bash 3.2. */
const COMMANDS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  dash: ['dash'],
  bash: ['bash'],
  'bash --posix': ['bash', '--posix'],
  'busybox sh': ['busybox', 'sh'],
  zsh: ['zsh', '-f', '-o', 'extendedglob', '-o', 'kshglob', '-o', 'warncreateglobal'],
  'zsh as sh': ['zsh', '--emulate', 'sh', '-f'],
};

export interface Shell {
  name: string;
  command: readonly [string, ...string[]];
  /** Why it cannot be used. */
  skip: string | false;
}

export const SHELLS: readonly Shell[] = Object.entries(COMMANDS).map(([name, command]) => ({
  name,
  command,
  skip: whyNo(command[0]),
}));

/** A word as any shell reads it. */
export function quoteWord(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
