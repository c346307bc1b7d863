/**
 * Restores inherited signal dispositions and descriptors, which Node changes at its start.
 *
 * Node resets ignored and blocked signals and marks inherited descriptors close-on-exec. The launcher (bin/progress)
 * therefore records both in a variable, which the command line removes from the environment; `runner/dispositions.ts`
 * applies the signals to the command. Signal listeners are added by `onSignal`, which skips signals that this process
 * ignores.
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

/** Reads the record of the launcher and removes it from the environment. */
export function takeInherited(env: NodeJS.ProcessEnv): Inherited {
  const given = env[VARIABLE];
  Reflect.deleteProperty(env, VARIABLE);
  if (given === undefined || !/^\d+ \d+( \d+)*$/.test(given)) return NOTHING_INHERITED;
  const [ignored = 0, blocked = 0, ...descriptors] = given.split(' ').map(Number);
  return {
    // some shells ignore SIGQUIT while they execute the launcher; a background process of a script, which inherits an
    // ignored SIGQUIT, inherits an ignored SIGINT as well
    ignored: signalsIn(ignored).filter((name, _, all) => name !== 'SIGQUIT' || all.includes('SIGINT')),
    // zsh blocks SIGWINCH while it executes the launcher
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

/** Signals that end or stop a process by default, and can be handled. */
const IGNORABLE: ReadonlySet<NodeJS.Signals> = new Set([
  ...(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGTSTP'] as const),
  ...(['SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGVTALRM', 'SIGXCPU', 'SIGIO'] as const),
]);

let ignoredSignals: ReadonlySet<NodeJS.Signals> = new Set();

/** Ignores these signals again, as before Node reset them. */
export function ignoreSignals({ ignored, blocked }: Inherited): void {
  ignoredSignals = new Set([...ignored, ...blocked].filter((name) => IGNORABLE.has(name)));
  for (const name of ignoredSignals) process.on(name, () => undefined);
}

export function isIgnored(name: NodeJS.Signals): boolean {
  return ignoredSignals.has(name);
}

/**
 * Listens to a signal, unless this process ignores it.
 *
 * @returns A function that removes the listener.
 */
export function onSignal(name: NodeJS.Signals, listener: (name: NodeJS.Signals) => void): () => void {
  if (isIgnored(name)) return () => undefined;
  process.on(name, listener);
  return () => void process.off(name, listener);
}
