/** Requests the positions of waiting runs in their queues. */
import type { Client } from '../../../client/client.js';
import type { Execution } from '../../../core/execution.js';
import { positionsIn } from '../../../core/state/queues.js';

/** Returns positions by ID; requests nothing if none of the executions waits in a queue. */
export async function positionsOf(
  client: Client,
  executions: readonly Pick<Execution, 'status' | 'queue'>[],
): Promise<Map<string, number>> {
  return executions.some(waitsInQueue) ? positionsIn((await client.call('queues', {})).queues) : new Map();
}

export function waitsInQueue({ status, queue }: Pick<Execution, 'status' | 'queue'>): boolean {
  return status === 'queued' && queue !== undefined;
}
