/** Formats the JSON of an agent as readable text for a terminal. */
import type { ExecutionEvent } from '../../../core/events/event.js';
import { fold } from '../../../core/fold.js';
import { emptyState } from '../../../core/state/state.js';
import type { TimedEvent } from '../../../formats/interpreter.js';
import { activityLines } from '../../../terminal/activity.js';
import type { Style } from '../../../terminal/style.js';
import { columnsOf } from '../../shared/output-options.js';

/** @returns a formatter of successive events; it folds them, because earlier ones determine the indentation */
export function createAgentView(id: string, style: Style): (event: TimedEvent) => string {
  const state = emptyState();
  let seq = 0;
  return (timed) => {
    const event: ExecutionEvent = { ...timed, execution: id, seq: ++seq };
    const execution = fold(state, event);
    return activityLines(event, execution, { columns: columnsOf(), style })
      .map((line) => `${line}\n`)
      .join('');
  };
}
