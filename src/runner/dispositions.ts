/** Applies signal dispositions to a command: whatever starts a program from Node gives it the defaults. */
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import type { Inherited } from '../inherited.js';
import { DEFAULT_PATH, findInPath } from '../paths.js';

type Argv = readonly [string, ...string[]];

/**
 * The command line that ignores and blocks these signals, then becomes the command. env(1) of GNU does both and leaves the
 * environment as it is; elsewhere a shell ignores them, and what was blocked is not.
 */
export function withDispositions(argv: Argv, { ignored, blocked }: Inherited): Argv {
  if (ignored.length === 0 && blocked.length === 0) return argv;
  const env = findInPath('env', process.env['PATH'] ?? DEFAULT_PATH)[0];
  const options = [optionOf('ignore', ignored), optionOf('block', blocked)].filter((option) => option !== '');
  // it would take a name with a = for a variable
  if (env !== undefined && !argv[0].includes('=') && isAble(env, options)) return [env, ...options, ...argv];
  if (ignored.length === 0) return argv;
  return ['/bin/sh', '-c', `trap '' ${numbersOf(ignored).join(' ')}; exec "$@"`, 'sh', ...argv];
}

function optionOf(verb: string, names: readonly NodeJS.Signals[]): string {
  return names.length === 0 ? '' : `--${verb}-signal=${numbersOf(names).join(',')}`;
}

function numbersOf(names: readonly NodeJS.Signals[]): number[] {
  return names.map((name) => constants.signals[name]);
}

function isAble(env: string, options: readonly string[]): boolean {
  return spawnSync(env, [...options, 'true'], { stdio: 'ignore' }).status === 0;
}
