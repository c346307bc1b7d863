/** The request `notify`. Sends a notification, or tests a channel. */
import { ProgressError } from '../../core/base/errors.js';
import type { PlainHandler } from './request-context.js';

export const handleNotify: PlainHandler<'notify'> = async ({ test, ...notice }, _caller, { alerts }) => {
  const [channel] = notice.channels;
  if (channel === undefined) throw new ProgressError('bad_request', 'notify: at least one channel is required');
  if (test) return { pending: [], attempt: await alerts.test(channel) };
  return { pending: await alerts.notify(notice) };
};
