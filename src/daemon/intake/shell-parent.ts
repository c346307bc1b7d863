/** Decides whether a typed command belongs to the run that its shell names as its parent. */
import type { NewEvent } from '../../core/events/event.js';
import { textOf } from '../../core/events/event.js';
import { isFinal } from '../../core/execution.js';
import type { State } from '../../core/state/state.js';
import { findExecution } from '../../core/state/state.js';
import { ancestorsOf, readProcess } from '../../platform/processes.js';

/**
 * Removes the parent of a command that was typed in a shell outside of the processes of that run. A terminal
 * multiplexer, or a desktop, that was once started in a run hands PROGRESS_EXECUTION to every shell that it opens later.
 */
export function dropForeignParent({ type, data }: NewEvent, state: State): void {
  const parent = textOf(data, 'parent');
  const pid = data['pid'];
  if (type !== 'execution_started' || data['kind'] !== 'command' || parent === undefined) return;
  if (typeof pid !== 'number') return;
  const run = findExecution(state, parent);
  if (run?.process?.pid === undefined || isFinal(run.status)) return;
  // a shell that has ended cannot be checked
  if (readProcess(pid) && !isWithin(pid, run.process.pid)) delete data['parent'];
}

/** Whether `ancestor` is the process itself or one above it. */
function isWithin(pid: number, ancestor: number): boolean {
  for (const one of ancestorsOf(pid)) if (one.pid === ancestor) return true;
  return false;
}
