/** Checks the alert channels. */
import { formatDuration, formatQuantity } from '../../../core/text/format.js';
import type { ChannelStatus } from '../../../api/messages.js';
import type { Check } from './checks.js';
import { ok, warning } from './checks.js';

/** Checks channels by the daemon's status, without the desktop, which `checkNotifier` checks. */
export function checkChannels(channels: readonly ChannelStatus[] = []): Check[] {
  return channels.filter(({ type }) => type !== 'desktop').map((channel) => ({ name: 'channel', ...inspect(channel) }));
}

function inspect({ name, type, pending, counts, error, nextMs, unavailable }: ChannelStatus): Omit<Check, 'name'> {
  const trouble = unavailable ?? error;
  const what = `alerts over ${name} (${type})`;
  if (trouble === undefined) return ok(`${what}: ${counts.sent ?? 0} sent, ${pending} pending`);
  const waiting = pending === 0 ? '' : `; ${formatQuantity(pending, 'alert')} pending`;
  const next = nextMs === undefined ? '' : `, next attempt in ${formatDuration(nextMs)}`;
  const advice = `repair the channel, then test it: \`progress notify --test ${name}\``;
  return warning(`${what} cannot be sent: ${trouble}${waiting}${next}`, advice);
}
