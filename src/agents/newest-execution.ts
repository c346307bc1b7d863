/** Finds the newest execution under an ID. */
import type { Execution } from '../core/execution.js';
import type { State } from '../core/state/state.js';
import { findExecution } from '../core/state/state.js';

/** Returns the last execution that was started under this ID, running or ended. */
export function newestOf(state: State, id: string): Execution | undefined {
  const found = findExecution(state, id);
  return found?.successor === undefined ? found : (newestOf(state, found.successor) ?? found);
}
