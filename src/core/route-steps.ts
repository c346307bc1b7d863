/** The steps of executions as routing sees them: those of the state, and those of events that are not folded yet. */
import type { NewEvent } from './event.js';
import { STEP_ENDS, textOf } from './event.js';
import type { Step } from './execution.js';
import { isFinal } from './execution.js';
import type { State } from './state.js';
import { findExecution } from './state.js';
import type { AliasFamily } from './event-alias-table.js';

export interface StepOverlay {
  /** Is the step that the event names, or the one that this lies in, known and not over? */
  isOpen(execution: string, event: NewEvent): boolean;
  /** What failed for good in this execution, in words; undefined if nothing did. */
  failureOf(execution: string, vocabulary: AliasFamily | undefined): string | undefined;
  note(execution: string, event: NewEvent): void;
  clear(): void;
}

type Seen = Pick<Step, 'id' | 'kind' | 'status'>;

export function createStepOverlay(state: State): StepOverlay {
  const overlay = new Map<string, Map<string, Seen>>();

  const stepOf = (execution: string, id: string): Seen | undefined =>
    overlay.get(execution)?.get(id) ?? findExecution(state, execution)?.steps.get(id);

  const stepsOf = (execution: string): Seen[] => {
    const folded = findExecution(state, execution)?.steps.values() ?? [];
    return [
      ...new Map([...folded, ...(overlay.get(execution)?.values() ?? [])].map((step) => [step.id, step])).values(),
    ];
  };

  return {
    isOpen(execution, { step, data }) {
      return [step, textOf(data, 'parent')].some((id) => {
        const found = id === undefined ? undefined : stepOf(execution, id);
        return found !== undefined && !isFinal(found.status);
      });
    },
    failureOf(execution, vocabulary) {
      const steps = stepsOf(execution);
      if (vocabulary === 'stories') {
        const failed = steps.filter(({ kind, status }) => kind === 'story' && isFailure(status));
        return failed.length === 0 ? undefined : `${failed.map(({ id }) => id).join(', ')} failed`;
      }
      // another invocation may have put right what an earlier one did wrong
      const last = steps.findLast(({ kind }) => kind === 'invocation');
      return last !== undefined && isFailure(last.status) ? `${last.id} failed` : undefined;
    },
    note(execution, { type, step, data }) {
      if (step === undefined || !type.startsWith('step_')) return;
      const status = Object.hasOwn(STEP_ENDS, type) ? STEP_ENDS[type] : undefined;
      const known = stepOf(execution, step);
      const kind = textOf(data, 'kind') ?? known?.kind ?? 'step';
      const seen = overlay.get(execution) ?? new Map<string, Seen>();
      seen.set(step, { id: step, kind, status: status ?? 'running' });
      overlay.set(execution, seen);
    },
    clear: () => overlay.clear(),
  };
}

function isFailure(status: Step['status']): boolean {
  return status === 'failed' || status === 'timeout';
}
