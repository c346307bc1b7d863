/** Names of signals. */
import { constants } from 'node:os';

export function isSignal(name: string): name is NodeJS.Signals {
  return Object.hasOwn(constants.signals, name);
}

/** Exit status by which a shell reports a death by this signal. */
export function statusOfSignal(name: NodeJS.Signals): number {
  return 128 + constants.signals[name];
}
