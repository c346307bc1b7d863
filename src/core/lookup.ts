/** Finds the execution that a person means. */
import type { Execution } from './execution.js';

/** More than this many candidates are not listed. */
const MAX_CANDIDATES = 5;

/** What an execution is found by. */
type Named = Pick<Execution, 'id' | 'name' | 'firstSeq' | 'tasks'>;

export type LookupResult<T extends Named = Execution> = { execution: T } | { ambiguous: string[] } | undefined;

/** By full ID, its own or that of a task inside it, else by name: the newest of that name. */
export function findByName<T extends Named>(executions: readonly T[], text: string): T | undefined {
  return (
    executions.find(({ id }) => id === text) ??
    executions.find(({ tasks }) => tasks?.includes(text)) ??
    newest(executions.filter(({ name }) => name === text))
  );
}

/** The same, else by a unique prefix of an ID. */
export function findByText<T extends Named>(executions: readonly T[], text: string): LookupResult<T> {
  const named = findByName(executions, text);
  if (named) return { execution: named };
  const candidates = executions.filter(({ id, tasks = [] }) => [id, ...tasks].some((one) => one.startsWith(text)));
  const [only] = candidates;
  if (!only) return undefined;
  if (candidates.length === 1) return { execution: only };
  return { ambiguous: candidates.slice(0, MAX_CANDIDATES).map(({ id }) => id) };
}

/** The one that a person without a wish wants to see: the newest that runs, else the newest. */
export function newest<T extends Named>(executions: readonly T[]): T | undefined {
  return executions.reduce<T | undefined>(
    (best, candidate) => (best && best.firstSeq >= candidate.firstSeq ? best : candidate),
    undefined,
  );
}

/** Does the text, whatever its case, stand in what one knows an execution by? */
export function mentions({ id, name, agent, labels = {} }: Execution, text: string): boolean {
  if (text === '') return true;
  const wanted = text.toLowerCase();
  const words = [id, name, agent ?? '', ...Object.entries(labels).map(([key, value]) => `${key}=${value}`)];
  return words.some((word) => word.toLowerCase().includes(wanted));
}
