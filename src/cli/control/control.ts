/** Orders for runs: given to all that are meant, and what came of each is told. */
import type { Client } from '../../client/client.js';
import { withClient } from '../../client/connect.js';
import type { ExecutionEvent } from '../../core/event.js';
import { textOf } from '../../core/event.js';
import type { Execution } from '../../core/execution.js';
import { executionToJson, isFinal } from '../../core/execution.js';
import { ProgressError } from '../../core/errors.js';
import type { Ask } from '../../protocol/channel.js';
import { cleanText } from '../../terminal/paint.js';
import { truncate } from '../../terminal/width.js';
import type { Context } from '../command.js';
import { followExecutions } from '../shared/follow-executions.js';
import { complain, printJson, printLines } from '../shared/output.js';
import { commandActor } from './actor.js';
import type { Selection } from './selection.js';
import { checkSelection, findOne, isSearch, findRuns } from './selection.js';

export interface ControlOptions {
  order: Omit<Ask<'control'>, 'execution' | 'by'>;
  /** Of what a search finds, those that it is for. */
  isFor: (execution: Execution) => boolean;
  /** When there are none. */
  nothing: string;
  /** Why there is nothing to do: then it is not given. */
  needless: (execution: Execution) => string | undefined;
  /** What came of it, by the events since then; undefined while that is open. */
  outcome: (execution: Execution, events: readonly ExecutionEvent[]) => string | undefined;
}

interface Open {
  execution: Execution;
  /** What was done to it since. */
  events: ExecutionEvent[];
}

const NAME_CELLS = 60;

/** Resolves with the worst exit status, when everything has come to an end. Throws `usage` for a wrong selection. */
export async function controlRuns(
  selection: Selection,
  ordering: ControlOptions,
  context: Context,
  json: boolean,
): Promise<number> {
  checkSelection(selection);
  const { paths, env } = context;
  const by = commandActor(env);
  const open = new Map<string, Open>();
  let worst = 0;

  const fail = (thrown: unknown, id?: string) => {
    const error = ProgressError.from(thrown);
    complain(id === undefined || error.message.includes(id) ? error.message : `${id}: ${error.message}`);
    worst = Math.max(worst, error.exitStatus);
  };
  const report = async (execution: Execution, text: string) => {
    if (json) await printJson([executionToJson(execution)]);
    else await printLines([`${runTitle(execution)}: ${text}`]);
  };

  const find = async (client: Client): Promise<Execution[]> => {
    if (isSearch(selection)) {
      const found = (await findRuns(client, selection, context)).filter(ordering.isFor);
      if (found.length === 0 && !json) await printLines([ordering.nothing]);
      return found;
    }
    const found = new Map<string, Execution>();
    for (const text of selection.runs ?? []) {
      const execution = await findOne(client, text).catch((error: unknown) => fail(error));
      if (execution) found.set(execution.id, execution);
    }
    return [...found.values()];
  };

  const give = async (client: Client, execution: Execution) => {
    const { id } = execution;
    const why = ordering.needless(execution);
    if (why !== undefined) return await report(execution, why);
    try {
      await client.call('control', { execution: id, by, ...ordering.order });
    } catch (error) {
      // it may have ended meanwhile
      const now = await findOne(client, id).catch(() => undefined);
      const reason = now && ordering.needless(now);
      if (now && reason !== undefined) return await report(now, reason);
      return fail(error, id);
    }
    const outcome = ordering.outcome(execution, []);
    if (outcome === undefined) open.set(id, { execution, events: [] });
    else await report(execution, outcome);
  };

  const from = await withClient({ paths, start: true }, async (client) => {
    const { seq, journal } = await client.hello();
    const executions = await find(client);
    await Promise.all(executions.map((execution) => give(client, execution)));
    return { after: seq, journal };
  });
  if (open.size === 0) return worst;

  const executions = [...open.values()].map(({ execution }) => execution);
  for await (const { execution, event } of followExecutions({ paths, executions, from })) {
    const known = open.get(execution.id);
    if (!known) continue;
    if (event?.type === 'control') known.events.push(event);
    const failure = event && failureOf(event, ordering.order);
    const outcome = failure ? undefined : ordering.outcome(execution, known.events);
    if (!failure && outcome === undefined) continue;
    open.delete(execution.id);
    if (failure) fail(failure, execution.id);
    else await report(execution, outcome ?? '');
    if (open.size === 0) break;
  }
  return worst;
}

/** Why the command could not be carried out, if the event says that. A stop may have become a kill meanwhile. */
function failureOf({ type, data }: ExecutionEvent, { action }: ControlOptions['order']): ProgressError | undefined {
  const error = textOf(data, 'error');
  const isStop = action === 'stop' || action === 'kill';
  const isSame = data['action'] === action || (isStop && (data['action'] === 'stop' || data['action'] === 'kill'));
  if (type !== 'control' || error === undefined || !isSame) return undefined;
  return new ProgressError(data['code'] === 'no_permission' ? 'no_permission' : 'unavailable', error);
}

/** Its id, and its name where that says more. */
export function runTitle({ id, name }: Execution): string {
  return name === id ? cleanText(id) : `${cleanText(id)} ${truncate(cleanText(name), NAME_CELLS)}`;
}

/** `is over: failed`. */
export function endText({ status }: Execution): string | undefined {
  return isFinal(status) ? `is over: ${status}` : undefined;
}
