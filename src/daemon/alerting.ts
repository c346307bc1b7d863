/** Connects alerts with the daemon's journal, state and channels. */
import type { AlertsOptions } from '../alerts/alerts.js';
import { Alerts } from '../alerts/alerts.js';
import { createAlertChannel } from '../alerts/channels/create.js';
import { realClock } from '../core/base/clock.js';
import type { ExecutionEvent } from '../core/events/event.js';
import { readExecution } from '../journal/history.js';
import type { Journal } from '../journal/journal.js';
import type { JournalSource } from '../journal/reader.js';
import { readJournal } from '../journal/reader.js';
import type { Ingest } from './intake/ingest.js';

export interface AlertingOptions extends Pick<AlertsOptions, 'state' | 'recovered' | 'settings' | 'now' | 'log'> {
  journal: Journal;
  ingest: Ingest;
}

export function createAlerting({ journal, ingest, ...options }: AlertingOptions): Alerts {
  return new Alerts({
    ...options,
    journal: journal.id,
    open: (name, config) => createAlertChannel(name, config, process.env),
    read: (seqs) => readEvents(journal.source, seqs),
    find: (id) => readExecution(journal.source, id),
    writer: ingest,
    clock: realClock,
  });
}

/** Reads each event from its own block: those of one channel may be far apart. */
async function readEvents(source: JournalSource, seqs: readonly number[]): Promise<ExecutionEvent[]> {
  const events: ExecutionEvent[] = [];
  for (const seq of seqs) {
    for await (const part of readJournal(source, { after: seq - 1, through: seq })) {
      if ('events' in part) events.push(...part.events);
    }
  }
  return events;
}
