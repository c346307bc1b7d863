/** Orders executions as every user interface shows them: what needs a person, what runs, what waits, what has ended. */
import { parseInstant } from '../estimates/durations.js';
import type { Execution } from '../execution.js';
import { isFailure, isFinal } from '../execution.js';
import { compareQueued } from '../state/queues.js';

export const SECTIONS = ['attention', 'failed', 'running', 'queued', 'finished'] as const;
export type Section = (typeof SECTIONS)[number];

/** Executions that were active within this time count as equally active, so that their rows do not keep moving. */
const ACTIVE_MS = 30_000;
/** Time after its end for which a failure is listed before what runs. */
const RECENT_FAILURE_MS = 60_000;

/** Returns the section of an execution. `failed`: it has failed within the last minute. */
export function sectionOf(execution: Execution, nowMs: number): Section {
  const { status, attention, endedAt } = execution;
  if (isFinal(status)) {
    const ended = parseInstant(endedAt) ?? 0;
    return isFailure(status) && nowMs - ended < RECENT_FAILURE_MS ? 'failed' : 'finished';
  }
  if (attention?.state === 'waiting') return 'attention';
  return status === 'queued' || status === 'pending' ? 'queued' : 'running';
}

/**
 * Sorts executions: those that wait for a person, the longest-waiting first; recent failures and running ones, the most
 * recently active first; queued ones in order; finished ones, the newest first.
 */
export function sortBySection(executions: readonly Execution[], nowMs: number): Execution[] {
  const sections = new Map(executions.map((execution) => [execution, SECTIONS.indexOf(sectionOf(execution, nowMs))]));
  return [...executions].sort((a, b) => {
    const section = sections.get(a) ?? 0;
    return (
      section - (sections.get(b) ?? 0) ||
      COMPARE[SECTIONS[section] ?? 'finished'](a, b, nowMs) ||
      (a.id < b.id ? -1 : 1)
    );
  });
}

type Compare = (a: Execution, b: Execution, nowMs: number) => number;

const byNewestActivity: Compare = (a, b, nowMs) =>
  activityOf(b, nowMs) - activityOf(a, nowMs) || b.firstSeq - a.firstSeq;
const byNewestEnd: Compare = (a, b) => compareTexts(b.endedAt ?? '', a.endedAt ?? '');

const COMPARE: Readonly<Record<Section, Compare>> = {
  attention: (a, b) => compareTexts(a.lastActivity, b.lastActivity),
  failed: byNewestEnd,
  running: byNewestActivity,
  queued: compareQueued,
  finished: byNewestEnd,
};

function activityOf({ lastActivity }: Execution, nowMs: number): number {
  return Math.min(parseInstant(lastActivity) ?? 0, nowMs - ACTIVE_MS);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
