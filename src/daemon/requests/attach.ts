/** The request `attach`. Connects a runner: commands for its run are pushed on this connection. */
import type { ConnectionHandler } from './request-context.js';

export const handleAttach: ConnectionHandler<'attach'> = ({ run }, connection, { runs }) => {
  const closed = new Promise<void>((resolve) => connection.socket.once('close', () => resolve()));
  runs.attach(run, { send: (line) => connection.send(line), closed });
  return {};
};
