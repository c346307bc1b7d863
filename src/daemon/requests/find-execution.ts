/** Finds the execution that a request names: by ID, unique prefix or name, in memory or in the journal. */
import type { Execution } from '../../core/execution.js';
import { ambiguous, findByText, notFound } from '../../core/lists/lookup.js';
import { findExecution } from '../../core/state/state.js';
import { newestFirst } from '../../core/state/state.js';
import { readExecution } from '../../journal/history.js';
import { findExecutions } from '../../journal/reader.js';
import type { LogSubject } from '../read/logs.js';
import type { HandlerContext } from './request-context.js';

/** An execution as of `seq`. */
export interface Known {
  execution: Execution;
  seq: number;
}

export async function subjectOf(text: string, context: HandlerContext): Promise<LogSubject> {
  return toSubject(await lookUp(text, context));
}

export function toSubject({ execution: { id, firstSeq, lines = 0 }, seq }: Known): LogSubject {
  return { id, firstSeq, lines, seq };
}

/** Finds an execution, also one that the client has started just before and the daemon has not read yet. */
export async function lookUp(text: string, context: HandlerContext): Promise<Known> {
  const known = await find(text, context);
  if (known) return known;
  await context.catchUp();
  const late =
    (await find(text, context)) ?? ((await context.runs.waitUntilKnown(text)) ? await find(text, context) : undefined);
  if (!late) throw notFound(text);
  return late;
}

/** Searches memory, then the indexes of the journal. */
async function find(text: string, { state, journal }: HandlerContext): Promise<Known | undefined> {
  const { seq } = state;
  const known = findExecution(state, text);
  const found = known ? { execution: known } : findByText(newestFirst(state), text);
  if (found && 'ambiguous' in found) throw ambiguous(text, found.ambiguous);
  if (found && !found.execution.summarised) return { ...found, seq };
  const [id, another] = found ? [found.execution.id] : await findExecutions(journal.source, text);
  if (another !== undefined) throw ambiguous(text, [id ?? '', another]);
  if (id === undefined) return undefined;
  // as of this position, from which the caller follows, though more is written meanwhile
  const execution = await readExecution(journal.source, id, seq);
  if (execution) return { execution, seq };
  return found && { ...found, seq: state.seq };
}
