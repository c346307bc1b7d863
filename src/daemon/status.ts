/** The daemon's status, as the request `status` and the metrics report it. */
import type { DaemonStatus } from '../api/messages.js';
import { PROTOCOL_VERSION } from '../api/messages.js';
import { VERSION } from '../core/base/version.js';
import type { SpoolIntake } from './intake/spool-intake.js';
import type { SocketServer } from './socket/server.js';
import type { DaemonContext, Store } from './store.js';

type StatusParts = DaemonContext & Store & { spool: SpoolIntake };

/** Creates the answer to the request `status`. */
export function createStatus(
  parts: StatusParts,
  server: Pick<SocketServer, 'connections' | 'refused'>,
): () => DaemonStatus {
  const { paths, settings, startedAt, journal, state, ingest, subscribers, spool, alerts, rejections } = parts;
  return () => ({
    pid: process.pid,
    version: VERSION,
    protocol: PROTOCOL_VERSION,
    startedAt,
    socket: paths.socket,
    rss: process.memoryUsage.rss(),
    connections: server.connections,
    subscribers: subscribers.size,
    executions: { alive: state.alive.size, ended: state.ended.size, summarised: state.summaries.size },
    counters: {
      events: ingest.written,
      duplicates: ingest.duplicates,
      rejected: rejections.counts,
      refusedConnections: server.refused,
    },
    journal: journal.status(),
    spool: spool.status(),
    alerts: alerts.status(),
    config: settings.status(),
  });
}
