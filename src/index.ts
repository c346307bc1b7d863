/** Library for programs: emits and follows events, lists and controls executions, through the daemon of this user. */
import type { Client } from './client/client.js';
import { connect as connectClient } from './client/connect.js';
import { follow } from './client/follow.js';
import { EXECUTION_ENDS } from './core/events/event.js';
import type { EventType, ExecutionEvent } from './core/events/event.js';
import type { EventOf } from './core/events/event-data.js';
import type { ExecutionJson } from './core/execution.js';
import type { Filter } from './core/events/filter.js';
import { resolvePaths } from './platform/paths.js';
import type { Paths } from './platform/paths.js';
import type { QueueView } from './core/state/queues.js';
import type { ControlCommand, Gap, Replies, WireEvent } from './api/messages.js';
import { announce } from './client/announce.js';
import { startDetached } from './runner/start-detached.js';
import type { RunRequest } from './runner/spec.js';
import { createSpec } from './runner/spec.js';

export { ProgressError } from './core/base/errors.js';
export type { ErrorCode } from './core/base/errors.js';
export type { EventData, EventType, ExecutionEvent } from './core/events/event.js';
export { isKnownEvent } from './core/events/event-data.js';
export type { EventDataByType, EventOf, KnownEvent } from './core/events/event-data.js';
export type { ExecutionJson as Execution, Status, Step } from './core/execution.js';
export type { QueueView } from './core/state/queues.js';
export type { ControlCommand, Gap } from './api/messages.js';

export interface Subscribe extends Filter {
  /** Start after this seq. @default all events of one execution, or the newest 100, then new ones */
  after?: number;
  /** Start with this many of the newest events. */
  last?: number;
  /** Ends the stream and closes its connection. */
  signal?: AbortSignal;
  /** Receives ranges of events that were lost to retention or damage. */
  onGap?: (gap: Gap) => void;
}

export interface Progress {
  /** Writes an event; resolves with its position in the journal. @throws {ProgressError} If it is refused. */
  emit(event: WireEvent): Promise<Replies['emit']>;
  /**
   * Iterates over all matching events in order, without end; lost connections are re-established.
   *
   * With `types` that are known, `event.type` narrows `event.data`; otherwise use `isKnownEvent`.
   *
   * @example
   * for await (const event of client.subscribe({ types: ['progress', 'log'] })) {
   *   if (event.type === 'progress') console.log(event.data.current, event.data.total);
   * }
   */
  subscribe<const Type extends EventType>(
    options: Subscribe & { types: readonly Type[] },
  ): AsyncIterable<EventOf<Type>>;
  subscribe(options?: Subscribe): AsyncIterable<ExecutionEvent>;
  /** Lists open executions, newest first. @param options `all`: ended ones too, at most 1,000 in total. */
  list(options?: { all?: boolean }): Promise<ExecutionJson[]>;
  /** Finds an execution by ID, unique prefix of an ID, or name. @throws {ProgressError} `not_found` or `ambiguous`. */
  get(execution: string): Promise<ExecutionJson>;
  /** Stops, pauses, resumes or signals a run. @returns Its full ID. */
  control(execution: string, order: ControlCommand): Promise<string>;
  queues(): Promise<QueueView[]>;
  close(): Promise<void>;
}

/**
 * Connects to the daemon, starting it if needed.
 *
 * @throws {ProgressError} If no daemon is running and none can be started.
 */
export async function connect({ env = process.env }: { env?: NodeJS.ProcessEnv } = {}): Promise<Progress> {
  const paths = resolvePaths(env);
  const client = await connectClient({ paths, start: true, name: `library of process ${process.pid}` });
  return createProgress(paths, client);
}

export interface RunOptions extends Omit<RunRequest, 'argv'> {
  /** Stops the run, which ends as `cancelled`. */
  signal?: AbortSignal;
}

export interface RunHandle {
  readonly id: string;
  /** Resolves with the ended execution, whatever its outcome. Rejects if it could not be started. */
  readonly ended: Promise<ExecutionJson>;
}

/**
 * Runs a command as an execution with a separate runner, so that it continues when this process ends.
 *
 * @throws {ProgressError} For invalid options.
 */
export function run(command: string, args: readonly string[] = [], options: RunOptions = {}): RunHandle {
  const { signal, ...wanted } = options;
  const paths = resolvePaths();
  const spec = createSpec({ ...wanted, argv: [command, ...args] }, process.env, paths);
  const ended = (async () => {
    signal?.throwIfAborted();
    const client = await connectClient({ paths, start: true });
    const stop = () =>
      void client.call('control', { execution: spec.id, action: 'stop', by: 'its program' }).catch(() => {});
    try {
      const { seq: after } = await client.hello();
      await startDetached(paths, spec, (event) => announce(paths, event));
      if (signal?.aborted) stop();
      else signal?.addEventListener('abort', stop, { once: true });
      const end = createProgress(paths, client).subscribe({
        after,
        execution: spec.id,
        types: Object.keys(EXECUTION_ENDS),
      });
      for await (const _event of end) break;
      return (await client.call('get', { execution: spec.id })).execution;
    } finally {
      signal?.removeEventListener('abort', stop);
      await client.close();
    }
  })();
  return { id: spec.id, ended };
}

function createProgress(paths: Paths, client: Client): Progress {
  return {
    emit: (event) => client.call('emit', { event }),
    // the daemon filters by type
    subscribe: ((options?: Subscribe) => subscribe(paths, options)) as Progress['subscribe'],
    list: async ({ all = false } = {}) => (await client.call('list', { all, limit: 1_000 })).executions,
    get: async (execution) => (await client.call('get', { execution })).execution,
    control: async (execution, order) => (await client.call('control', { execution, ...order })).execution,
    queues: async () => (await client.call('queues', {})).queues,
    close: () => client.close(),
  };
}

async function* subscribe(paths: Paths, options: Subscribe = {}): AsyncGenerator<ExecutionEvent, void> {
  const { signal, onGap, ...asked } = options;
  for await (const followed of follow({
    paths,
    start: true,
    subscribe: asked,
    ...(signal && { signal }),
  })) {
    if (followed.kind === 'gap') onGap?.(followed.gap);
    if (followed.kind === 'events') yield* followed.events;
  }
}
