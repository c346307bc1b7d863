/** A runner's ear: orders come over the socket, whenever a daemon is there. Events do not go this way. */
import { connect } from '../client/connect.js';
import type { Client } from '../client/client.js';
import type { Paths } from '../platform/paths.js';
import type { RunCommand } from '../api/messages.js';

export interface ControlChannel {
  close(): void;
}

export interface ControlChannelOptions {
  paths: Paths;
  run: string;
  /** Start a daemon if there is none: once, since somebody may have stopped it later. */
  start: boolean;
  onOrder: (order: RunCommand['order']) => void;
}

/** A daemon that has just been started finds its runs within this. */
const RETRY_MS = 400;

export function openControlChannel({ paths, run, start, onOrder }: ControlChannelOptions): ControlChannel {
  let client: Client | undefined;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const abort = new AbortController();

  const attach = async (mayStart: boolean) => {
    try {
      const connected = await connect({ paths, start: mayStart, name: `run ${run}`, onOrder, signal: abort.signal });
      if (closed) return connected.destroy();
      client = connected;
      await client.call('attach', { run });
      await client.closed;
    } catch {
      client?.destroy();
    }
    client = undefined;
    if (closed) return;
    timer = setTimeout(() => void attach(false), RETRY_MS);
    timer.unref();
  };
  void attach(start);

  return {
    close() {
      closed = true;
      clearTimeout(timer);
      abort.abort();
      client?.destroy();
    },
  };
}
