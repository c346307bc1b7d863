/** Some executions as they go on, over any number of daemons. */
import type { Client } from '../../client/client.js';
import type { JournalPosition } from '../../client/follow.js';
import { follow } from '../../client/follow.js';
import type { ExecutionEvent } from '../../core/event.js';
import { EXECUTION_ENDS } from '../../core/event.js';
import type { Execution } from '../../core/execution.js';
import { executionFromJson, isFinal } from '../../core/execution.js';
import { fold } from '../../core/fold.js';
import { emptyState, findExecution, installExecution } from '../../core/state.js';
import type { Paths } from '../../platform/paths.js';
import { complain } from './output.js';

export interface FollowExecutionsOptions {
  paths: Paths;
  /** As they were known at `from`, or later. */
  executions: readonly Execution[];
  from: JournalPosition;
  signal?: AbortSignal;
}

export interface ExecutionChange {
  /** As it is after the event. */
  execution: Execution;
  /** Not given where events were missed, and it was asked for instead. */
  event?: ExecutionEvent;
}

/** Their ends, and what is done to them; nothing that they say. */
const TYPES = [...Object.keys(EXECUTION_ENDS), 'execution_started', 'execution_paused', 'execution_resumed', 'control'];

/** Until the consumer leaves, or the signal aborts. */
export async function* followExecutions({
  paths,
  executions,
  from,
  signal,
}: FollowExecutionsOptions): AsyncGenerator<ExecutionChange> {
  const state = emptyState();
  for (const execution of executions) installExecution(state, execution, isFinal(execution.status));
  let client: Client | undefined;
  for await (const followed of follow({
    paths,
    start: false,
    subscribe: { types: TYPES },
    resume: from,
    ...(signal && { signal }),
  })) {
    if (followed.kind === 'connected') client = followed.client;
    else if (followed.kind === 'lost') {
      if (followed.attempt === 0) complain(`${followed.error.message}; trying again`);
    } else if (followed.kind === 'events') {
      for (const event of followed.events) {
        const known = event.execution === undefined ? undefined : findExecution(state, event.execution);
        // what was asked for may be ahead of the stream
        if (!known || event.seq <= known.lastSeq) continue;
        fold(state, event);
        yield { execution: known, event };
      }
    } else {
      for (const { id } of executions) {
        const execution = client && (await ask(client, id));
        if (!execution) continue;
        installExecution(state, execution, isFinal(execution.status));
        yield { execution };
      }
    }
  }
}

/** Undefined when nobody knows it any more, or the daemon has gone again: then the stream tells. */
async function ask(client: Client, id: string): Promise<Execution | undefined> {
  return await client.call('get', { execution: id }).then(
    ({ execution }) => executionFromJson(execution),
    () => undefined,
  );
}
