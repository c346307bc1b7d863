/** The request `shutdown`. Stops the daemon after the reply is written. */
import type { BoundHandler } from './request-context.js';

export const handleShutdown: BoundHandler<'shutdown'> = (_request, connection, { shutdown }) => {
  // after the reply is written
  setImmediate(() => connection.socket.end(shutdown));
  return {};
};
