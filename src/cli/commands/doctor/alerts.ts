/** What `progress doctor` finds out about alerts: channels over which nobody is told. */
import { formatDuration, formatQuantity } from '../../../core/format.js';
import type { ChannelStatus } from '../../../api/messages.js';
import type { Check } from './checks.js';
import { ok, warning } from './checks.js';

/** As the daemon knows them, without the desktop, which can be looked at from here. */
export function checkChannels(channels: readonly ChannelStatus[] = []): Check[] {
  return channels.filter(({ type }) => type !== 'desktop').map((channel) => ({ name: 'channel', ...inspect(channel) }));
}

function inspect({ name, type, pending, counts, error, nextMs, unavailable }: ChannelStatus): Omit<Check, 'name'> {
  const trouble = unavailable ?? error;
  const what = `alerts over ${name} (${type})`;
  if (trouble === undefined) return ok(`${what}: ${counts.sent ?? 0} sent, ${pending} to be sent`);
  const waiting = pending === 0 ? '' : `; ${formatQuantity(pending, 'alert')} to be sent`;
  const next = nextMs === undefined ? '' : `, next attempt in ${formatDuration(nextMs)}`;
  const advice = `see to the channel, then try it: \`progress notify --test ${name}\``;
  return warning(`${what} do not get through: ${trouble}${waiting}${next}`, advice);
}
