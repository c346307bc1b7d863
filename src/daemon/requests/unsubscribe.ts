/** The request `unsubscribe`. Ends a subscription of the connection. */
import { ProgressError } from '../../core/base/errors.js';
import type { ConnectionHandler } from './request-context.js';

export const handleUnsubscribe: ConnectionHandler<'unsubscribe'> = (request, connection) => {
  const subscriber = connection.subscriptions.get(request.subscription);
  if (!subscriber) throw new ProgressError('not_found', `no subscription ${JSON.stringify(request.subscription)}`);
  subscriber.close();
  connection.subscriptions.delete(request.subscription);
  return {};
};
