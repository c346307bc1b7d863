/** Counts the work of an execution, and the share of it that is completed. */
import type { FinalStatus } from '../events/event.js';
import type { Execution, Status, Step } from '../execution.js';
import { isFinal } from '../execution.js';

export interface Work {
  done: number;
  /** Absent while the total is unknown. */
  total?: number;
  /** Unit of the count: the producer's, else `stories` or `steps`. */
  unit?: string;
  /** Outcomes of the finished steps, if not all of them passed. */
  outcomes?: Outcomes;
}

/** Number of steps by outcome. `failed` includes timeouts. */
export interface Outcomes {
  passed: number;
  failed: number;
  cancelled: number;
  lost: number;
  skipped: number;
}

/** Kinds of steps that are details of another step, not steps of a plan. */
const DETAIL_KINDS: ReadonlySet<string> = new Set(['criterion', 'tool', 'invocation', 'subagent']);

/** Returns the work of an execution: what the producer counts, else its stories, else its steps. */
export function workOf(execution: Execution): Work | undefined {
  const { progress } = execution;
  if (progress?.current !== undefined || progress?.total !== undefined) {
    const work: Work = { done: Math.max(0, progress.current ?? 0) };
    if (progress.total !== undefined && progress.total > 0) work.total = progress.total;
    if (progress.unit !== undefined) work.unit = progress.unit;
    return work;
  }
  return stepWork(execution);
}

function stepWork(execution: Execution): Work | undefined {
  const steps = countedSteps(execution);
  const total = plannedSteps(execution, steps);
  if (total === 0) return undefined;
  const outcomes = outcomesOf(execution, steps);
  const done = outcomes.passed + outcomes.failed + outcomes.skipped;
  const unit = steps[0]?.kind === 'story' ? 'stories' : 'steps';
  return { done, total, unit, ...(done > outcomes.passed && { outcomes }) };
}

/** Returns the number of steps: the known ones, or more if the producer announced more. */
function plannedSteps(execution: Execution, steps: readonly Step[]): number {
  return Math.max(steps.length + droppedOf(execution), execution.announced?.total ?? 0);
}

function droppedOf({ droppedSteps = {} }: Execution): number {
  return Object.values(droppedSteps).reduce((sum, count) => sum + count, 0);
}

function outcomesOf({ droppedSteps = {} }: Execution, steps: readonly Step[]): Outcomes {
  const outcomes: Outcomes = { passed: 0, failed: 0, cancelled: 0, lost: 0, skipped: 0 };
  const count = (status: Status, times: number) => {
    if (isFinal(status)) outcomes[OUTCOME_OF[status]] += times;
  };
  for (const { status } of steps) count(status, 1);
  for (const [status, times] of Object.entries(droppedSteps)) count(status as FinalStatus, times);
  return outcomes;
}

const OUTCOME_OF: Readonly<Record<FinalStatus, keyof Outcomes>> = {
  completed: 'passed',
  failed: 'failed',
  timeout: 'failed',
  cancelled: 'cancelled',
  lost: 'lost',
  skipped: 'skipped',
};

/** Returns the steps that make up the plan: the stories if there are any, else the top-level steps. */
export function countedSteps(execution: Execution): Step[] {
  const stories: Step[] = [];
  const steps: Step[] = [];
  for (const step of execution.steps.values()) {
    if (step.kind === 'story') stories.push(step);
    else if (isOutermost(execution, step)) steps.push(step);
  }
  return stories.length > 0 ? stories : steps;
}

function isOutermost(execution: Execution, step: Step): boolean {
  return !DETAIL_KINDS.has(step.kind) && (step.parent === undefined || !execution.steps.has(step.parent));
}

/** Returns the completed share, from 0 to 1: that of the producer's count or percentage, else that of the steps. */
export function shareOf(execution: Execution): number | undefined {
  if (execution.status === 'completed') return 1;
  const { progress, announced: { percent } = {} } = execution;
  const isCounted = progress?.current !== undefined || progress?.total !== undefined;
  const work = isCounted ? workOf(execution) : undefined;
  const counted = isCounted ? work?.total && work.done / work.total : stepShare(execution);
  const reported = percent === undefined ? undefined : percent / 100;
  const shares = [counted, reported].filter((share) => share !== undefined);
  return shares.length === 0 ? undefined : Math.min(1, Math.max(0, ...shares));
}

/** Returns the average completed share of the steps; the share of a story is that of its criteria. */
function stepShare(execution: Execution): number | undefined {
  const steps = countedSteps(execution);
  const total = plannedSteps(execution, steps);
  if (total === 0) return undefined;
  const parts = partsOf(execution);
  const done = steps.reduce((sum, step) => sum + stepPart(step, parts, 0), droppedOf(execution));
  return done / total;
}

/** Depth below which parts of a step are ignored. */
const MAX_PART_DEPTH = 8;

/** Returns the completed share of a step, from 0 to 1: 1 if it has ended, else the average of its parts. */
export function stepPart(step: Step, parts: ReadonlyMap<string, readonly Step[]>, depth: number): number {
  if (isFinal(step.status)) return 1;
  const { current, total } = step.progress ?? {};
  if (current !== undefined && total !== undefined && total > 0) return Math.min(1, Math.max(0, current / total));
  const own = depth < MAX_PART_DEPTH ? (parts.get(step.id) ?? []) : [];
  // without an announced total, another part may follow when all known ones have ended
  const open = own.some(({ status }) => !isFinal(status)) ? 0 : 1;
  const expected = Math.max(own.length, step.total ?? own.length + open);
  return expected === 0 ? 0 : own.reduce((sum, part) => sum + stepPart(part, parts, depth + 1), 0) / expected;
}

/** Groups the nested steps of a plan by parent. */
export function partsOf({ steps }: Execution): Map<string, Step[]> {
  const parts = new Map<string, Step[]>();
  for (const step of steps.values()) {
    const { parent, kind } = step;
    if (parent === undefined || parent === step.id || (kind !== 'criterion' && DETAIL_KINDS.has(kind))) continue;
    const own = parts.get(parent);
    if (own) own.push(step);
    else parts.set(parent, [step]);
  }
  return parts;
}

/** Returns how many criteria of a story are met (`1/4`); undefined if it has none. */
export function criteriaOf({ steps }: Execution, story: Step): Work | undefined {
  if (story.kind !== 'story') return undefined;
  const own = [...steps.values()].filter(({ kind, parent }) => kind === 'criterion' && parent === story.id);
  const total = Math.max(own.length, story.total ?? 0);
  const done = own.filter(({ status }) => status === 'completed').length;
  return total === 0 ? undefined : { done, total, unit: 'criteria' };
}
