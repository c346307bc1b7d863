/** Condenses a graph that is too large to draw: some layers, the most urgent steps of each, the rest bundled. Pure. */
import type { Status, Step } from '../../src/core/execution.js';
import { isFailure, isFinal, isObservedFailure } from '../../src/core/execution.js';
import type { Edge, GraphLayout, Node } from './graph-layout.js';

/** Steps of one layer that are drawn as one node. */
export interface Bundle {
  id: string;
  layer: number;
  row: number;
  steps: Step[];
  isCurrent: boolean;
}

export interface Condensed extends GraphLayout {
  bundles: Bundle[];
  /** Number of steps in the layers before and after those that are drawn. */
  before: number;
  after: number;
}

/** Larger graphs are condensed. */
const MAX_DRAWN = 150;
const MAX_LAYERS = 30;
const LAYERS_BEFORE = 8;
/** Steps of a layer that are drawn besides the bundle. */
const MAX_ROWS = 5;

export function condense(layout: GraphLayout): Condensed {
  const { nodes } = layout;
  if (nodes.length <= MAX_DRAWN) return { ...layout, bundles: [], before: 0, after: 0 };
  const first = Math.max(0, Math.min(focusOf(nodes) - LAYERS_BEFORE, layout.layers - MAX_LAYERS));
  const end = Math.min(layout.layers, first + MAX_LAYERS);
  const kept: Node[] = [];
  const bundles: Bundle[] = [];
  /** ID of the node that is drawn for a step, by the step's ID. */
  const drawnAs = new Map<string, string>();
  for (let layer = first; layer < end; layer++) {
    const own = nodes.filter((node) => node.layer === layer).sort((a, b) => rankOf(a) - rankOf(b) || a.row - b.row);
    const count = own.length <= MAX_ROWS + 1 ? own.length : MAX_ROWS;
    const place = layer - first;
    own.slice(0, count).forEach((node, row) => {
      kept.push({ ...node, layer: place, row });
      drawnAs.set(node.step.id, node.step.id);
    });
    const rest = own.slice(count);
    if (rest.length === 0) continue;
    // no step's ID begins with a space
    const id = ` ${layer}`;
    for (const { step } of rest) drawnAs.set(step.id, id);
    const isCurrent = rest.some((node) => node.isCurrent);
    bundles.push({ id, layer: place, row: count, steps: rest.map(({ step }) => step), isCurrent });
  }
  const edges = new Map<string, Edge>();
  for (const edge of layout.edges) {
    const [from, to] = [drawnAs.get(edge.from), drawnAs.get(edge.to)];
    if (from === undefined || to === undefined) continue;
    const key = `${from}\n${to}`;
    edges.set(key, { from, to, isCurrent: edge.isCurrent || (edges.get(key)?.isCurrent ?? false) });
  }
  return {
    ...{ nodes: kept, bundles, edges: [...edges.values()], layers: end - first },
    rows: Math.max(0, ...[...kept, ...bundles].map(({ row }) => row + 1)),
    before: nodes.filter(({ layer }) => layer < first).length,
    after: nodes.filter(({ layer }) => layer >= end).length,
  };
}

/** Formats the number of steps by status, the most urgent first: `3 failed, 125 completed`. */
export function countStatuses(steps: readonly Step[]): string {
  const counts = new Map<Status, number>();
  for (const { status } of steps) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts]
    .sort(([a], [b]) => urgencyOf(a) - urgencyOf(b))
    .map(([status, count]) => `${count} ${status}`)
    .join(', ');
}

/** Returns the layer of the first running step, else of the first failed one, else of the last that ended. */
function focusOf(nodes: readonly Node[]): number {
  const layersOf = (test: (status: Status) => boolean) =>
    nodes.filter(({ step }) => test(step.status)).map(({ layer }) => layer);
  const running = layersOf((status) => status === 'running' || status === 'paused');
  if (running.length > 0) return Math.min(...running);
  const failed = layersOf(isObservedFailure);
  if (failed.length > 0) return Math.min(...failed);
  return Math.max(0, ...layersOf((status) => isFinal(status) && status !== 'skipped'));
}

function rankOf({ step, isCurrent }: Node): number {
  return urgencyOf(step.status) * 2 + (isCurrent ? 0 : 1);
}

function urgencyOf(status: Status): number {
  if (isFailure(status)) return 0;
  if (status === 'running' || status === 'paused') return 1;
  return isFinal(status) ? 3 : 2;
}
