/** Writes one event to the journal durably. */
import type { Paths } from '../platform/paths.js';
import type { WireEvent } from '../api/messages.js';
import { withClient } from './connect.js';

/** Sends an event, starting the daemon if needed; resolves once the event is synced to disk. */
export async function announce(paths: Paths, event: WireEvent): Promise<void> {
  await withClient({ paths, start: true }, (client) => client.call('emit', { event, synced: true }));
}
