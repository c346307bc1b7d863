/** Reduces executions to summaries: what lists and later events need. The rest is folded again from the journal. */
import type { Execution } from '../execution.js';
import { condenseSteps } from '../steps.js';

/** Fields of the summary of an ended execution, which lists show. `steps` and `tail` are empty, and the outcome is cut. */
const SUMMARY_FIELDS = {
  id: true,
  name: true,
  kind: true,
  status: true,
  attention: false,
  implicit: true,
  orphaned: false,
  queuedAt: true,
  startedAt: true,
  endedAt: true,
  durationMs: true,
  lastActivity: true,
  pauses: true,
  outcome: true,
  process: false,
  producer: false,
  agent: true,
  payload: false,
  labels: true,
  parent: true,
  queue: true,
  queueRank: false,
  after: true,
  successor: true,
  tasks: true,
  taskOutcome: false,
  announced: false,
  expectation: false,
  progress: true,
  resources: true,
  usage: true,
  steps: false,
  droppedSteps: false,
  tail: false,
  lines: true,
  summarised: false,
  alerted: false,
  alerts: false,
  firstSeq: true,
  lastSeq: true,
  carriedSeq: true,
} satisfies Record<keyof Execution, boolean>;

/** Returns the summary of an ended execution. */
export function summariseExecution(execution: Execution): Execution {
  const kept = Object.entries(execution).filter(([field, value]) => isKept(field) && value !== undefined);
  const summary: Execution = {
    ...(Object.fromEntries(kept) as unknown as Execution),
    steps: new Map(),
    tail: [],
    summarised: true,
  };
  if (summary.outcome) {
    const { errorType: _errorType, summary: _summary, ...outcome } = summary.outcome;
    if (Object.keys(outcome).length > 0) summary.outcome = outcome;
    else delete summary.outcome;
  }
  return summary;
}

function isKept(field: string): boolean {
  return SUMMARY_FIELDS[field as keyof Execution];
}

/**
 * Returns the summary of an open execution: what its later events, its end and a list need. It is a new object, since
 * deleting properties increases the memory that an object takes.
 */
export function condenseExecution(execution: Execution): Execution {
  const { payload: _payload, ...rest } = execution;
  const summary: Execution = { ...rest, steps: new Map(execution.steps), tail: [], summarised: true };
  condenseSteps(summary);
  return summary;
}
