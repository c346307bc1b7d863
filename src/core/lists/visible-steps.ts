/** Selects the steps of an execution to show: the current ones, their position in the plan, and the checklist. */
import { countedSteps } from '../estimates/work.js';
import type { EventData } from '../events/event.js';
import { textOf } from '../events/event.js';
import type { Execution, Step } from '../execution.js';
import { isFinal } from '../execution.js';

export interface Current {
  step: Step;
  /** `Story`, `Step`, `Tool`... */
  label: string;
  /** `4/9`, for parts of the plan. */
  position?: string;
}

export interface VisibleSteps {
  /** From the outermost inwards. */
  current: Current[];
  /** The criteria of the current steps, else the steps of the plan. */
  checklist: Step[];
}

/** Kinds that are shown separately from plain steps. */
const OTHER_KINDS: ReadonlySet<string> = new Set(['story', 'criterion', 'tool', 'invocation', 'subagent']);

export function visibleStepsOf(execution: Execution): VisibleSteps {
  const steps = [...execution.steps.values()];
  const plan = countedSteps(execution);
  const isOver = isFinal(execution.status);
  const step = atWork(
    steps.filter(({ kind }) => !OTHER_KINDS.has(kind)),
    isOver,
  );
  const detail = steps.findLast(({ kind, status }) => status === 'running' && isDetail(kind));
  const newest = atWork(
    steps.filter(({ kind }) => kind === 'story'),
    isOver,
  );
  const stepPath = pathOf(execution, step);
  // that of the running step, where several stories run
  const enclosing = step?.status === 'running' ? stepPath.find(({ kind }) => kind === 'story') : undefined;
  const story = enclosing ?? newest;
  const nested = [...stepPath, ...pathOf(execution, detail)].filter(({ kind }) => kind !== 'story');
  const current = [...new Set(story ? [story, ...nested] : nested)];
  const criteria = criteriaOf(steps, current);
  return {
    current: current.map((one) => describe(one, execution)),
    checklist: criteria.length > 0 ? criteria : plan,
  };
}

/** Maximum number of enclosing steps that are shown. */
const MAX_PATH = 8;

/** Returns a step after those that enclose it, the outermost first. */
function pathOf({ steps }: Execution, step: Step | undefined): Step[] {
  const path: Step[] = [];
  // also ends at a cycle of parents
  for (let next = step; next && path.length < MAX_PATH && !path.includes(next);) {
    path.unshift(next);
    next = next.parent === undefined ? undefined : steps.get(next.parent);
  }
  return path;
}

/** Returns the title of a step; that of a story includes its ID. */
export function stepTitle({ id, name, kind, role, provider, model }: Step, separator = ' · '): string {
  if (kind === 'invocation') {
    const actor = [role, provider, model].filter((word) => word !== undefined);
    return actor[0] === name ? actor.join(separator) : name;
  }
  return kind === 'story' && id !== name && id.length <= MAX_SHOWN_ID ? id + separator + name : name;
}

/** Longer IDs are not meant for people. */
const MAX_SHOWN_ID = 24;

/** Returns who works on a step (role, provider, model), unless its title contains it. */
export function actorOf(step: Step, separator = ' '): string {
  const actor = [step.role, step.provider, step.model].filter((word) => word !== undefined);
  return step.kind === 'invocation' && actor[0] === step.name ? '' : actor.join(separator);
}

/** Formats an error: `timeout: no answer (retryable)`; undefined without one. */
export function errorOf({ error, errorType, ...rest }: ErrorFields = {}): string | undefined {
  if (error === undefined) return errorType;
  const type = errorType === undefined || error.startsWith(errorType) ? '' : `${errorType}: `;
  return type + error + (rest.retryable === true ? ' (retryable)' : '');
}

/** Returns the text of a message, with its error type. */
export function messageOf(data: EventData): string {
  const error = textOf(data, 'message') ?? '';
  const errorType = textOf(data, 'errorType');
  return errorType === undefined ? error : (errorOf({ ...data, error, errorType }) ?? '');
}

interface ErrorFields {
  error?: string | undefined;
  errorType?: string | undefined;
  retryable?: boolean | undefined;
}

function isDetail(kind: string): boolean {
  return kind === 'tool' || kind === 'invocation' || kind === 'subagent';
}

/** Returns the newest running step, else the next open one; after the last step that one, or the failed one at the end. */
function atWork(steps: readonly Step[], isOver: boolean): Step | undefined {
  const open = steps.findLast(({ status }) => status === 'running') ?? steps.find(({ status }) => !isFinal(status));
  if (open) return open;
  const failed = steps.findLast(({ status }) => status === 'failed');
  const last = steps.at(-1);
  if (isOver) return failed ?? last;
  return last?.status === 'failed' ? undefined : last;
}

function criteriaOf(steps: readonly Step[], current: readonly Step[]): Step[] {
  const criteria = steps.filter(({ kind }) => kind === 'criterion');
  const ids = new Set(current.map(({ id }) => id));
  const own = criteria.filter(({ parent }) => parent !== undefined && ids.has(parent));
  return own.length > 0 ? own : criteria.filter(({ parent }) => parent === undefined);
}

function describe(step: Step, execution: Execution): Current {
  const label = step.kind.slice(0, 1).toUpperCase() + step.kind.slice(1);
  const position = stepPosition(execution, step);
  return { step, label, ...(position !== undefined && { position }) };
}

/** Returns the position of a step among the counted steps (`4/9`), that of a nested step or criterion among its siblings. */
export function stepPosition(execution: Execution, step: Step): string | undefined {
  if (isDetail(step.kind)) return undefined;
  const counted = countedSteps(execution);
  const isCounted = step.kind !== 'criterion' && counted.includes(step);
  const list = isCounted ? counted : siblingsOf(execution, step);
  if (list.length === 1 && !isCounted && step.kind !== 'criterion') return undefined;
  const announced = isCounted ? (execution.announced?.total ?? 0) : 0;
  return `${list.indexOf(step) + 1}/${Math.max(list.length, announced)}`;
}

function siblingsOf(execution: Execution, step: Step): Step[] {
  return [...execution.steps.values()].filter(({ kind, parent }) => kind === step.kind && parent === step.parent);
}
