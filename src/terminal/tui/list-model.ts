/** The list of executions as entries below headings: filtered, sorted, grouped, children below their parents. Pure. */
import type { Execution } from '../../core/execution.js';
import { childrenByParent } from '../../core/lists/children.js';
import { groupExecutions } from '../../core/lists/groups.js';
import type { Grouping } from '../../core/lists/groups.js';
import { matchesQuery, parseQuery } from '../../core/lists/query.js';
import { sectionOf, sortBySection } from '../../core/lists/sections.js';
import type { Section } from '../../core/lists/sections.js';
import { sortExecutionsBy } from '../../core/lists/sort.js';

export const SORTS = ['activity', 'name', 'started', 'duration'] as const;
export type Sort = (typeof SORTS)[number];

export interface ListViewOptions {
  now: number;
  query: string;
  sort: Sort;
  /** Without it the list is divided into sections. */
  grouping?: Grouping | undefined;
  /** Parents whose children are hidden. */
  collapsed: ReadonlySet<string>;
}

export type ListItem =
  | { kind: 'heading'; text: string; count: number }
  | { kind: 'execution'; execution: Execution; depth: number; hiddenChildren: number };

const HEADINGS: Readonly<Record<Section, string>> = {
  attention: 'Needs you',
  failed: 'Failed just now',
  running: 'Running',
  queued: 'Queued',
  finished: 'Finished',
};

export function listItems(executions: readonly Execution[], options: ListViewOptions): ListItem[] {
  const query = parseQuery(options.query);
  const wanted = executions.filter((execution) => matchesQuery(execution, query));
  const sorted = sortExecutions(wanted, options);
  const { grouping } = options;
  const groups = grouping
    ? groupExecutions(sorted, grouping).map(({ name, executions: own }) => ({ text: name ?? 'others', own }))
    : sectionGroups(sorted, options.now);
  return groups.flatMap(({ text, own }) => [
    { kind: 'heading' as const, text, count: own.length },
    ...nested(own, options.collapsed),
  ]);
}

function sortExecutions(executions: readonly Execution[], { sort, now }: ListViewOptions): Execution[] {
  const bySection = sortBySection(executions, now);
  switch (sort) {
    case 'activity':
      return bySection;
    case 'name':
      return sortExecutionsBy(bySection, { key: 'name', isDescending: false }, now);
    case 'started':
      return sortExecutionsBy(bySection, { key: 'started', isDescending: true }, now);
    case 'duration':
      return sortExecutionsBy(bySection, { key: 'elapsed', isDescending: true }, now);
  }
}

function sectionGroups(executions: readonly Execution[], now: number): { text: string; own: Execution[] }[] {
  const groups = new Map<string, Execution[]>();
  // in the order of the sections, whatever the executions are sorted by
  for (const text of Object.values(HEADINGS)) groups.set(text, []);
  for (const execution of executions) groups.get(HEADINGS[sectionOf(execution, now)])?.push(execution);
  return [...groups].filter(([, own]) => own.length > 0).map(([text, own]) => ({ text, own }));
}

/** Puts children below their parents, where both are in the group. */
function nested(executions: readonly Execution[], collapsed: ReadonlySet<string>): ListItem[] {
  const children = childrenByParent(executions);
  const items: ListItem[] = [];
  const seen = new Set<string>();
  const add = (execution: Execution, depth: number): void => {
    if (seen.has(execution.id)) return;
    seen.add(execution.id);
    const own = children.get(execution.id) ?? [];
    const isCollapsed = collapsed.has(execution.id);
    items.push({ kind: 'execution', execution, depth, hiddenChildren: isCollapsed ? own.length : 0 });
    for (const child of own) {
      if (isCollapsed) seen.add(child.id);
      else add(child, depth + 1);
    }
  };
  for (const execution of children.get(undefined) ?? []) add(execution, 0);
  // parents that form a cycle have no root
  for (const execution of executions) add(execution, 0);
  return items;
}
