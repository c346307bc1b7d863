/** Puts one event into the journal, for good. */
import type { Paths } from '../platform/paths.js';
import type { WireEvent } from '../api/messages.js';
import { withClient } from './connect.js';

/** Starts the daemon if there is none; resolves when the event survives power loss. */
export async function announce(paths: Paths, event: WireEvent): Promise<void> {
  await withClient({ paths, start: true }, (client) => client.call('emit', { event, synced: true }));
}
