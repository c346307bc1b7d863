/**
 * Is a session over, and who says so? Pure.
 *
 * No agent records its own end: the content of the file, processes (`process-match.ts`) and inactivity decide.
 */
import { clip, TEXT_CHARS } from '../../core/fields.js';
import type { EventData, FinalStatus } from '../../core/event.js';
import { formatDuration } from '../../core/format.js';
import type { ReportedOutcome } from '../../formats/parser.js';

/** What tells the end: a record in the file, the end of the process, or that nothing was written for long. */
export type EndedBy = 'record' | 'process' | 'silence';

export interface Facts {
  /** How its last turn has ended, unless another has begun. */
  claim: ReportedOutcome | undefined;
  /** Its file says that nothing more comes. */
  isOver: boolean;
  /** Since something was written. */
  idleMs: number;
  /** `gone`: it was there. `none`: nobody has seen one. */
  process: 'alive' | 'gone' | 'none';
}

export interface SessionEnd {
  status: FinalStatus;
  /** Of the event that tells it. */
  data: EventData;
}

/** A file may be written a little later than what it tells. */
const SETTLE_MS = 2_000;
/** More may come behind what looks like the last word. */
const RECORD_MS = 5_000;

/** Undefined: it goes on, for all that is known. */
export function detectEnd(facts: Facts, silenceMs: number): SessionEnd | undefined {
  const { claim, isOver, idleMs, process } = facts;
  if (isOver && idleMs >= RECORD_MS) return verdict(claim ?? { status: 'completed' }, 'record');
  if (process === 'gone' && idleMs >= SETTLE_MS) {
    return verdict(claim ?? lost('its process has ended in the middle of a turn'), 'process');
  }
  if (process === 'none' && idleMs >= silenceMs) {
    const why = `nothing was written for ${formatDuration(idleMs)}, and no process of it was seen`;
    return verdict(claim ?? lost(why), 'silence');
  }
  return undefined;
}

/** Has its turn ended, and does it wait for what somebody says? */
export function isResting({ claim, isOver, idleMs }: Facts): boolean {
  return claim !== undefined && !isOver && idleMs >= SETTLE_MS;
}

interface Words {
  status: FinalStatus;
  error?: string;
  summary?: string;
}

function lost(error: string): Words {
  return { status: 'lost', error };
}

function verdict({ status, error, summary }: Words, endedBy: EndedBy): SessionEnd {
  return {
    status,
    data: {
      ...(error !== undefined && { error: clip(error, TEXT_CHARS) }),
      ...(summary !== undefined && { summary: clip(summary, TEXT_CHARS) }),
      endedBy,
    },
  };
}
