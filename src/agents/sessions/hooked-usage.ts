/** Attributes the tokens in a session file to the execution that hooks have recorded. Pure. */
import type { NewEvent } from '../../core/events/event.js';
import type { Execution } from '../../core/execution.js';
import type { TimedEvent } from '../../formats/interpreter.js';
import { stateSourceOf } from '../precedence.js';

/** Maximum time between a line and the hook call that belongs to it, in both directions. */
const HOOK_DELAY_MS = 5_000;

/** Finds the newest of these executions of one session that hooks recorded at this time. */
export function hookedAt(executions: readonly Execution[], time: string): Execution | undefined {
  const shift = (ms: number) => new Date(Date.parse(time) + ms).toISOString();
  const [latest, earliest] = [shift(HOOK_DELAY_MS), shift(-HOOK_DELAY_MS)];
  return executions
    .filter((one) => stateSourceOf(one) === 'hooks')
    .filter(({ startedAt = '', endedAt }) => startedAt <= latest && (endedAt === undefined || endedAt >= earliest))
    .sort((one, other) => ((one.startedAt ?? '') < (other.startedAt ?? '') ? -1 : 1))
    .at(-1);
}

/** Returns the tokens and cost in the events of a file as events of that execution. */
export function usageEvents(events: readonly TimedEvent[], execution: string, source: string): NewEvent[] {
  return events.flatMap(({ time, data: { tokens, usage, costUsd } }): NewEvent[] => {
    const fields = Object.entries({ tokens, usage, costUsd }).filter(([, value]) => value !== undefined);
    if (fields.length === 0) return [];
    const data = { kind: 'usage', ...Object.fromEntries(fields) };
    return [{ type: 'activity', execution, exact: true, source, time, data }];
  });
}
