/** The steps of an execution as a checklist, children below their parent. */
import { criteriaOf } from '../src/core/estimates/work.js';
import { elapsedOf } from '../src/core/estimates/durations.js';
import { clip } from '../src/core/events/fields.js';
import type { Execution, Step } from '../src/core/execution.js';
import { formatDuration } from '../src/core/text/format.js';
import { actorOf, errorOf, stepTitle } from '../src/core/lists/visible-steps.js';
import { Icon } from './status.js';

/** Steps that are listed; the graph and the timeline have all of them. */
const MAX_SHOWN = 300;

interface Props {
  execution: Execution;
  now: number;
  onStep: (step: string) => void;
}

export function Steps({ execution, now, onStep }: Props) {
  const steps = treeOf([...execution.steps.values()]);
  if (steps.length === 0) return null;
  const dropped = Object.values(execution.droppedSteps ?? {}).reduce((sum, count) => sum + count, 0);
  const criteria = countCriteria(execution);
  // running steps are near the end
  const hidden = Math.max(0, steps.length - MAX_SHOWN);
  return (
    <nav class="steps" aria-label="Steps">
      <h2>Steps{criteria.total > 0 ? ` · ${criteria.done}/${criteria.total} criteria` : ''}</h2>
      {hidden + dropped > 0 && <p class="note">{hidden + dropped} earlier ones are not shown</p>}
      <ol>
        {steps.slice(hidden).map(({ step, depth }) => (
          <li key={step.id} class={`step s-${step.status} d${Math.min(depth, 3)}`}>
            <button onClick={() => onStep(step.id)} title="Show in the log">
              <Icon status={step.status} />
              <span class="step-name">{stepTitle(step)}</span>
              <span class="step-time">
                {timeOf(step, now)}
                <span class="visually-hidden"> {step.status}</span>
              </span>
              <Notes execution={execution} step={step} />
            </button>
          </li>
        ))}
      </ol>
    </nav>
  );
}

/** Counts criteria that are met, and those that are known or announced. */
function countCriteria(execution: Execution): { done: number; total: number } {
  const steps = [...execution.steps.values()];
  const loose = steps.filter(({ kind, parent }) => kind === 'criterion' && parent === undefined);
  const counts = steps.flatMap((step) => criteriaOf(execution, step) ?? []);
  return {
    done: counts.reduce((sum, { done }) => sum + done, loose.filter(({ status }) => status === 'completed').length),
    total: counts.reduce((sum, { total = 0 }) => sum + total, loose.length),
  };
}

function Notes({ execution, step }: { execution: Execution; step: Step }) {
  const { attempts, commits, stepType, input, output } = step;
  const criteria = criteriaOf(execution, step);
  const notes = [
    stepType ?? '',
    actorOf(step),
    criteria === undefined ? '' : `${criteria.done}/${criteria.total ?? '?'}`,
    attempts === undefined ? '' : `attempt ${attempts}`,
    commits === undefined ? '' : commits.map((commit) => commit.slice(0, 10)).join(' '),
    errorOf(step) ?? '',
    valueText('input', input),
    valueText('output', output),
  ].filter((note) => note !== '');
  return notes.length === 0 ? null : <span class="step-notes">{notes.join(' · ')}</span>;
}

/** Longer values are clipped; the log has all of them. */
const VALUE_CHARS = 120;

function valueText(label: string, value: string | undefined): string {
  return value === undefined ? '' : `${label} ${clip(value, VALUE_CHARS)}`;
}

function timeOf(step: Step, now: number): string {
  const ms = elapsedOf(step, now);
  return ms === undefined || step.status === 'skipped' ? '' : formatDuration(ms);
}

interface Placed {
  step: Step;
  depth: number;
}

/** Orders steps by their first event, children after their parent. Steps in a cycle of parents come last. */
function treeOf(steps: readonly Step[]): Placed[] {
  const ids = new Set(steps.map(({ id }) => id));
  const children = new Map<string, Step[]>();
  for (const step of steps) {
    const parent = step.parent !== undefined && step.parent !== step.id && ids.has(step.parent) ? step.parent : '';
    const list = children.get(parent);
    if (list) list.push(step);
    else children.set(parent, [step]);
  }
  const placed: Placed[] = [];
  const seen = new Set<string>();
  const stack: Placed[] = (children.get('') ?? []).map((step) => ({ step, depth: 0 })).reverse();
  for (let next; (next = stack.pop());) {
    const { step, depth } = next;
    if (seen.has(step.id)) continue;
    seen.add(step.id);
    placed.push(next);
    const below = (children.get(step.id) ?? []).map((child) => ({ step: child, depth: depth + 1 }));
    stack.push(...below.reverse());
  }
  const circular = steps.filter(({ id }) => !seen.has(id)).map((step) => ({ step, depth: 0 }));
  return [...placed, ...circular];
}
