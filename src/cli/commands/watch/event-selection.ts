/** Selects the events that `progress watch` prints. */
import type { Ask } from '../../../api/messages.js';
import { EXECUTION_ENDS, STARTS } from '../../../core/events/event.js';
import type { ExecutionEvent } from '../../../core/events/event.js';
import type { Level } from '../../../core/events/filter.js';
import { matches } from '../../../core/events/filter.js';
import type { State } from '../../../core/state/state.js';
import type { Pattern } from '../../../platform/patterns.js';
import { createExecutionFilter } from '../../shared/execution-filter.js';
import { createGrep, unitsOf } from '../logs/grep.js';

export interface EventCriteria {
  /** Absent for all types but samples of resources and debug output. */
  types?: readonly string[] | undefined;
  level?: Level | undefined;
  pattern?: Pattern | undefined;
  labels?: Readonly<Record<string, string>> | undefined;
  /** RFC 3339. */
  since?: string | undefined;
}

/** Number of events that are searched where the daemon cannot apply the criteria. */
const MAX_SEARCHED = 10_000;

export class EventSelection {
  readonly #criteria: EventCriteria;
  readonly #isOfLabels: (event: ExecutionEvent) => boolean;
  readonly #isMatch: (unit: ExecutionEvent) => boolean;

  /** @param known - the state, which has the labels of executions */
  constructor(criteria: EventCriteria, known: State) {
    const { labels, pattern } = criteria;
    this.#criteria = criteria;
    this.#isOfLabels = labels ? createExecutionFilter({ labels }, known) : () => true;
    const grep = pattern && createGrep({ pattern, invert: false, before: 0, after: 0 });
    this.#isMatch = (unit) => grep?.matches(unit) ?? true;
  }

  /** Fields of the subscription: starts and ends are followed in any case. */
  subscription(): Ask<'subscribe'> {
    const { types, level, pattern, labels, since } = this.#criteria;
    const isAll = types === undefined || types.includes('all');
    return {
      ...(!isAll && { types: [...new Set([...types, ...STARTS, ...Object.keys(EXECUTION_ENDS)])] }),
      ...(level && { level }),
      ...(since !== undefined && { since }),
      ...(since === undefined && (pattern ?? labels) && { last: MAX_SEARCHED }),
    };
  }

  /** Takes the events in their order. @returns what is printed of one: the event, or the lines of output that match */
  take(event: ExecutionEvent): ExecutionEvent[] {
    if (!this.#isOfLabels(event) || !this.#isWanted(event)) return [];
    return this.#criteria.pattern ? unitsOf(event).filter(this.#isMatch) : [event];
  }

  /** The same for whole events. */
  passes(event: ExecutionEvent): boolean {
    return this.take(event).length > 0;
  }

  #isWanted(event: ExecutionEvent): boolean {
    const { types, level } = this.#criteria;
    return matches({ level, types: types?.includes('all') ? undefined : types }, event);
  }

  /** Excludes resource figures, which heartbeats print, and debug output, unless their type is asked for. */
  isLine({ type, data }: ExecutionEvent): boolean {
    if (this.#criteria.types !== undefined) return true;
    return type !== 'resource_update' && !(type === 'output' && data['stream'] === 'debug');
  }
}
