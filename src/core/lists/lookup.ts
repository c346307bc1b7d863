/** Looks up executions by ID, name or unique prefix. */
import { ProgressError } from '../base/errors.js';
import type { Execution } from '../execution.js';

/** Maximum number of candidates listed for an ambiguous prefix. */
const MAX_CANDIDATES = 5;

/** Fields used for the lookup. */
type Named = Pick<Execution, 'id' | 'name' | 'firstSeq' | 'tasks'>;

export type LookupResult<T extends Named = Execution> = { execution: T } | { ambiguous: string[] } | undefined;

/** Finds an execution by its full ID or that of a task inside it, else the newest one of that name. */
export function findByName<T extends Named>(executions: readonly T[], text: string): T | undefined {
  return (
    executions.find(({ id }) => id === text) ??
    executions.find(({ tasks }) => tasks?.includes(text)) ??
    newest(executions.filter(({ name }) => name === text))
  );
}

/** Finds an execution as `findByName` does, else by a unique prefix of its ID. */
export function findByText<T extends Named>(executions: readonly T[], text: string): LookupResult<T> {
  const named = findByName(executions, text);
  if (named) return { execution: named };
  const candidates = executions.filter(({ id, tasks = [] }) => [id, ...tasks].some((one) => one.startsWith(text)));
  const [only] = candidates;
  if (!only) return undefined;
  if (candidates.length === 1) return { execution: only };
  return { ambiguous: candidates.slice(0, MAX_CANDIDATES).map(({ id }) => id) };
}

/** Error for a prefix that several executions have. */
export function ambiguous(text: string, ids: readonly string[]): ProgressError {
  return new ProgressError(
    'ambiguous',
    `${JSON.stringify(text)} is ambiguous (${ids.join(', ')}): use more characters of the ID`,
  );
}

/** Error for a text that no execution matches. */
export function notFound(text: string): ProgressError {
  return new ProgressError('not_found', `no execution ${JSON.stringify(text)}`);
}

/** Returns the newest execution. */
export function newest<T extends Named>(executions: readonly T[]): T | undefined {
  return executions.reduce<T | undefined>(
    (best, candidate) => (best && best.firstSeq >= candidate.firstSeq ? best : candidate),
    undefined,
  );
}

/** Whether the ID, name, agent or a label of an execution contains a text, ignoring case. */
export function mentions({ id, name, agent, labels = {} }: Execution, text: string): boolean {
  if (text === '') return true;
  const wanted = text.toLowerCase();
  const words = [id, name, agent?.name ?? '', ...Object.entries(labels).map(([key, value]) => `${key}=${value}`)];
  return words.some((word) => word.toLowerCase().includes(wanted));
}
