/** Applies signal dispositions to a command, since Node resets them when it spawns a process. */
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import type { Inherited } from '../platform/inherited.js';
import { DEFAULT_PATH, findInPath } from '../platform/paths.js';

type Argv = readonly [string, ...string[]];

/**
 * Returns a command line that ignores and blocks these signals and then becomes the command. A shell can ignore signals;
 * only env(1) of GNU can block them, and where it is missing none are blocked.
 */
export function withDispositions(argv: Argv, { ignored, blocked }: Inherited, env: NodeJS.ProcessEnv): Argv {
  const blocking = blocked.length === 0 ? [] : findBlocking(blocked);
  if (ignored.length === 0 && blocking.length === 0) return argv;
  const trap = ignored.length === 0 ? '' : `trap '' ${numbersOf(ignored).join(' ')}; `;
  const [file, ...args] = [...blocking, ...throughShell(`${trap}exec "$@"`, argv, env)] as const;
  return [file ?? SHELL, ...args];
}

/**
 * Returns the command line of a shell that runs a script with `argv` as arguments and keeps all variables of `env`.
 */
export function throughShell(script: string, argv: Argv, env: NodeJS.ProcessEnv): Argv {
  const odd = Object.entries(env).filter(([name]) => !IDENTIFIER.test(name));
  const [program] = findInPath('env', process.env['PATH'] ?? DEFAULT_PATH);
  // env(1) would take such a file for an assignment
  const isAble = odd.length > 0 && program !== undefined && !argv[0].includes('=');
  const restored = isAble ? [program, ...odd.map(([name, value = '']) => `${name}=${value}`)] : [];
  return [SHELL, '-c', script, 'sh', ...restored, ...argv];
}

const SHELL = '/bin/sh';
/** Some shells drop variables with other names. */
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Returns a prefix that blocks these signals; empty if env(1) cannot block signals. */
function findBlocking(names: readonly NodeJS.Signals[]): string[] {
  const env = findInPath('env', process.env['PATH'] ?? DEFAULT_PATH)[0];
  const option = `--block-signal=${numbersOf(names).join(',')}`;
  const isAble = env !== undefined && spawnSync(env, [option, 'true'], { stdio: 'ignore' }).status === 0;
  return isAble ? [env, option] : [];
}

function numbersOf(names: readonly NodeJS.Signals[]): number[] {
  return names.map((name) => constants.signals[name]);
}
