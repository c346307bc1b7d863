/** Follows the state of given executions, also when the daemon restarts. */
import type { Client } from '../../client/client.js';
import type { JournalPosition } from '../../client/follow.js';
import { follow } from '../../client/follow.js';
import type { ExecutionEvent } from '../../core/events/event.js';
import { EXECUTION_ENDS } from '../../core/events/event.js';
import type { Execution } from '../../core/execution.js';
import { isFinal } from '../../core/execution.js';
import { fold } from '../../core/fold.js';
import { emptyState, findExecution, installExecution } from '../../core/state/state.js';
import type { Paths } from '../../platform/paths.js';
import { findOne } from './lookup.js';
import { reportLost } from './stream-errors.js';

export interface FollowExecutionsOptions {
  paths: Paths;
  /** Their state at `from`, or later. */
  executions: readonly Execution[];
  from: JournalPosition;
  signal?: AbortSignal;
}

export interface ExecutionChange {
  /** State after the event. */
  execution: Execution;
  /** Absent when events were missed and the state was requested instead. */
  event?: ExecutionEvent;
}

/** Changes of state and controls, without output. */
const TYPES = [...Object.keys(EXECUTION_ENDS), 'execution_started', 'execution_paused', 'execution_resumed', 'control'];

/** Follows until the consumer stops iterating, or the signal aborts. */
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
    else if (followed.kind === 'lost') reportLost(followed);
    else if (followed.kind === 'events') {
      for (const event of followed.events) {
        const known = event.execution === undefined ? undefined : findExecution(state, event.execution);
        // the requested state may be ahead of the stream
        if (!known || event.seq <= known.lastSeq) continue;
        fold(state, event);
        yield { execution: known, event };
      }
    } else {
      // without an answer it is unknown, or the connection is lost again, which the stream reports
      for (const { id } of executions) {
        const execution = client && (await findOne(client, id).catch(() => undefined));
        if (!execution) continue;
        installExecution(state, execution, isFinal(execution.status));
        yield { execution };
      }
    }
  }
}
