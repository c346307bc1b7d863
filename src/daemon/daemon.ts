/** The daemon as a value: its components in one ordered list, from a configuration and paths, running until `close`. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { resolveAgentPaths } from '../agents/agent-paths.js';
import { openProcessRegistries } from '../agents/process-registries.js';
import { createDeferred } from '../core/base/deferred.js';
import { ProgressError } from '../core/base/errors.js';
import { VERSION } from '../core/base/version.js';
import { readExecution } from '../journal/history.js';
import type { Paths } from '../platform/paths.js';
import { ensurePrivateDirectory } from '../platform/private-directory.js';
import { maxDescriptors } from '../platform/processes.js';
import { Components } from './component.js';
import { createAccess } from './http/access.js';
import { loadAssets } from './http/assets.js';
import { DaemonRouter } from './http/router.js';
import { Http } from './http/web.js';
import { SpoolIntake } from './intake/spool-intake.js';
import type { Lock } from './lock.js';
import { acquireLock } from './lock.js';
import { OwnershipWatch } from './ownership-watch.js';
import { Logs } from './read/logs.js';
import { Rejections } from './rejections.js';
import { createHandlers } from './requests/handlers.js';
import { InactivityWatch } from './runs/inactivity.js';
import { ResourceSampler } from './runs/resources.js';
import { Runs } from './runs/runs.js';
import { Scheduler } from './runs/scheduler.js';
import { createAgentStates } from './sessions/agent-states.js';
import { loseOpen } from './sessions/lost-writers.js';
import { SessionWatchers } from './sessions/session-watchers.js';
import { createSessions } from './sessions/sessions.js';
import { Connection } from './socket/connection.js';
import { placesWithin } from './socket/descriptors.js';
import { SocketServer } from './socket/server.js';
import { createStatus } from './status.js';
import type { DaemonContext, DaemonOptions, Store } from './store.js';
import { openStore } from './store.js';
import { Maintenance } from './upkeep/maintenance.js';
import { Pruning } from './upkeep/pruning.js';

export interface Daemon {
  readonly socket: string;
  /** Resolves with the reason when the daemon must leave: a client has requested it, or its lock or socket was replaced. */
  readonly leaving: Promise<string>;
  /** Closes all components. Everything taken is written and synced then, and the lock is released last. */
  close(): Promise<void>;
}

/** Creates the directories and takes the lock. Returns undefined when another daemon has this state directory. */
export function claim(paths: Paths): Lock | undefined {
  ensurePrivateDirectory(paths.state);
  ensurePrivateDirectory(paths.runtime);
  return acquireLock(paths.lock);
}

/**
 * Starts all components, or none: when one fails, those that are open are closed, and the lock is released.
 *
 * The order of the list is that of the functions below: the store (lock, journal, checkpoints, ingest, alerts), the
 * producers (agents, spool, session files, runs), upkeep, and last the listeners. So a client finds a daemon that works,
 * and when the daemon stops, input ends first and everything taken is written before the last checkpoint.
 */
export async function startDaemon(lock: Lock, options: DaemonOptions): Promise<Daemon> {
  const { paths, agents = resolveAgentPaths(), settings, log, signal } = options;
  const components = new Components(log);
  const { promise: leaving, resolve: leave } = createDeferred<string>();
  try {
    components.add({ close: () => lock.release() });
    const now = options.now ?? Date.now;
    const startedAt = new Date(now()).toISOString();
    const rejections = new Rejections();
    const context = { lock, paths, agents, settings, log, now, startedAt, leave, rejections, components };
    const store = await openStore(context, signal);
    const parts = { ...context, ...store, ...addProducers(context, store) };
    addListeners({ ...parts, ...addUpkeep(parts) });
    await components.start(signal);
    settings.onChange((config) => components.configure(config));
    const { id, seq } = store.journal;
    log(`listening on ${paths.socket}, journal ${path.basename(paths.journal)} ${id} at ${seq}`);
  } catch (error) {
    await components.close().catch((failure: unknown) => {
      log(`while a failed start was undone: ${ProgressError.from(failure).message}`);
    });
    throw error;
  }
  return {
    socket: paths.socket,
    leaving,
    async close() {
      await components.close();
      log('stopped');
    },
  };
}

interface Producers {
  spool: SpoolIntake;
  sessionWatchers: SessionWatchers;
  runs: Runs;
}

