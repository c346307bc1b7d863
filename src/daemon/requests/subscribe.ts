/** The request `subscribe`. Opens a subscription on the connection. */
import { ProgressError } from '../../core/base/errors.js';
import { openSubscription } from '../read/subscription.js';
import type { ConnectionHandler } from './request-context.js';

export const handleSubscribe: ConnectionHandler<'subscribe'> = async (request, connection, context) => {
  const opened = await openSubscription(request, context);
  const { id } = request;
  connection.subscribe(id, () => {
    connection.send({ re: id, ...opened.reply, seq: context.journal.seq });
    return opened.start(connection.sinkOf(id), (error) => {
      connection.fail(ProgressError.from(error));
      connection.socket.destroy();
    });
  });
  return undefined;
};
