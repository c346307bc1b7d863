/** The graph tab: steps by what they need, drawn, and as a list that screen readers can read. */
import { useState } from 'preact/hooks';
import { elapsedOf } from '../../src/core/estimates/durations.js';
import type { Step } from '../../src/core/execution.js';
import { formatCount, formatDuration, formatQuantity } from '../../src/core/text/format.js';
import { stepTitle } from '../../src/core/lists/visible-steps.js';
import type { TabProps } from './tab-props.js';
import type { Bundle, Condensed } from './graph-condense.js';
import { condense, countStatuses } from './graph-condense.js';
import type { Edge } from './graph-layout.js';
import { layOut } from './graph-layout.js';
import { Icon } from '../status.js';

const NODE_PX = { width: 180, height: 44 };
const GAP_PX = { x: 48, y: 14 };
/** Rows that the list shows at first, and adds at a time. */
const LIST_ROWS = 300;
/** Kinds that are not drawn: tool calls are parts of a step, and the graph shows the plan. */
const PARTS: ReadonlySet<string> = new Set(['tool']);

/** Has a criterion drawn after its story. */
function afterStory(step: Step): Step {
  const { kind, parent, needs } = step;
  return kind === 'criterion' && parent !== undefined && !needs ? { ...step, needs: [parent] } : step;
}

export function GraphTab({ execution, now, onStep }: TabProps) {
  const [chosen, setChosen] = useState<string | undefined>();
  const steps = [...execution.steps.values()].filter(({ kind }) => !PARTS.has(kind)).map(afterStory);
  if (steps.length === 0) return <p class="empty">It has no steps.</p>;
  const graph = condense(layOut(steps));
  const bundle = graph.bundles.find(({ id }) => id === chosen);
  return (
    <div class="graph-tab">
      {graph.bundles.length + graph.before + graph.after > 0 && (
        <p class="note graph-note">{leftOut(graph.before, graph.after, graph.bundles)}</p>
      )}
      <Drawing graph={graph} now={now} onStep={onStep} onBundle={setChosen} />
      {bundle && (
        <p class="note">
          {formatQuantity(bundle.steps.length, 'step')} drawn as one.{' '}
          <button onClick={() => setChosen(undefined)}>List all steps</button>
        </p>
      )}
      <StepList key={bundle?.id} steps={bundle?.steps ?? steps} all={execution.steps} now={now} onStep={onStep} />
    </div>
  );
}

interface DrawingProps {
  graph: Condensed;
  now: number;
  onStep: (step: string) => void;
  /** Called when a bundle was chosen, to be listed. */
  onBundle: (id: string) => void;
}

/** Hidden from screen readers, which get the list. */
function Drawing({ graph, now, onStep, onBundle }: DrawingProps) {
  const places = new Map<string, Place>([
    ...graph.nodes.map((node): [string, Place] => [node.step.id, placeOf(node)]),
    ...graph.bundles.map((one): [string, Place] => [one.id, placeOf(one)]),
  ]);
  const width = graph.layers * (NODE_PX.width + GAP_PX.x);
  const height = graph.rows * (NODE_PX.height + GAP_PX.y);
  return (
    <div class="graph" aria-hidden="true">
      <div class="canvas" style={{ width: `${width}px`, height: `${height}px` }}>
        <svg width={width} height={height}>
          {graph.edges.map((edge) => (
            <path
              key={`${edge.from} ${edge.to}`}
              class={edge.isCurrent ? 'edge current' : 'edge'}
              d={curve(edge, places)}
            />
          ))}
        </svg>
        {graph.nodes.map(({ step, isCurrent }) => (
          <div
            key={step.id}
            class={`node s-${step.status} ${isCurrent ? 'current' : ''}`}
            style={styleOf(places.get(step.id))}
            title={stepTitle(step)}
            onClick={() => onStep(step.id)}
          >
            <Icon status={step.status} />
            <span class="step-name">{stepTitle(step)}</span>
            <span class="step-time">{timeOf(step, now)}</span>
          </div>
        ))}
        {graph.bundles.map((one) => (
          <div
            key={one.id}
            class={`node bundle ${one.isCurrent ? 'current' : ''}`}
            style={styleOf(places.get(one.id))}
            title="List them below"
            onClick={() => onBundle(one.id)}
          >
            <span class="step-name">{countStatuses(one.steps)}</span>
          </div>
        ))}
      </div>
    </div>
  );
}

interface StepListProps {
  steps: readonly Step[];
  all: ReadonlyMap<string, Step>;
  now: number;
  onStep: (step: string) => void;
}

function StepList({ steps, all, now, onStep }: StepListProps) {
  const [limit, setLimit] = useState(LIST_ROWS);
  return (
    <>
      <ol class="graph-list" aria-label="Steps and what they need">
        {steps.slice(0, limit).map((step) => (
          <li key={step.id}>
            <button onClick={() => onStep(step.id)}>
              <Icon status={step.status} />
              <span class="step-name">{stepTitle(step)}</span>
              <span class="step-time">
                {step.status} {timeOf(step, now)}
              </span>
              {step.needs && step.needs.length > 0 && (
                <span class="step-notes">needs {step.needs.map((need) => all.get(need)?.name ?? need).join(', ')}</span>
              )}
            </button>
          </li>
        ))}
      </ol>
      {steps.length > limit && (
        <button class="load-more" onClick={() => setLimit(limit + LIST_ROWS)}>
          {formatCount(Math.min(LIST_ROWS, steps.length - limit))} more of {formatCount(steps.length)}
        </button>
      )}
    </>
  );
}

function leftOut(before: number, after: number, bundles: readonly Bundle[]): string {
  const bundled = bundles.reduce((sum, { steps }) => sum + steps.length, 0);
  const parts = [
    bundled === 0
      ? ''
      : `${formatQuantity(bundled, 'step')} drawn as ${bundles.length === 1 ? 'one' : formatCount(bundles.length)}`,
    before === 0 ? '' : `${formatCount(before)} before these not drawn`,
    after === 0 ? '' : `${formatCount(after)} behind these not drawn`,
  ];
  return `Too large to be drawn whole: ${parts.filter((part) => part !== '').join(', ')}. The list below has all.`;
}

interface Place {
  x: number;
  y: number;
}

function placeOf({ layer, row }: { layer: number; row: number }): Place {
  return { x: layer * (NODE_PX.width + GAP_PX.x), y: row * (NODE_PX.height + GAP_PX.y) };
}

function styleOf({ x, y }: Place = { x: 0, y: 0 }): { left: string; top: string } {
  return { left: `${x}px`, top: `${y}px` };
}

function curve({ from, to }: Edge, places: ReadonlyMap<string, Place>): string {
  const a = places.get(from) ?? { x: 0, y: 0 };
  const b = places.get(to) ?? { x: 0, y: 0 };
  const [x1, y1] = [a.x + NODE_PX.width, a.y + NODE_PX.height / 2];
  const [x2, y2] = [b.x, b.y + NODE_PX.height / 2];
  const bend = Math.max(20, (x2 - x1) / 2);
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

function timeOf(step: Step, now: number): string {
  const ms = elapsedOf(step, now);
  return ms === undefined ? '' : formatDuration(ms);
}
