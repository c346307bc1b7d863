/** Which of an execution's steps a face shows: the one at work, where it stands in the plan, what it has to meet. */
import { countedSteps } from './estimate.js';
import type { Execution, Step } from './execution.js';
import { isFinal } from './execution.js';

export interface Current {
  step: Step;
  /** `Story`, `Step`, `Tool`... */
  label: string;
  /** `4/9`, for parts of the plan. */
  position?: string;
}

export interface Outline {
  /** From the outermost inwards. */
  current: Current[];
  /** The criteria of what is at work, else the plan itself. */
  checklist: Step[];
}

/** What is no `step` in the narrow sense. */
const OTHER_KINDS: ReadonlySet<string> = new Set(['story', 'criterion', 'tool', 'invocation', 'subagent']);

export function outlineOf(execution: Execution): Outline {
  const steps = [...execution.steps.values()];
  const plan = countedSteps(execution);
  const story = atWork(steps.filter((step) => step.kind === 'story'));
  const step = atWork(steps.filter(({ kind }) => !OTHER_KINDS.has(kind)));
  const detail = steps.findLast(({ kind, status }) => status === 'running' && isDetail(kind));
  const current = [story, step, detail].filter((one) => one !== undefined);
  const criteria = criteriaOf(steps, current);
  return {
    current: current.map((one) => describe(one, execution)),
    checklist: criteria.length > 0 ? criteria : plan,
  };
}

function isDetail(kind: string): boolean {
  return kind === 'tool' || kind === 'invocation' || kind === 'subagent';
}

/** The newest that runs; between two of them the next, and at the end the last. */
function atWork(steps: readonly Step[]): Step | undefined {
  return (
    steps.findLast(({ status }) => status === 'running') ??
    steps.find(({ status }) => !isFinal(status)) ??
    steps.findLast(({ status }) => status === 'failed') ??
    steps.at(-1)
  );
}

function criteriaOf(steps: readonly Step[], current: readonly Step[]): Step[] {
  const criteria = steps.filter(({ kind }) => kind === 'criterion');
  const ids = new Set(current.map(({ id }) => id));
  const own = criteria.filter(({ parent }) => parent !== undefined && ids.has(parent));
  return own.length > 0 ? own : criteria.filter(({ parent }) => parent === undefined);
}

function describe(step: Step, execution: Execution): Current {
  const label = step.kind.slice(0, 1).toUpperCase() + step.kind.slice(1);
  const position = placeOf(execution, step);
  return { step, label, ...(position !== undefined && { position }) };
}

/** `4/9`: its place among the steps that are counted, a criterion's among those of its story. */
export function placeOf(execution: Execution, step: Step): string | undefined {
  const list = step.kind === 'criterion' ? siblingsOf(execution, step) : countedSteps(execution);
  const index = list.indexOf(step);
  if (index === -1) return undefined;
  const announced = step.kind === 'criterion' ? 0 : (execution.total ?? 0);
  return `${index + 1}/${Math.max(list.length, announced)}`;
}

function siblingsOf(execution: Execution, step: Step): Step[] {
  return [...execution.steps.values()].filter(({ kind, parent }) => kind === step.kind && parent === step.parent);
}
