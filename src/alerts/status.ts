/** Status of rules and channels, for `progress rules` and the daemon's status. */
import type { AlertState, ChannelRecord } from '../core/state/alerts.js';
import type { ChannelStatus, RuleView } from '../api/messages.js';
import type { DeliveryQueue } from './delivery-queue.js';
import type { Rule } from './rules.js';

export function ruleView(
  { name, when, notify, severity, throttle, repeat, isBuiltin }: Rule,
  { rules }: AlertState,
): RuleView {
  const { fired = 0, at } = rules.get(name) ?? {};
  return {
    ...{ name, when, notify, throttle, repeat, fired },
    ...(severity && { severity }),
    ...(at !== undefined && { at }),
    ...(isBuiltin && { builtin: true }),
  };
}

/** @param unavailable - why the channel cannot be used now */
export function channelStatus(
  name: string,
  record: ChannelRecord | undefined,
  { channel, trouble }: DeliveryQueue,
  unavailable: string | undefined,
): ChannelStatus {
  const { pending = [], held = [], counts = {}, error, sentAt } = record ?? {};
  const last = trouble?.error ?? error;
  return {
    ...{ name, type: channel?.type ?? 'unknown', pending: pending.length, counts },
    ...(held.length > 0 && { held: held.length }),
    ...(sentAt !== undefined && { sentAt }),
    ...(last !== undefined && { error: last }),
    ...(trouble && { nextMs: Math.round(trouble.nextMs) }),
    ...(unavailable !== undefined && { unavailable }),
  };
}
