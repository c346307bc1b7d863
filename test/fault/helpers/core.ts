/** A daemon without its socket: journal, state, ingest and maintenance, in this process. */
import path from 'node:path';
import type { NewEvent } from '../../../src/core/events/event.js';
import type { StateLimits, State } from '../../../src/core/state/state.js';
import { DEFAULT_LIMITS } from '../../../src/core/state/state.js';
import { Ingest } from '../../../src/daemon/intake/ingest.js';
import { Maintenance } from '../../../src/daemon/upkeep/maintenance.js';
import { restore, restoreForWriting, writeCheckpoint } from '../../../src/journal/checkpoint.js';
import { Journal } from '../../../src/journal/journal.js';

export interface CoreOptions {
  directory: string;
  segmentBytes: number;
  retainBytes?: number;
  retainMs?: number;
  segmentMs?: number;
  limits?: StateLimits;
  now?: () => number;
}

export interface Core {
  journal: Journal;
  state: State;
  log: string[];
  write(events: readonly NewEvent[]): Promise<void>;
  /** Runs the maintenance of a start and of each hour; resolves when it is done. */
  retain(): Promise<void>;
  save(): Promise<void>;
  /** State read from the files alone. */
  reread(): Promise<State>;
  /** State from the newest checkpoint and the events after it. */
  restored(): Promise<State>;
  close(): Promise<void>;
}

export async function openCore(options: CoreOptions): Promise<Core> {
  const { directory, segmentBytes, limits = DEFAULT_LIMITS, now = Date.now } = options;
  const { retainBytes = Number.MAX_SAFE_INTEGER, retainMs = Number.MAX_SAFE_INTEGER } = options;
  const { segmentMs = Number.MAX_SAFE_INTEGER } = options;
  const log: string[] = [];
  const journal = await Journal.open({
    directory: path.join(directory, 'journal'),
    segmentBytes,
    segmentMs,
    retainBytes,
    retainMs,
    sync: 'interval',
    now,
    log: (message) => log.push(message),
  });
  const checkpointFile = path.join(directory, 'checkpoint.json');
  const state = await restoreForWriting(checkpointFile, journal.source, journal, limits);
  const ingest = new Ingest({ journal, state, now, publish: () => undefined, onDrain: () => undefined });
  const checkpoint = () => writeCheckpoint(checkpointFile, journal.id, state);
  const maintenance = new Maintenance({
    journal,
    state,
    ingest,
    checkpoint,
    log: (message) => log.push(message),
    now,
    isOpen: () => false,
    forget: () => undefined,
    retainMs: () => retainMs,
  });
  return {
    journal,
    state,
    log,
    async write(events) {
      for (const event of events) ingest.submit(structuredClone(event), 100);
      await ingest.drained();
    },
    async retain() {
      maintenance.start();
      maintenance.close();
      await ingest.drained();
    },
    save: checkpoint,
    reread: () => restore(path.join(directory, 'none'), journal.source, journal, limits),
    restored: () => restore(checkpointFile, journal.source, journal, limits),
    close: () => journal.close(),
  };
}
