/** What every format has: a parser that turns the lines of one output into events of one execution. */
import type { EventData, FinalStatus } from '../core/event.js';
import type { FindHistory } from './history.js';

/** An event of the execution whose output is read. */
export interface StreamEvent {
  type: string;
  step?: string;
  /** RFC 3339, where the line tells it. Absent: the time of the line. */
  time?: string;
  data: EventData;
  /** JSON pointer to its text in the line. */
  textAt?: string;
  /** It is about lines before this one. */
  earlier?: true;
}

/** What the stream itself says about its end. */
export interface ReportedOutcome {
  status: 'completed' | 'failed' | 'cancelled';
  error?: string;
  summary?: string;
}

/** It never throws, whatever the lines hold, and its state is bounded. */
export interface Parser {
  /**
   * One line without its newline, that came at `now` (Unix milliseconds). Undefined: it means nothing to this format.
   * Empty: it is known, and there is nothing to tell.
   */
  line(text: string, now: number): readonly StreamEvent[] | undefined;
  /** No line comes any more, and the execution has ended so, if that is known: what closes with it. */
  end(status: FinalStatus | undefined): readonly StreamEvent[];
  /** As far as the lines have told. In a session's file: how the last turn has ended, unless another has begun. */
  readonly claim?: ReportedOutcome | undefined;
  /** Has it said that nothing more comes, unless somebody takes it up again? */
  readonly isOver?: boolean;
  /** Has it found what only its format has? */
  readonly isSure?: boolean;
}

export interface ParserOptions {
  /** Of a session's file: finds what it repeats of another session, which is read and yields no events. */
  findHistory?: FindHistory | undefined;
  /** The step that everything belongs to: a sub-agent has a file of its own, and knows nothing of the call. */
  step?: string | undefined;
  /** Where the agent works, as far as whoever reads it knows: paths are shown from there. */
  cwd?: string | undefined;
}

/**
 * How an execution has ended: it has failed if anybody says so, its process or its stream. An exit status that is none
 * of success says less than a stream that was interrupted.
 */
export function resolveOutcome(
  status: FinalStatus,
  claim: ReportedOutcome | undefined,
): { status: FinalStatus } & Omit<ReportedOutcome, 'status'> {
  if (!claim) return { status };
  const { status: claimed, ...words } = claim;
  const knowsBetter = status === 'completed' || (status === 'failed' && claimed === 'cancelled');
  return { ...words, status: knowsBetter ? claimed : status };
}
