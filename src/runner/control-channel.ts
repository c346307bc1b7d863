/**
 * Control channel: receives commands from the daemon over its socket, and reconnects. Events go through the spool.
 */
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
  /** Start a daemon if there is none. Only for the first connection, since a user may stop the daemon later. */
  start: boolean;
  onCommand: (command: RunCommand) => void;
}

/** Interval of connection attempts: a daemon waits longer than this for the runners of its runs. */
const RETRY_MS = 400;

export function openControlChannel({ paths, run, start, onCommand }: ControlChannelOptions): ControlChannel {
  let client: Client | undefined;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const abort = new AbortController();

  const attach = async (mayStart: boolean) => {
    try {
      const connected = await connect({ paths, start: mayStart, name: `run ${run}`, onCommand, signal: abort.signal });
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
