/** Short forms of events for tests. */
import type { EventData, ExecutionEvent } from '../../src/core/events/event.js';
import { fold } from '../../src/core/fold.js';
import type { State } from '../../src/core/state/state.js';
import { emptyState } from '../../src/core/state/state.js';

export type Draft = Partial<Omit<ExecutionEvent, 'data'>> & { type: string; data?: EventData };

const START = Date.parse('2026-01-02T03:04:05.000Z');

/** Returns the time `seconds` after the start. */
export function at(seconds: number): string {
  return new Date(START + seconds * 1_000).toISOString();
}

/** Numbers events: seq counts up, and they are one second apart. */
export function numbered(drafts: readonly Draft[], firstSeq = 1): ExecutionEvent[] {
  return drafts.map((draft, index) => ({
    seq: firstSeq + index,
    time: at(index),
    ...draft,
    data: draft.data ?? {},
  }));
}

export function folded(drafts: readonly Draft[], state: State = emptyState()): State {
  for (const event of numbered(drafts, state.seq + 1)) fold(state, event);
  return state;
}
