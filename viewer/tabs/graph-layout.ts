/** Arranges steps in layers, each step after everything that it needs. Pure. */
import type { Step } from '../../src/core/execution.js';
import { isFinal, isObservedFailure } from '../../src/core/execution.js';

export interface Node {
  step: Step;
  layer: number;
  row: number;
  /** On the path from the beginning to what is running. */
  isCurrent: boolean;
}

export interface Edge {
  from: string;
  to: string;
  isCurrent: boolean;
}

export interface GraphLayout {
  nodes: Node[];
  edges: Edge[];
  layers: number;
  rows: number;
}

/** Number of passes that move neighbours closer together. */
const SWEEPS = 4;

/** Lays out steps. If none states what it needs, each needs the one before it. */
export function layOut(steps: readonly Step[]): GraphLayout {
  const ids = new Set(steps.map(({ id }) => id));
  const isPlain = steps.every(({ needs = [] }) => needs.length === 0);
  const needs = new Map(
    steps.map((step, index) => {
      const before = isPlain ? steps.slice(Math.max(0, index - 1), index).map(({ id }) => id) : (step.needs ?? []);
      return [step.id, before.filter((id) => ids.has(id) && id !== step.id)];
    }),
  );
  const layerOf = layersOf(steps, needs);
  const layers: Step[][] = [];
  for (const step of steps) (layers[layerOf.get(step.id) ?? 0] ??= []).push(step);
  const rowOf = rowsOf(layers, needs);
  const current = currentPath(steps, needs);
  return {
    nodes: steps.map((step) => ({
      step,
      layer: layerOf.get(step.id) ?? 0,
      row: rowOf.get(step.id) ?? 0,
      isCurrent: current.has(step.id),
    })),
    edges: steps.flatMap(({ id }) =>
      (needs.get(id) ?? []).map((from) => ({ from, to: id, isCurrent: current.has(from) && current.has(id) })),
    ),
    layers: layers.length,
    rows: Math.max(0, ...layers.map((layer) => layer.length)),
  };
}

type Needs = ReadonlyMap<string, readonly string[]>;

/** Returns the layer of each step: the longest path from a beginning. In a cycle, the need that closes it is ignored. */
function layersOf(steps: readonly Step[], needs: Needs): Map<string, number> {
  const layers = new Map<string, number>();
  const open = new Set<string>();
  for (const { id: root } of steps) {
    const stack = [root];
    for (let id; (id = stack.at(-1)) !== undefined;) {
      const missing = (needs.get(id) ?? []).filter((need) => !layers.has(need) && !open.has(need));
      if (layers.has(id) || missing.length === 0) {
        const before = (needs.get(id) ?? []).map((need) => layers.get(need) ?? -1);
        if (!layers.has(id)) layers.set(id, Math.max(-1, ...before) + 1);
        open.delete(id);
        stack.pop();
      } else {
        open.add(id);
        stack.push(...missing);
      }
    }
  }
  return layers;
}

/** Orders each layer by the mean row of the neighbours (barycenter heuristic), in forward and backward sweeps. */
function rowsOf(layers: readonly Step[][], needs: Needs): Map<string, number> {
  const rows = new Map<string, number>();
  const number = (layer: readonly Step[]) => layer.forEach(({ id }, row) => rows.set(id, row));
  layers.forEach(number);
  const after = new Map<string, string[]>();
  for (const [id, list] of needs) for (const need of list) after.set(need, [...(after.get(need) ?? []), id]);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const neighbours = sweep % 2 === 0 ? needs : after;
    for (const layer of sweep % 2 === 0 ? layers : layers.toReversed()) {
      const weight = (id: string) => {
        const near = (neighbours.get(id) ?? []).map((other) => rows.get(other) ?? 0);
        return near.length === 0 ? (rows.get(id) ?? 0) : near.reduce((sum, row) => sum + row, 0) / near.length;
      };
      const weights = new Map(layer.map(({ id }) => [id, weight(id)]));
      layer.sort((a, b) => (weights.get(a.id) ?? 0) - (weights.get(b.id) ?? 0));
      number(layer);
    }
  }
  return rows;
}

/** Returns the steps that are running, else those that failed, else the last that ended, and everything that they need. */
function currentPath(steps: readonly Step[], needs: Needs): Set<string> {
  const running = steps.filter(({ status }) => status === 'running' || status === 'paused');
  const failed = steps.filter(({ status }) => isObservedFailure(status));
  const last = steps.filter(({ status }) => isFinal(status) && status !== 'skipped').slice(-1);
  const ends = running.length > 0 ? running : failed.length > 0 ? failed : last;
  const path = new Set<string>();
  const stack = ends.map(({ id }) => id);
  for (let id; (id = stack.pop()) !== undefined;) {
    if (path.has(id)) continue;
    path.add(id);
    stack.push(...(needs.get(id) ?? []));
  }
  return path;
}
