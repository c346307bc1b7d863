/** The daemon's metrics in the text format of Prometheus. */
import type { State } from '../../core/state/state.js';
import type { DaemonStatus } from '../../api/messages.js';

interface Metric {
  name: string;
  type: 'counter' | 'gauge';
  help: string;
  /** Labels, as written between the braces, and values. */
  values: readonly (readonly [labels: string, value: number])[];
}

export function metricsText(status: DaemonStatus, state: State, streams: number): string {
  return metricsOf(status, state, streams)
    .map(({ name, type, help, values }) => {
      const samples = values.map(([labels, value]) => `progress_${name}${labels && `{${labels}}`} ${value}\n`);
      return `# HELP progress_${name} ${help}\n# TYPE progress_${name} ${type}\n${samples.join('')}`;
    })
    .join('');
}

function metricsOf(status: DaemonStatus, state: State, streams: number): Metric[] {
  const { counters, journal, executions } = status;
  const rejected = Object.entries(counters.rejected).map(([code, count]) => [`code="${code}"`, count] as const);
  return [
    counter('events_total', 'Events written.', counters.events),
    counter('duplicates_total', 'Duplicate events dropped.', counters.duplicates),
    { ...counter('rejected_total', 'Lines and requests rejected.', 0), values: rejected },
    counter('refused_connections_total', 'Connections refused.', counters.refusedConnections),
    { ...gauge('executions', 'Executions that have not ended, by status.', 0), values: byStatus(state) },
    gauge('executions_remembered', 'Ended executions in memory.', executions.ended + executions.summarised),
    gauge('connections', 'Connections on the socket.', status.connections),
    gauge('subscribers', 'Subscriptions, streams among them.', status.subscribers),
    gauge('streams', 'Streams over HTTP.', streams),
    gauge('spool_files', 'Spool files that are read.', status.spool.files),
    gauge('journal_bytes', 'Bytes of the journal on disk.', journal.bytes),
    gauge('journal_segments', 'Files of the journal.', journal.segments),
    gauge('journal_seq', 'The newest position written.', journal.seq),
    gauge('journal_writable', '1 while the journal can be written.', journal.failure ? 0 : 1),
    gauge('resident_memory_bytes', 'Memory of the daemon.', status.rss),
    gauge('start_time_seconds', 'Time of the start of the daemon.', Date.parse(status.startedAt) / 1_000),
  ];
}

function byStatus(state: State): [string, number][] {
  const counts = new Map<string, number>([
    ['queued', 0],
    ['running', 0],
    ['paused', 0],
  ]);
  for (const { status } of state.alive.values()) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => [`status="${status}"`, count]);
}

function counter(name: string, help: string, value: number): Metric {
  return { name, type: 'counter', help, values: [['', value]] };
}

function gauge(name: string, help: string, value: number): Metric {
  return { name, type: 'gauge', help, values: [['', value]] };
}
