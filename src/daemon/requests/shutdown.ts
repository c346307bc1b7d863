/** The request `shutdown`. Stops the daemon after the reply is written. */
import type { ConnectionHandler } from './request-context.js';

export const handleShutdown: ConnectionHandler<'shutdown'> = (_request, connection, { shutdown }) => {
  // after the reply is written
  setImmediate(() => connection.socket.end(shutdown));
  return {};
};
