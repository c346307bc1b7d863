/** The request `queues`. Lists the queues. */
import { queueViews } from '../../core/state/queues.js';
import type { PlainHandler } from './request-context.js';

export const handleQueues: PlainHandler<'queues'> = (_request, _caller, { state }) => ({ queues: queueViews(state) });
