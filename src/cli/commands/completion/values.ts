/** Candidates for values: from the definitions, the vocabulary, and the daemon if one runs. */
import type { Client } from '../../../client/client.js';
import { connect } from '../../../client/connect.js';
import { sanitize } from '../../../core/text/ansi.js';
import { EVENT_TYPES, FINAL_STATUSES } from '../../../core/events/event.js';
import { EXECUTION_KINDS, type ExecutionJson } from '../../../core/execution.js';
import { formatQuantity, statusWord } from '../../../core/text/format.js';
import { GROUPINGS } from '../../../core/lists/groups.js';
import { SORT_KEYS } from '../../../core/lists/sort.js';
import type { Paths } from '../../../platform/paths.js';
import { hasSpec } from '../../../runner/store.js';
import { cleanText } from '../../../terminal/paint.js';
import { LIST_COLUMNS } from '../../../terminal/tables.js';
import type { Argument } from './shapes.js';
import { FORMATS } from '../../../agents/formats.js';
import { SHORT_SIGNALS } from '../../shared/signal-name.js';

export interface CompletionValue {
  value: string;
  description: string;
}

/** The user waits for the completion, so a busy daemon is not waited for longer. */
const ANSWER_MS = 1_000;
/** Number of candidates: the newest live executions, and the newest of all. */
const MAX_EXECUTIONS = 100;
/** Longer names do not fit a list. */
const MAX_VALUE_CHARS = 100;
const MAX_DESCRIPTION_CHARS = 60;
/** Well-known streams of output; others are possible. */
const STREAMS = ['stdout', 'stderr', 'debug', 'system'];

/** @returns `files` when the shell should complete file names */
export async function completionsOf(
  argument: Argument,
  operands: readonly string[],
  paths: Paths,
): Promise<CompletionValue[] | 'files'> {
  if (argument.choices.length > 0) return bare(argument.choices);
  switch (argument.name) {
    case 'id':
    case 'ids':
    case 'execution':
      return without(operands, executionCandidates(await listExecutions(paths)));
    case 'after':
      return executionCandidates(await listExecutions(paths));
    case 'run':
    case 'runs':
      return without(operands, executionCandidates(await listRuns(paths)));
    case 'name':
      return await nameCandidates(paths);
    case 'queue':
      return await queueCandidates(paths);
    case 'format':
      return FORMATS.choices.map(({ name, describe }) => ({ value: name, description: describe }));
    case 'signal':
      return bare(SHORT_SIGNALS);
    case 'type':
      return bare(argument.many ? ['all', ...EVENT_TYPES] : EVENT_TYPES);
    case 'by':
      return bare(GROUPINGS);
    case 'sort':
      return bare(SORT_KEYS.flatMap((key) => [key, `-${key}`]));
    case 'columns':
      return bare(LIST_COLUMNS);
    case 'status':
      return bare(FINAL_STATUSES);
    case 'kind':
      return bare(EXECUTION_KINDS);
    case 'output':
      return 'files';
    case 'stream':
      return bare(STREAMS);
    case 'operand':
      return await operandOfConfig(operands[0]);
    case 'value':
      return await valueOfConfig(operands);
    default:
      return [];
  }
}

function bare(values: readonly string[]): CompletionValue[] {
  return values.map((value) => ({ value, description: '' }));
}

async function operandOfConfig(action: string | undefined): Promise<CompletionValue[] | 'files'> {
  if (action === 'check') return 'files';
  if (action !== 'get' && action !== 'set' && action !== 'unset') return [];
  const { configKeys } = await import('../../../config/load.js'); // loads the YAML parser
  return configKeys().map(({ key, description }) => ({ value: key, description }));
}

/** All values of a key if they are few; otherwise the default as an example. */
async function valueOfConfig([action, key]: readonly string[]): Promise<CompletionValue[]> {
  if (action !== 'set') return [];
  const { configKeys } = await import('../../../config/load.js');
  const found = configKeys().find((each) => each.key === key);
  if (!found) return [];
  const { type, values = type === 'boolean' ? ['true', 'false'] : [found.default] } = found;
  return values.map((value) => ({ value, description: value === found.default ? 'default' : '' }));
}

/** Removes candidates that are on the command line already. */
function without(operands: readonly string[], candidates: CompletionValue[]): CompletionValue[] {
  return candidates.filter(({ value }) => !operands.includes(value));
}

/** Asks a running daemon; throws if there is none. */
async function ask<T>(paths: Paths, question: (client: Client) => Promise<T>): Promise<T> {
  const client = await connect({ paths, start: false, signal: AbortSignal.timeout(ANSWER_MS) });
  try {
    return await question(client);
  } finally {
    client.destroy();
  }
}

async function listExecutions(paths: Paths): Promise<ExecutionJson[]> {
  return await ask(paths, async (client) => {
    const pages = [
      client.call('list', { limit: MAX_EXECUTIONS }),
      client.call('list', { all: true, limit: MAX_EXECUTIONS }),
    ];
    const executions = (await Promise.all(pages)).flatMap((page) => page.executions);
    return [...new Map(executions.map((execution) => [execution.id, execution])).values()];
  });
}

/** Lists runs that can be controlled. */
async function listRuns(paths: Paths): Promise<ExecutionJson[]> {
  const { executions } = await ask(paths, (client) => client.call('list', { limit: MAX_EXECUTIONS }));
  return executions.filter(({ id }) => hasSpec(paths, id));
}

/** Names of finished executions: `stats` shows them, and a run of the same name is estimated by them. */
async function nameCandidates(paths: Paths): Promise<CompletionValue[]> {
  const { names } = await ask(paths, (client) => client.call('stats', { limit: MAX_EXECUTIONS }));
  const counts = new Map<string, number>();
  for (const { name, runs } of names) counts.set(name, (counts.get(name) ?? 0) + runs);
  return [...counts]
    .map(([name, runs]) => ({ value: name, description: formatQuantity(runs, 'finished run') }))
    .filter(({ value }) => isInsertable(value));
}

async function queueCandidates(paths: Paths): Promise<CompletionValue[]> {
  const { queues } = await ask(paths, (client) => client.call('queues', {}));
  return queues
    .map(({ name, running, waiting }) => ({
      value: name,
      description: `${running.length} running, ${waiting.length} waiting`,
    }))
    .filter(({ value }) => isInsertable(value));
}

/** Candidates: IDs, then names that differ; a name means the newest execution that has it. */
export function executionCandidates(executions: readonly ExecutionJson[]): CompletionValue[] {
  const named = new Map<string, CompletionValue>();
  for (const execution of executions) {
    const { id, name } = execution;
    if (name !== id && !named.has(name)) named.set(name, { value: name, description: describe(execution, id) });
  }
  const ids = executions.map((execution) => ({
    value: execution.id,
    description: describe(execution, execution.name),
  }));
  return [...ids, ...named.values()].filter(({ value }) => isInsertable(value));
}

function describe({ status, attention }: ExecutionJson, what: string): string {
  const text = cleanText(what);
  const short = text.length <= MAX_DESCRIPTION_CHARS ? text : `${text.slice(0, MAX_DESCRIPTION_CHARS - 1)}…`;
  return `${short}, ${statusWord(status, attention?.state)}`;
}

/** Excludes control characters, and values that start like an option. */
function isInsertable(value: string): boolean {
  if (value === '' || value.startsWith('-') || value.length > MAX_VALUE_CHARS) return false;
  return !/[\n\t]/.test(value) && sanitize(value, { color: false }) === value;
}
