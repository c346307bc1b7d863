/** Sends a command to the selected runs, and reports the outcome for each. */
import type { Client } from '../../client/client.js';
import { withClient } from '../../client/connect.js';
import type { ExecutionEvent } from '../../core/events/event.js';
import { textOf } from '../../core/events/event.js';
import type { Execution } from '../../core/execution.js';
import { executionToJson, isFinal } from '../../core/execution.js';
import { ProgressError } from '../../core/base/errors.js';
import type { Ask } from '../../api/messages.js';
import { endedText } from '../../core/text/state-text.js';
import { cleanText } from '../../terminal/paint.js';
import { truncate } from '../../terminal/width.js';
import type { CommandContext } from '../command.js';
import { followExecutions } from '../shared/follow-executions.js';
import { findOne } from '../shared/lookup.js';
import { complain, printJson, printLines } from '../shared/output.js';
import { commandActor } from './actor.js';
import type { Selection } from './selection.js';
import { checkSelection, isSearch, findRuns } from './selection.js';

export interface ControlOptions {
  request: Omit<Ask<'control'>, 'execution' | 'by'>;
  /** Whether the command applies to a run that a search finds. */
  isFor: (execution: Execution) => boolean;
  /** Message when there are none. */
  nothing: string;
  /** Why the command has no effect on this run; then it is not sent. */
  needless: (execution: Execution) => string | undefined;
  /** Outcome, from the events since the command; undefined while it is open. */
  outcome: (execution: Execution, events: readonly ExecutionEvent[]) => string | undefined;
}

interface Open {
  execution: Execution;
  /** Events `control` since the command. */
  events: ExecutionEvent[];
}

const NAME_CELLS = 60;

/** @returns the worst exit status, when all outcomes are known. @throws `usage` for an invalid selection */
export async function controlRuns(
  selection: Selection,
  options: ControlOptions,
  context: CommandContext,
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
      const found = (await findRuns(client, selection, context)).filter(options.isFor);
      if (found.length === 0 && !json) await printLines([options.nothing]);
      return found;
    }
    const found = new Map<string, Execution>();
    for (const text of selection.runs ?? []) {
      const execution = await findOne(client, text).catch((error: unknown) => fail(error));
      if (execution) found.set(execution.id, execution);
    }
    return [...found.values()];
  };

  const send = async (client: Client, execution: Execution) => {
    const { id } = execution;
    const why = options.needless(execution);
    if (why !== undefined) return await report(execution, why);
    try {
      await client.call('control', { execution: id, by, ...options.request });
    } catch (error) {
      // the run may have ended meanwhile
      const now = await findOne(client, id).catch(() => undefined);
      const reason = now && options.needless(now);
      if (now && reason !== undefined) return await report(now, reason);
      return fail(error, id);
    }
    const outcome = options.outcome(execution, []);
    if (outcome === undefined) open.set(id, { execution, events: [] });
    else await report(execution, outcome);
  };

  const from = await withClient({ paths, start: true }, async (client) => {
    const { seq, journal } = await client.hello();
    const executions = await find(client);
    await Promise.all(executions.map((execution) => send(client, execution)));
    return { after: seq, journal };
  });
  if (open.size === 0) return worst;

  const executions = [...open.values()].map(({ execution }) => execution);
  for await (const { execution, event } of followExecutions({ paths, executions, from })) {
    const known = open.get(execution.id);
    if (!known) continue;
    if (event?.type === 'control') known.events.push(event);
    const failure = event && failureOf(event, options.request);
    const outcome = failure ? undefined : options.outcome(execution, known.events);
    if (!failure && outcome === undefined) continue;
    open.delete(execution.id);
    if (failure) fail(failure, execution.id);
    else await report(execution, outcome ?? '');
    if (open.size === 0) break;
  }
  return worst;
}

/** @returns why the command failed, if the event reports that. A stop may have become a kill meanwhile. */
function failureOf({ type, data }: ExecutionEvent, { action }: ControlOptions['request']): ProgressError | undefined {
  const error = textOf(data, 'error');
  const isStop = action === 'stop' || action === 'kill';
  const isSame = data['action'] === action || (isStop && (data['action'] === 'stop' || data['action'] === 'kill'));
  if (type !== 'control' || error === undefined || !isSame) return undefined;
  return new ProgressError(data['code'] === 'no_permission' ? 'no_permission' : 'unavailable', error);
}

/** ID, and the name if it differs. */
export function runTitle({ id, name }: Execution): string {
  return name === id ? cleanText(id) : `${cleanText(id)} ${truncate(cleanText(name), NAME_CELLS)}`;
}

/** As in `has ended: failed`; undefined while it runs. */
export function endText({ status }: Execution): string | undefined {
  return isFinal(status) ? endedText(status) : undefined;
}
