/** Applies signal dispositions to a command: whatever starts a program from Node gives it the defaults. */
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import type { Inherited } from '../inherited.js';
import { DEFAULT_PATH, findInPath } from '../paths.js';

type Argv = readonly [string, ...string[]];

/**
 * The command line that ignores and blocks these signals, then becomes the command. A shell ignores them; only env(1) of
 * GNU can block some, and where that is missing they are not blocked.
 */
export function withDispositions(argv: Argv, { ignored, blocked }: Inherited): Argv {
  const blocking = blocked.length === 0 ? [] : findBlocking(blocked);
  if (ignored.length === 0 && blocking.length === 0) return argv;
  const trap = ignored.length === 0 ? '' : `trap '' ${numbersOf(ignored).join(' ')}; `;
  const [file, ...args] = [...blocking, SHELL, '-c', `${trap}exec "$@"`, 'sh', ...argv];
  return [file ?? SHELL, ...args];
}

const SHELL = '/bin/sh';

/** Nothing where there is no such env(1). */
function findBlocking(names: readonly NodeJS.Signals[]): string[] {
  const env = findInPath('env', process.env['PATH'] ?? DEFAULT_PATH)[0];
  const option = `--block-signal=${numbersOf(names).join(',')}`;
  const isAble = env !== undefined && spawnSync(env, [option, 'true'], { stdio: 'ignore' }).status === 0;
  return isAble ? [env, option] : [];
}

function numbersOf(names: readonly NodeJS.Signals[]): number[] {
  return names.map((name) => constants.signals[name]);
}
