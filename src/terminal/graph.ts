/** The dependencies of steps as a graph in characters: layers from the top down, each step below what it needs. */
import type { Execution, Step } from '../core/execution.js';
import { statusMark } from '../core/text/format.js';
import { cleanText, ellipsisOf, paint, toneOf } from './paint.js';
import type { Style } from './style.js';
import { truncate } from './width.js';

/** Steps of one graph; more are unreadable. */
const MAX_STEPS = 500;

interface Node {
  step: Step;
  needs: string[];
  layer: number;
}

export function graphLines(execution: Execution, columns: number, style: Style): string[] {
  const nodes = nodesOf(execution);
  const lanes: (string | undefined)[] = [];
  const needed = new Map<string, number>();
  for (const { needs } of nodes) for (const id of needs) needed.set(id, (needed.get(id) ?? 0) + 1);
  return nodes.flatMap((node) => {
    const joined = joinLanes(lanes, node, needed);
    const graph = laneText(lanes, joined, style);
    const name = paint(cleanText(node.step.name), toneOf(node.step.status), style);
    const needs = node.needs.map((id) => cleanText(execution.steps.get(id)?.name ?? id)).join(', ');
    const note = needs === '' ? '' : paint(`  needs ${needs}`, 'dim', style);
    const line = `${graph} ${statusMark(node.step.status, style.ascii)} ${name}${note}`;
    return [truncate(line, columns, ellipsisOf(style))];
  });
}

/** Sorts the steps so that each comes after what it needs. Needs that are unknown or form a cycle are ignored. */
function nodesOf({ steps }: Execution): Node[] {
  const wanted = [...steps.values()].filter(({ kind }) => kind !== 'criterion' && kind !== 'tool').slice(0, MAX_STEPS);
  const known = new Set(wanted.map(({ id }) => id));
  const layers = new Map<string, number>();
  const visiting = new Set<string>();
  const needsOf = ({ needs = [] }: Step): string[] => needs.filter((id) => known.has(id));
  const layerOf = (step: Step): number => {
    const layer = layers.get(step.id);
    if (layer !== undefined || visiting.has(step.id)) return layer ?? 0;
    visiting.add(step.id);
    const above = needsOf(step).flatMap((id) => steps.get(id) ?? []);
    const own = Math.max(-1, ...above.map(layerOf)) + 1;
    visiting.delete(step.id);
    layers.set(step.id, own);
    return own;
  };
  return wanted.map((step) => ({ step, needs: needsOf(step), layer: layerOf(step) })).sort((a, b) => a.layer - b.layer);
}

/** Ends the lanes of what the step needs, and begins its own if another step needs it. @returns its lane */
function joinLanes(lanes: (string | undefined)[], { step, needs }: Node, needed: Map<string, number>): number {
  let own = -1;
  for (const id of needs) {
    const lane = lanes.indexOf(id);
    const left = (needed.get(id) ?? 1) - 1;
    needed.set(id, left);
    if (lane === -1) continue;
    if (own === -1) own = lane;
    if (left === 0) lanes[lane] = undefined;
  }
  const free = lanes.indexOf(undefined);
  const isFree = own !== -1 && lanes[own] === undefined;
  const lane = isFree ? own : free === -1 ? lanes.length : free;
  if (needed.has(step.id)) lanes[lane] = step.id;
  while (lanes.length > 0 && lanes.at(-1) === undefined) lanes.pop();
  return lane;
}

function laneText(lanes: readonly (string | undefined)[], own: number, style: Style): string {
  const [node, line] = style.ascii ? ['*', '|'] : ['●', '│'];
  const width = Math.max(lanes.length, own + 1);
  const text = Array.from({ length: width }, (_, lane) =>
    lane === own ? node : lanes[lane] === undefined ? ' ' : line,
  ).join(' ');
  return paint(text, 'dim', style);
}
