/** Groups executions by agent, queue or label. */
import type { Execution } from '../execution.js';
import { isFinal } from '../execution.js';

export const GROUPINGS = ['agent', 'queue', 'label'] as const;

export interface Grouping {
  by: (typeof GROUPINGS)[number];
  /** With `label`: group by the values of this label only. */
  key?: string;
}

export interface ExecutionGroup<T> {
  /** The agent, the queue, or `key=value`; undefined for executions without one. */
  name: string | undefined;
  /** Number of executions that run or are paused, and that are queued. */
  running: number;
  queued: number;
  executions: T[];
}

/** Parses `agent`, `queue`, `label` or `label:KEY`; returns undefined for anything else. */
export function parseGrouping(text: string): Grouping | undefined {
  const by = GROUPINGS.find((one) => one === text);
  if (by) return { by };
  const key = /^label:(.+)$/s.exec(text)?.[1];
  return key === undefined ? undefined : { by: 'label', key };
}

/** Groups executions, sorted by name, those without one last. One with several labels is in several groups. */
export function groupExecutions<T extends Pick<Execution, 'status' | 'agent' | 'queue' | 'labels'>>(
  executions: readonly T[],
  grouping: Grouping,
): ExecutionGroup<T>[] {
  const members = new Map<string | undefined, T[]>();
  for (const execution of executions) {
    const names = namesOf(execution, grouping);
    for (const name of names.length > 0 ? names : [undefined]) {
      const known = members.get(name);
      if (known) known.push(execution);
      else members.set(name, [execution]);
    }
  }
  return [...members]
    .sort(([a], [b]) => (a === undefined ? 1 : b === undefined || a < b ? -1 : 1))
    .map(([name, those]) => {
      const queued = those.filter(({ status }) => status === 'queued').length;
      const running = those.filter(({ status }) => !isFinal(status)).length - queued;
      return { name, running, queued, executions: those };
    });
}

function namesOf({ agent, queue, labels = {} }: Pick<Execution, 'agent' | 'queue' | 'labels'>, grouping: Grouping) {
  switch (grouping.by) {
    case 'agent':
      return agent?.name === undefined ? [] : [agent.name];
    case 'queue':
      return queue === undefined ? [] : [queue];
    case 'label':
      return Object.entries(labels)
        .filter(([key]) => grouping.key === undefined || key === grouping.key)
        .map(([key, value]) => `${key}=${value}`);
  }
}
