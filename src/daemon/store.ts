/** The daemon's store: journal, state, intake and alerts, used by every other part. */
import type { resolveAgentPaths } from '../agents/agent-paths.js';
import type { Alerts } from '../alerts/alerts.js';
import { createRecovery } from '../alerts/recovery.js';
import { createRules } from '../alerts/rules.js';
import { realClock } from '../core/base/clock.js';
import type { State } from '../core/state/state.js';
import { restoreForWriting } from '../journal/checkpoint.js';
import type { Journal } from '../journal/journal.js';
import type { Paths } from '../platform/paths.js';
import { createAlerting } from './alerting.js';
import type { Components } from './component.js';
import type { Log } from './daemon-log.js';
import { Ingest } from './intake/ingest.js';
import { Intake } from './intake/intake.js';
import { OwnEventRecorder, type RecordEvent } from './intake/recorder.js';
import type { Lock } from './lock.js';
import { Subscribers } from './read/subscribers.js';
import type { Rejections } from './rejections.js';
import type { Settings } from './settings.js';
import { Checkpoints } from './upkeep/checkpoints.js';
import { openJournal } from './upkeep/open-journal.js';
import { StoreSettings } from './upkeep/store-settings.js';

export interface DaemonOptions {
  paths: Paths;
  /** Paths of the agents. @default resolveAgentPaths() */
  agents?: ReturnType<typeof resolveAgentPaths>;
  settings: Settings;
  log: Log;
  /** Unix time in milliseconds. @default Date.now */
  now?: () => number;
  /** Aborts the start. */
  signal?: AbortSignal;
}

/** Context of every part of the daemon. */
export interface DaemonContext extends Omit<Required<DaemonOptions>, 'signal'> {
  lock: Lock;
  /** ISO 8601. */
  startedAt: string;
  /** Makes the daemon stop. */
  leave: (reason: string) => void;
  rejections: Rejections;
  components: Components;
}

/** The journal, its derived state, and the intake. */
export interface Store {
  journal: Journal;
  state: State;
  /** The start has read many events after the last checkpoint. */
  isBehind: boolean;
  checkpoints: Checkpoints;
  subscribers: Subscribers;
  ingest: Ingest;
  intake: Intake;
  record: RecordEvent;
  alerts: Alerts;
}

/** Opens journal, checkpoints, subscribers, ingest and alerts. They close last, after everything that writes. */
export async function openStore(context: DaemonContext, signal: AbortSignal | undefined): Promise<Store> {
  const { paths, settings, log, now, components } = context;
  const config = settings.current;
  const recorder = new OwnEventRecorder();
  const { record } = recorder;
  const journal = await openJournal(paths, config, { now, log, note: (event) => record(event) });
  components.add({ close: () => journal.close() });
  const recovery = createRecovery(createRules(config.rules, config.alerts.interactive), journal.id, realClock, now);
  let isBehind = false as boolean;
  const observer = {
    onEvent: recovery.observe.bind(recovery),
    onLongRead: () => (isBehind = true),
  };
  const limits = config.memory;
  const state = await restoreForWriting(paths.checkpoint, journal.source, journal, limits, { observer, signal });

  const checkpoints = components.add(new Checkpoints({ file: paths.checkpoint, journal, state, log }));
  const subscribers = components.add(new Subscribers(journal.source, journal.seq, () => performance.now()));
  const ingest = components.add(
    new Ingest({
      ...{ journal, state, now },
      publish: (batch) => components.onBatch(batch),
      onDrain: () => components.onDrain(),
    }),
  );
  const intake = new Intake({ ingest, config: () => settings.current });
  components.add({ start: () => recorder.open(intake) });
  components.add(new StoreSettings({ journal, state, ingest, record, queues: config.queues }));
  const recovered = recovery.end(state);
  const alerts = components.add(createAlerting({ journal, state, ingest, recovered, settings: config, now, log }));
  checkpoints.beforeEach(() => alerts.flush());
  return { journal, state, isBehind, checkpoints, subscribers, ingest, intake, record, alerts };
}
