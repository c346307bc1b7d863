/**
 * Decides whether a session has ended, and on what evidence. Pure.
 *
 * Few session files record the end of the session. Without such a record, the end of its process (`process-match.ts`)
 * decides, or inactivity if no process was seen. The outcome is then that of the last turn, or `lost` during a turn.
 */
import { clip, TEXT_CHARS } from '../../core/events/fields.js';
import type { EventData, FinalStatus } from '../../core/events/event.js';
import { formatDuration } from '../../core/text/format.js';
import type { ReportedOutcome } from '../../formats/parser.js';

/** Evidence of the end: a record in the file, the end of the process, or inactivity. */
export type EndedBy = 'record' | 'process' | 'silence';

export interface Facts {
  /** Outcome of the last turn, unless another one has started. */
  claim: ReportedOutcome | undefined;
  /** The file has a record of the end of the session. */
  isOver: boolean;
  /** Time since the last write. */
  idleMs: number;
  /** `gone`: it was seen before. `none`: it was never seen. */
  process: 'alive' | 'gone' | 'none';
}

export interface SessionEnd {
  status: FinalStatus;
  /** Data of the event. */
  data: EventData;
}

/** Maximum delay between an occurrence and the line that reports it. */
const SETTLE_MS = 2_000;
/** Time after a record of the end in which more lines may be written. */
const RECORD_MS = 5_000;

/** @returns undefined while the session may continue */
export function detectEnd(facts: Facts, inactivityMs: number): SessionEnd | undefined {
  const { claim, isOver, idleMs, process } = facts;
  if (isOver && idleMs >= RECORD_MS) return endBy('record', claim ?? { status: 'completed' });
  if (process === 'gone' && idleMs >= SETTLE_MS) {
    return endBy('process', claim ?? lost('its process has ended in the middle of a turn'));
  }
  if (process === 'none' && idleMs >= inactivityMs) {
    const error = `nothing was written for ${formatDuration(idleMs)}, and no process of it was seen`;
    return endBy('silence', claim ?? lost(error));
  }
  return undefined;
}

/** Whether the turn has ended and the session waits for the next prompt. */
export function isResting({ claim, isOver, idleMs }: Facts): boolean {
  return claim !== undefined && !isOver && idleMs >= SETTLE_MS;
}

interface Outcome {
  status: FinalStatus;
  error?: string;
  summary?: string;
}

function lost(error: string): Outcome {
  return { status: 'lost', error };
}

function endBy(endedBy: EndedBy, { status, error, summary }: Outcome): SessionEnd {
  return {
    status,
    data: {
      ...(error !== undefined && { error: clip(error, TEXT_CHARS) }),
      ...(summary !== undefined && { summary: clip(summary, TEXT_CHARS) }),
      endedBy,
    },
  };
}
