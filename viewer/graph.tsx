/** The steps by what they need: drawn where there is room, and as a list for everybody else. */
import { elapsedOf } from '../src/core/estimate.js';
import type { Step } from '../src/core/execution.js';
import { formatDuration } from '../src/core/format.js';
import type { TabProps } from './execution.js';
import type { Edge, Node } from './graph-layout.js';
import { layOut } from './graph-layout.js';
import { Icon } from './status.js';

const NODE_PX = { width: 180, height: 44 };
const GAP_PX = { x: 48, y: 14 };
/** More than this is not a picture any more; the list has them all. */
const MAX_DRAWN = 300;
/** Parts of a step: the graph is of the plan. */
const PARTS: ReadonlySet<string> = new Set(['criterion', 'tool']);

export function Graph({ execution, now, onStep }: TabProps) {
  const steps = [...execution.steps.values()].filter(({ kind }) => !PARTS.has(kind));
  if (steps.length === 0) return <p class="empty">It has no steps.</p>;
  const layout = layOut(steps);
  const names = new Map(steps.map(({ id, name }) => [id, name]));
  const places = new Map(layout.nodes.map((node) => [node.step.id, placeOf(node)]));
  const width = layout.layers * (NODE_PX.width + GAP_PX.x);
  const height = layout.rows * (NODE_PX.height + GAP_PX.y);
  return (
    <div class="graph-tab">
      {steps.length <= MAX_DRAWN && (
        <div class="graph" aria-hidden="true">
          <div class="canvas" style={{ width: `${width}px`, height: `${height}px` }}>
            <svg width={width} height={height}>
              {layout.edges.map((edge) => (
                <path
                  key={`${edge.from} ${edge.to}`}
                  class={edge.isCurrent ? 'edge current' : 'edge'}
                  d={curve(edge, places)}
                />
              ))}
            </svg>
            {layout.nodes.map(({ step, isCurrent }) => (
              <div
                key={step.id}
                class={`node s-${step.status} ${isCurrent ? 'current' : ''}`}
                style={{ left: `${places.get(step.id)?.x ?? 0}px`, top: `${places.get(step.id)?.y ?? 0}px` }}
                title={step.name}
                onClick={() => onStep(step.id)}
              >
                <Icon status={step.status} />
                <span class="step-name">{step.name}</span>
                <span class="step-time">{timeOf(step, now)}</span>
              </div>
            ))}
          </div>
        </div>
      )}
      <ol class={steps.length <= MAX_DRAWN ? 'graph-list drawn' : 'graph-list'} aria-label="Steps and what they need">
        {steps.map((step) => (
          <li key={step.id}>
            <button onClick={() => onStep(step.id)}>
              <Icon status={step.status} />
              <span class="step-name">{step.name}</span>
              <span class="step-time">
                {step.status} {timeOf(step, now)}
              </span>
              {step.needs && step.needs.length > 0 && (
                <span class="step-notes">needs {step.needs.map((need) => names.get(need) ?? need).join(', ')}</span>
              )}
            </button>
          </li>
        ))}
      </ol>
    </div>
  );
}

function placeOf({ layer, row }: Node): { x: number; y: number } {
  return { x: layer * (NODE_PX.width + GAP_PX.x), y: row * (NODE_PX.height + GAP_PX.y) };
}

function curve({ from, to }: Edge, places: ReadonlyMap<string, { x: number; y: number }>): string {
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
