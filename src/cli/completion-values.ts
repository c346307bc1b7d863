/** Values that can stand on a command line: from the definitions, the vocabulary, and the daemon if one runs. */
import { connect } from '../client/connect.js';
import { sanitize } from '../core/ansi.js';
import { EVENT_TYPES } from '../core/event.js';
import type { ExecutionJson } from '../core/execution.js';
import { statusWord } from '../core/format.js';
import { GROUPINGS } from '../core/groups.js';
import type { Paths } from '../paths.js';
import { cleanText } from '../terminal/paint.js';
import type { Argument } from './completion-shapes.js';

export interface Candidate {
  value: string;
  description: string;
}

/** Somebody waits with a finger on the key: a daemon that is stopped or very busy is not worth more. */
const ANSWER_MS = 1_000;
/** The newest of those that are alive, and of all; nobody looks through more. */
const MAX_EXECUTIONS = 100;
/** Longer names do not fit a list, and are not worth completing. */
const MAX_VALUE_CHARS = 100;
const MAX_DESCRIPTION_CHARS = 60;
/** Output may have any other too. */
const STREAMS = ['stdout', 'stderr', 'debug', 'system'];

/** `files` leaves it to the shell. */
export async function valuesOf(
  argument: Argument,
  operands: readonly string[],
  paths: Paths,
): Promise<Candidate[] | 'files'> {
  if (argument.choices.length > 0) return bare(argument.choices);
  switch (argument.name) {
    case 'id':
    case 'execution':
      return executionCandidates(await listExecutions(paths));
    case 'type':
      return bare(argument.many ? ['all', ...EVENT_TYPES] : EVENT_TYPES);
    case 'by':
      return bare(GROUPINGS);
    case 'stream':
      return bare(STREAMS);
    case 'operand':
      return await operandOfConfig(operands[0]);
    default:
      return [];
  }
}

function bare(values: readonly string[]): Candidate[] {
  return values.map((value) => ({ value, description: '' }));
}

async function operandOfConfig(action: string | undefined): Promise<Candidate[] | 'files'> {
  if (action === 'check') return 'files';
  if (action !== 'get') return [];
  const { configKeys } = await import('../config.js'); // with all that reads YAML
  return configKeys().map(({ key, description }) => ({ value: key, description }));
}

/** None without a daemon, which is not started. */
async function listExecutions(paths: Paths): Promise<ExecutionJson[]> {
  const client = await connect({ paths, start: false, signal: AbortSignal.timeout(ANSWER_MS) });
  try {
    const pages = [
      client.call('list', { limit: MAX_EXECUTIONS }),
      client.call('list', { all: true, limit: MAX_EXECUTIONS }),
    ];
    const executions = (await Promise.all(pages)).flatMap((page) => page.executions);
    return [...new Map(executions.map((execution) => [execution.id, execution])).values()];
  } finally {
    client.destroy();
  }
}

/** Ids first, then names that say more than the id; a name means the newest that has it. */
export function executionCandidates(executions: readonly ExecutionJson[]): Candidate[] {
  const named = new Map<string, Candidate>();
  for (const execution of executions) {
    const { id, name } = execution;
    if (name !== id && !named.has(name)) named.set(name, { value: name, description: describe(execution, id) });
  }
  const ids = executions.map((execution) => ({
    value: execution.id,
    description: describe(execution, execution.name),
  }));
  return [...ids, ...named.values()].filter(({ value }) => canStand(value));
}

function describe({ status, attention }: ExecutionJson, what: string): string {
  const text = cleanText(what);
  const short = text.length <= MAX_DESCRIPTION_CHARS ? text : `${text.slice(0, MAX_DESCRIPTION_CHARS - 1)}…`;
  return `${short}, ${statusWord(status, attention)}`;
}

/** What a terminal would obey, and what would be taken for an option, is left out whatever the quotes. */
function canStand(value: string): boolean {
  if (value === '' || value.startsWith('-') || value.length > MAX_VALUE_CHARS) return false;
  return !/[\n\t]/.test(value) && sanitize(value, { color: false }) === value;
}
