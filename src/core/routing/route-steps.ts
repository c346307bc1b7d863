/** Overlays the steps of routed events that are not folded yet on those of the state. */
import type { NewEvent } from '../events/event.js';
import { stepEndOf, textOf } from '../events/event.js';
import type { Step } from '../execution.js';
import { isFinal, isObservedFailure } from '../execution.js';
import type { State } from '../state/state.js';
import { findExecution } from '../state/state.js';
import type { AliasFamily } from '../events/event-alias-table.js';

type RoutedStep = Pick<Step, 'id' | 'kind' | 'status'>;

export class StepOverlay {
  readonly #state: State;
  readonly #routed = new Map<string, Map<string, RoutedStep>>();

  constructor(state: State) {
    this.#state = state;
  }

  /** Whether the step of an event, or its parent, is known and open. */
  isOpen(execution: string, { step, data }: NewEvent): boolean {
    return [step, textOf(data, 'parent')].some((id) => {
      const found = id === undefined ? undefined : this.#stepOf(execution, id);
      return found !== undefined && !isFinal(found.status);
    });
  }

  /** Describes the failed stories, or the failed last invocation, of an execution; undefined if there is none. */
  failureOf(execution: string, vocabulary: AliasFamily | undefined): string | undefined {
    const steps = this.#stepsOf(execution);
    if (vocabulary === 'stories') {
      const failed = steps.filter(({ kind, status }) => kind === 'story' && isObservedFailure(status));
      return failed.length === 0 ? undefined : `${failed.map(({ id }) => id).join(', ')} failed`;
    }
    // a later invocation may have repaired what an earlier one broke
    const last = steps.findLast(({ kind }) => kind === 'invocation');
    return last !== undefined && isObservedFailure(last.status) ? `${last.id} failed` : undefined;
  }

  /** Records the step of a routed event. */
  note(execution: string, { type, step, data }: NewEvent): void {
    if (step === undefined || !type.startsWith('step_')) return;
    const status = stepEndOf(type);
    const kind = textOf(data, 'kind') ?? this.#stepOf(execution, step)?.kind ?? 'step';
    const steps = this.#routed.get(execution) ?? new Map<string, RoutedStep>();
    steps.set(step, { id: step, kind, status: status ?? 'running' });
    this.#routed.set(execution, steps);
  }

  /** Forgets the routed events, once they are folded or dropped. */
  clear(): void {
    this.#routed.clear();
  }

  #stepOf(execution: string, id: string): RoutedStep | undefined {
    return this.#routed.get(execution)?.get(id) ?? findExecution(this.#state, execution)?.steps.get(id);
  }

  #stepsOf(execution: string): RoutedStep[] {
    const steps = new Map<string, RoutedStep>(findExecution(this.#state, execution)?.steps);
    for (const [id, step] of this.#routed.get(execution) ?? []) steps.set(id, step);
    return [...steps.values()];
  }
}
