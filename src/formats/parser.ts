/** Defines parsers, which turn the lines of one output into events of one execution. */
import type { EventData, FinalStatus } from '../core/events/event.js';
import type { FindHistory } from './history.js';

/** Event of the execution whose output is parsed. */
export interface StreamEvent {
  type: string;
  step?: string;
  /** RFC 3339 time in the line. Absent: the time at which the line was read. */
  time?: string;
  data: EventData;
  /** JSON pointer to its text in the line. */
  textAt?: string;
  /** The event is about earlier lines. */
  earlier?: true;
}

/** Outcome that a stream reports about itself. */
export interface ReportedOutcome {
  status: 'completed' | 'failed' | 'cancelled';
  error?: string;
  summary?: string;
}

/** Parser of one output. Never throws, and its state is bounded. */
export interface Parser {
  /**
   * Parses one line without its newline, read at `now` (Unix milliseconds).
   *
   * @returns Its events; empty if it has none, undefined if it is not of this format.
   */
  line(text: string, now: number): readonly StreamEvent[] | undefined;
  /** Ends the output. @param status Status of the execution, if known. @returns Events that close open steps. */
  end(status: FinalStatus | undefined): readonly StreamEvent[];
  /** Outcome reported so far. In a session file: the outcome of the last turn, unless another has begun. */
  readonly claim?: ReportedOutcome | undefined;
  /** Whether the end was announced; a session may still be resumed. */
  readonly isOver?: boolean;
  /** Whether the format was identified beyond doubt. */
  readonly isSure?: boolean;
}

export interface ParserOptions {
  /** Finds what the file of a session repeats of another session; such lines are parsed and yield no events. */
  findHistory?: FindHistory | undefined;
  /** ID of the step that all events belong to: the file of a sub-agent does not mention the call that started it. */
  step?: string | undefined;
  /** Working directory of the agent, if known; paths are shown relative to it. */
  cwd?: string | undefined;
}

/**
 * Combines the outcome of a process with the one that its stream reports: a failure of either counts. A reported
 * cancellation wins over a non-zero exit status, which it explains.
 */
export function resolveOutcome(
  status: FinalStatus,
  claim: ReportedOutcome | undefined,
): { status: FinalStatus } & Omit<ReportedOutcome, 'status'> {
  if (!claim) return { status };
  const { status: reported, ...details } = claim;
  const isReportedUsed = status === 'completed' || (status === 'failed' && reported === 'cancelled');
  return { ...details, status: isReportedUsed ? reported : status };
}
