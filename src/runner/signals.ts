/** Names of signals. */
import { constants } from 'node:os';

export function isSignal(name: string): name is NodeJS.Signals {
  return Object.hasOwn(constants.signals, name);
}

/** As a shell shows a death by it. */
export function statusOfSignal(name: NodeJS.Signals): number {
  return 128 + constants.signals[name];
}