/** Adds producers: agents, spool, session files and runs. */
function addProducers(context: DaemonContext, store: Store): Producers {
  const { paths, agents, settings, log, now, components } = context;
  const { journal, state, intake, record, checkpoints, subscribers, alerts, ingest } = store;
  const registries = openProcessRegistries(agents);
  components.add(createAgentStates({ state, registries, record, now }));
  const sessionWatchers = new SessionWatchers({
    ...{ agents, config: settings.current, intake, state, registries, log, now },
  });
  const sessions = components.add(
    createSessions({
      ...{ state, record, log, now, registries },
      // the file is read once the state has this call and the earlier ones
      onTranscript: (agent, file, session) => void ingest.between(() => sessionWatchers.name(agent, file, session)),
    }),
  );
  const spool = components.add(
    new SpoolIntake({
      ...{ paths, state, intake, log, now },
      eventsOfHook: (line) => sessions.eventsOf(line),
      syncedSeq: () => journal.status().synced,
      // without syncing, a written event counts as synced
      position: () => ({
        seq: journal.seq,
        synced: settings.current.journal.sync === 'never' ? journal.seq : journal.synced,
      }),
      masks: () => settings.current.masks,
      reject: context.rejections.count,
    }),
  );
  checkpoints.afterLast(() => spool.eraseSecrets());
  components.add(sessionWatchers);
  const runs = components.add(
    new Runs({ paths, state, record, readSpool: (source) => spool.drainSource(source), log }),
  );
  spool.onWriterGone((source, error) => loseOpen(state, source, { runs, record, error }));
  const resources = components.add(
    new ResourceSampler({
      live: () => runs.live(),
      isWatched: (execution) => subscribers.isAwaited({ type: 'resource_update', execution, data: {} }),
      isNeeded: (execution) => alerts.needsResources(execution),
      record,
    }),
  );
  runs.onLive(() => resources.check());
  subscribers.onJoin(() => resources.check());
  components.add(new InactivityWatch({ state, ingest, settings: () => settings.current.silence, log, now }));
  return { spool, sessionWatchers, runs };
}

type Parts = DaemonContext & Store & Producers;

interface Upkeep {
  logs: Logs;
  pruning: Pruning;
}

/** Adds retention, pruning and checkpoints. */
function addUpkeep(parts: Parts): Upkeep {
  const { settings, log, now, components, journal, state, ingest, checkpoints, subscribers } = parts;
  const { spool, sessionWatchers, runs } = parts;
  const checkpoint = checkpoints.write;
  components.add(
    new Maintenance({
      ...{ journal, state, ingest, checkpoint, log, now, isBehind: parts.isBehind },
      retainMs: () => settings.current.journal.retainAge,
      isOpen: (source) => spool.isOpen(source) || sessionWatchers.isOpen(source),
      forget: (time) => runs.forget(time),
    }),
  );
  const logs = new Logs(journal.source);
  const pruning = components.add(
    new Pruning({
      ...{ journal, state, ingest, checkpoint, log },
      eraseSpool: () => spool.eraseTaken(() => journal.sync()),
      forget(ids) {
        subscribers.forget(ids);
        for (const id of ids) {
          logs.forget(id);
          runs.erase(id);
        }
      },
    }),
  );
  return { logs, pruning };
}

/** Adds the socket and HTTP, and components that need them: the lock file announces the socket, runners connect to it. */
function addListeners(parts: Parts & Upkeep): void {
  const { lock, paths, settings, log, now, leave, components, journal, state, intake, record, rejections } = parts;
  const { spool, ingest, runs } = parts;
  const config = settings.current;
  const reject = rejections.count;
  const places = placesWithin(maxDescriptors());
  const access = createAccess(paths.webToken, now);
  const { maxConnections } = config.socket;
  const server = components.add(new SocketServer({ socket: paths.socket, maxConnections, places: places.socket }));
  const http = components.add(new Http({ paths, config: config.web, access, places: places.http, reject, log }));
  const status = createStatus(parts, server);
  const handlers = createHandlers({
    ...parts,
    version: VERSION,
    async catchUp() {
      spool.readAll();
      await ingest.drained();
    },
    web: http,
    status,
    shutdown: () => leave('a client requested it'),
  });
  server.onConnection((client) => new Connection(client, { intake, handlers, now, reject }));
  const assets = loadAssets(fileURLToPath(new URL('./viewer/', import.meta.url)));
  const web = () => settings.current.web;
  http.route(new DaemonRouter({ intake, handlers, status, state, access, assets, config: web, reject }));
  components.add(new OwnershipWatch({ lock, server, paths, leave }));
  components.add(
    new Scheduler({
      state,
      record,
      isRun: (id) => runs.isRun(id),
      begin: (execution) => runs.begin(execution),
      find: (id) => readExecution(journal.source, id),
    }),
  );
}
