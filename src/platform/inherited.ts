/**
 * What this process has inherited and Node has changed at its start: the launcher hands it over, see bin/progress.
 *
 * Node resets ignored and blocked signals at its start and marks inherited descriptors close-on-exec. The launcher
 * therefore records both in a variable, which the command line removes from the environment; `runner/dispositions.ts`
 * applies the signals to the command. Signal listeners are added by `onSignal`, which leaves out signals that this
 * process ignores.
 */
import { fstatSync } from 'node:fs';
import { constants } from 'node:os';

export interface Inherited {
  ignored: readonly NodeJS.Signals[];
  blocked: readonly NodeJS.Signals[];
  /** Descriptors above 2, for the command of a run in the foreground. */
  descriptors: readonly number[];
}

export const NOTHING_INHERITED: Inherited = { ignored: [], blocked: [], descriptors: [] };

const VARIABLE = 'PROGRESS_INHERITED';

/** Takes it out of the environment, where it would mean nothing to other programs. */
export function takeInherited(env: NodeJS.ProcessEnv): Inherited {
  const given = env[VARIABLE];
  Reflect.deleteProperty(env, VARIABLE);
  if (given === undefined || !/^\d+ \d+( \d+)*$/.test(given)) return NOTHING_INHERITED;
  const [ignored = 0, blocked = 0, ...descriptors] = given.split(' ').map(Number);
  return {
    // some shells ignore SIGQUIT themselves while they read the launcher; whoever starts a background process of a script
    // with SIGQUIT ignored has SIGINT ignored as well
    ignored: signalsIn(ignored).filter((name, _, all) => name !== 'SIGQUIT' || all.includes('SIGINT')),
    // zsh blocks SIGWINCH while it reads the launcher
    blocked: signalsIn(blocked).filter((name) => name !== 'SIGWINCH'),
    descriptors: descriptors.filter(isOpen),
  };
}

function signalsIn(mask: number): NodeJS.Signals[] {
  const entries = Object.entries(constants.signals) as [NodeJS.Signals, number][];
  // several names may have one number
  const names = new Map(entries.map(([name, number]) => [number, name]));
  return [...names].flatMap(([number, name]) => (isSet(mask, number) ? [name] : []));
}

function isSet(mask: number, signal: number): boolean {
  return Math.floor(mask / 2 ** (signal - 1)) % 2 === 1;
}

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

/** Those that end or stop a process that does not ignore them, and can be handled. */
const IGNORABLE: ReadonlySet<NodeJS.Signals> = new Set([
  ...(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGTSTP'] as const),
  ...(['SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGVTALRM', 'SIGXCPU', 'SIGIO'] as const),
]);

let disregarded: ReadonlySet<NodeJS.Signals> = new Set();

/** From here on this process ignores these signals, as it did before Node reset them. */
export function ignoreSignals({ ignored, blocked }: Inherited): void {
  disregarded = new Set([...ignored, ...blocked].filter((name) => IGNORABLE.has(name)));
  for (const name of disregarded) process.on(name, () => undefined);
}

export function isIgnored(name: NodeJS.Signals): boolean {
  return disregarded.has(name);
}

/**
 * Listens to a signal, except to one that this process ignores.
 *
 * @returns a function that stops it
 */
export function onSignal(name: NodeJS.Signals, listener: (name: NodeJS.Signals) => void): () => void {
  if (isIgnored(name)) return () => undefined;
  process.on(name, listener);
  return () => void process.off(name, listener);
}
