/** The request `status`. Returns the status of the daemon. */
import type { PlainHandler } from './request-context.js';

export const handleStatus: PlainHandler<'status'> = (_request, _caller, { status }) => status();
