/**
 * Converts executions to and from their form on disk, in checkpoints and `carried_execution` notes.
 *
 * The on-disk form is flat, as in version 0.1. On disk, `outcome` means `taskOutcome`.
 */
import type { Fields } from '../events/fields.js';
import type { Execution, ExecutionJson, Step } from '../execution.js';
import { executionFromJson } from '../execution.js';

/** By group and field in memory: the name on disk. */
const FIELD_NAMES = {
  attention: { state: 'attention', reason: 'attentionReason', step: 'attentionStep', since: 'attentionSince' },
  process: { argv: 'argv', cwd: 'cwd', pid: 'pid', host: 'host', tty: 'tty', tmux: 'tmux' },
  producer: { source: 'source', sender: 'sender', vocabulary: 'vocabulary' },
  agent: { name: 'agent', model: 'model', session: 'session', turns: 'turns', via: 'via' },
  usage: { tokens: 'tokens', costUsd: 'costUsd' },
  payload: { parameters: 'parameters', input: 'input', output: 'output' },
  announced: { total: 'total', estimatedMs: 'estimatedMs', percent: 'percent' },
  outcome: {
    exitCode: 'exitCode',
    signal: 'signal',
    error: 'error',
    errorType: 'errorType',
    summary: 'summary',
    endedBy: 'endedBy',
    dismissed: 'dismissed',
  },
} as const satisfies { [G in keyof Execution]?: Record<keyof Required<Execution>[G], string> };

/** By field in memory: the name on disk, of ungrouped fields for which it differs. */
const OTHER_NAMES = { taskOutcome: 'outcome' } as const satisfies { [F in keyof Execution]?: string };

type Group = keyof typeof FIELD_NAMES;

/** Execution on disk, with the fields of the groups among its own. */
export type ExecutionRecord = Omit<Execution, 'steps' | Group | keyof typeof OTHER_NAMES> & { steps: Step[] };

interface Place {
  /** Absent for a field of the execution itself. */
  group?: Group;
  field: string;
}

/** By name on disk: the place in memory, where it differs. */
const PLACES: ReadonlyMap<string, Place> = new Map<string, Place>([
  ...Object.entries(OTHER_NAMES).map(([field, name]): [string, Place] => [name, { field }]),
  ...Object.entries(FIELD_NAMES).flatMap(([group, names]) =>
    Object.entries(names).map(([field, name]): [string, Place] => [name, { group: group as Group, field }]),
  ),
]);
const MOVED: ReadonlySet<string> = new Set([...Object.keys(OTHER_NAMES), ...Object.keys(FIELD_NAMES)]);

export function executionToRecord(execution: Execution): ExecutionRecord {
  const record: Fields = Object.fromEntries(Object.entries(execution).filter(([field]) => !MOVED.has(field)));
  for (const [name, { group, field }] of PLACES) {
    const owner: object | undefined = group === undefined ? execution : execution[group];
    const value = owner && (owner as Fields)[field];
    if (value !== undefined) record[name] = value;
  }
  return { ...(record as unknown as ExecutionRecord), steps: [...execution.steps.values()] };
}

/** The inverse of `executionToRecord`; copies the lists. */
export function executionFromRecord(record: ExecutionRecord): Execution {
  const execution: Fields = {};
  for (const [name, value] of Object.entries(record)) {
    const place = PLACES.get(name);
    const owner = place?.group === undefined ? execution : ((execution[place.group] ??= {}) as Fields);
    owner[place?.field ?? name] = value;
  }
  return executionFromJson(execution as unknown as ExecutionJson);
}
