/** Folds the notes of the daemon: state carried over from events that are removed from the journal, and removals. */
import { foldCarriedAlerts } from '../state/alerts.js';
import type { ExecutionEvent } from '../events/event.js';
import type { Step } from '../execution.js';
import { isFinal } from '../execution.js';
import type { ExecutionRecord } from '../state/execution-record.js';
import { executionFromRecord } from '../state/execution-record.js';
import { previousGeneration } from '../state/generations.js';
import type { State } from '../state/state.js';
import { findExecution, forgetExecutions, forgetThrough, installExecution, rememberSource } from '../state/state.js';
import { asCarryNote } from '../state/state-record.js';
import { createImplicit } from './start.js';

export function foldNote(state: State, event: ExecutionEvent): void {
  const note = asCarryNote(event.data);
  switch (note.kind) {
    case 'carried_steps':
      if (event.execution !== undefined) foldCarriedSteps(state, event, event.execution, note.steps);
      return;
    case 'carried_execution':
      foldCarriedExecution(state, note.execution, event.seq);
      return;
    case 'carried_sources':
      for (const [name, source] of note.sources)
        rememberSource(state, name, { ...source, firstSeq: event.seq, lastSeq: event.seq });
      return;
    case 'carried_queues':
      for (const queue of note.queues) {
        state.queues.delete(queue.name);
        state.queues.set(queue.name, { ...queue });
      }
      return;
    case 'carried_alerts':
      foldCarriedAlerts(state.alerts, note);
      return;
    case 'removed':
      forgetThrough(state, note.through);
      return;
    case 'pruned':
      forgetExecutions(state, note.executions);
      for (const id of note.executions) forgetSuccessor(state, id);
  }
}

/** Applies a carried execution; its steps have been carried before. */
function foldCarriedExecution(state: State, record: ExecutionRecord, seq: number): void {
  const steps = findExecution(state, record.id)?.steps ?? new Map<string, Step>();
  const execution = { ...executionFromRecord(record), steps, carriedSeq: seq };
  installExecution(state, execution, isFinal(execution.status));
  // the predecessor may be newer, if the ID was reused after its old executions were forgotten
  const predecessor = findExecution(state, previousGeneration(execution.id));
  if (predecessor && predecessor.firstSeq > execution.firstSeq) delete predecessor.successor;
}

/** Applies carried steps, in the order of their appearance. */
function foldCarriedSteps(state: State, event: ExecutionEvent, id: string, steps: readonly Step[]): void {
  const execution = findExecution(state, id) ?? createImplicit(state, event, id);
  for (const step of steps) {
    execution.steps.delete(step.id);
    execution.steps.set(step.id, { ...step });
  }
}

/** Removes the link from a predecessor to a pruned execution. */
function forgetSuccessor(state: State, id: string): void {
  const predecessor = findExecution(state, previousGeneration(id));
  if (predecessor?.successor === id && !findExecution(state, id)) delete predecessor.successor;
}
