/** Applies signal dispositions to a command: whatever starts a program from Node gives it the defaults. */
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import type { Inherited } from '../platform/inherited.js';
import { DEFAULT_PATH, findInPath } from '../platform/paths.js';

type Argv = readonly [string, ...string[]];

/**
 * The command line that ignores and blocks these signals, then becomes the command. A shell ignores them; only env(1) of
 * GNU can block some, and where that is missing they are not blocked.
 */
export function withDispositions(argv: Argv, { ignored, blocked }: Inherited, env: NodeJS.ProcessEnv): Argv {
  const blocking = blocked.length === 0 ? [] : findBlocking(blocked);
  if (ignored.length === 0 && blocking.length === 0) return argv;
  const trap = ignored.length === 0 ? '' : `trap '' ${numbersOf(ignored).join(' ')}; `;
  const [file, ...args] = [...blocking, ...throughShell(`${trap}exec "$@"`, argv, env)] as const;
  return [file ?? SHELL, ...args];
}

/** The command line of a shell that runs a script with `argv` as its arguments, and drops no variable of `env`. */
export function throughShell(script: string, argv: Argv, env: NodeJS.ProcessEnv): Argv {
  const odd = Object.entries(env).filter(([name]) => !IDENTIFIER.test(name));
  const [program] = findInPath('env', process.env['PATH'] ?? DEFAULT_PATH);
  // env(1) would take such a file for a variable
  const isAble = odd.length > 0 && program !== undefined && !argv[0].includes('=');
  const restored = isAble ? [program, ...odd.map(([name, value = '']) => `${name}=${value}`)] : [];
  return [SHELL, '-c', script, 'sh', ...restored, ...argv];
}

const SHELL = '/bin/sh';
/** Some shells drop all other names of variables. */
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

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
