/** Tokens of a session that hooks tell of, from its file: which execution has spent them. Pure. */
import type { NewEvent } from '../../core/event.js';
import type { Execution } from '../../core/execution.js';
import type { TimedEvent } from '../../formats/interpreter.js';
import { stateSourceOf } from '../precedence.js';

/** A hook may be called, and its call read, so long after the line that belongs to it, and before it. */
const HOOK_DELAY_MS = 5_000;

/** The newest of these executions of one session that hooks told of at that time. */
export function hookedAt(executions: readonly Execution[], time: string): Execution | undefined {
  const shift = (ms: number) => new Date(Date.parse(time) + ms).toISOString();
  const [latest, earliest] = [shift(HOOK_DELAY_MS), shift(-HOOK_DELAY_MS)];
  return executions
    .filter((one) => stateSourceOf(one) === 'hooks')
    .filter(({ startedAt = '', endedAt }) => startedAt <= latest && (endedAt === undefined || endedAt >= earliest))
    .sort((one, other) => ((one.startedAt ?? '') < (other.startedAt ?? '') ? -1 : 1))
    .at(-1);
}

/** What these events of a file say of tokens and cost, as events of that execution. */
export function usageEvents(events: readonly TimedEvent[], execution: string, source: string): NewEvent[] {
  return events.flatMap(({ time, data: { tokens, usage, costUsd } }): NewEvent[] => {
    const told = Object.entries({ tokens, usage, costUsd }).filter(([, value]) => value !== undefined);
    if (told.length === 0) return [];
    const data = { kind: 'usage', ...Object.fromEntries(told) };
    return [{ type: 'activity', execution, exact: true, source, time, data }];
  });
}
