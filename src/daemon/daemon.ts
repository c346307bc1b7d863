/** The daemon as a value: everything built from a configuration and paths, running until `close`. */
import type { FSWatcher } from 'node:fs';
import { watch } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRecovery } from '../alerts/recovery.js';
import { createRules } from '../alerts/rules.js';
import { realClock } from '../core/clock.js';
import { createDeferred } from '../core/deferred.js';
import type { Entrance } from '../core/route.js';
import type { NewEvent } from '../core/event.js';
import { EXECUTION_ENDS, textOf } from '../core/event.js';
import { STARTS } from '../core/fold.js';
import { toDeclare } from '../core/queues.js';
import type { State } from '../core/state.js';
import { findExecution, setLimits } from '../core/state.js';
import type { Config } from '../config/load.js';
import { createSenderLookup } from '../platform/senders.js';
import { ProgressError } from '../core/errors.js';
import { restoreForWriting, writeCheckpoint } from '../journal/checkpoint.js';
import { readExecution } from '../journal/history.js';
import type { Paths } from '../platform/paths.js';
import { maxDescriptors } from '../platform/processes.js';
import { splitEvent } from '../protocol/encode.js';
import type { DaemonStatus } from '../api/messages.js';
import { PROTOCOL_VERSION } from '../api/messages.js';
import { RUN_KIND, SCRIPT_KIND } from '../spool/names.js';
import type { Spool, SpoolOptions } from '../spool/spool.js';
import { openSpool } from '../spool/spool.js';
import { HOOK_TYPE } from '../agents/hook-call.js';
import { VERSION } from '../core/version.js';
import { type Admit, createIntakeFilter, createMask } from './intake/intake.js';
import { createAlerting } from './alerting.js';
import type { Log } from './daemon-log.js';
import { createHandlers } from './requests/handlers.js';
import { createIgnoreFilter, type IgnoreFilter } from './intake/ignore-filter.js';
import type { Ingest, Origin } from './intake/ingest.js';
import { createAccess } from './http/access.js';
import { loadAssets } from './http/assets.js';
import { createHttpRouter } from './http/router.js';
import { openHttp } from './http/web.js';
import { createIngest } from './intake/ingest.js';
import type { Lock } from './lock.js';
import { acquireLock } from './lock.js';
import { loseOpen } from './sessions/lost-writers.js';
import { createLogs } from './read/logs.js';
import { createMaintenance } from './upkeep/maintenance.js';
import { createSourceOrder } from './intake/source-order.js';
import { placesWithin } from './socket/descriptors.js';
import { ensurePrivateDirectory } from '../platform/private-directory.js';
import { createPruning } from './upkeep/pruning.js';
import { createResources } from './runs/resources.js';
import { createRuns } from './runs/runs.js';
import { createScheduler } from './runs/scheduler.js';
import { openJournal, tuningOf } from './upkeep/open-journal.js';
import { listen } from './socket/server.js';
import type { Settings } from './settings.js';
import { createSessionWatchers } from './sessions/session-watchers.js';
import { openRegistry } from '../agents/claude/process-registry.js';
import { createAgentStates } from './sessions/agent-states.js';
import type { Sessions } from './sessions/sessions.js';
import { createSessions } from './sessions/sessions.js';
import { dropForeignParent } from './intake/shell-parent.js';
import { createInactivityWatch } from './runs/inactivity.js';
import { createSubscribers } from './read/subscribers.js';

export interface Daemon {
  readonly socket: string;
  /** Resolves when it has been asked to leave: by a client, or because its lock or socket is gone. */
  readonly leaving: Promise<string>;
  /** Everything taken is written and synced; the socket is gone before the lock is. */
  close(): Promise<void>;
}

export interface DaemonOptions {
  paths: Paths;
  settings: Settings;
  log: Log;
  now?: () => number;
  /** Ends the start, not the daemon. */
  signal?: AbortSignal;
}

/** Is the socket still there, is the lock still ours? The system tells; where it does not, a look now and then does. */
const WATCH_MS = 60_000;

/** Directories and lock; undefined when another daemon of this state directory runs. */
export function claim(paths: Paths): Lock | undefined {
  ensurePrivateDirectory(paths.state);
  ensurePrivateDirectory(paths.runtime);
  return acquireLock(paths.lock);
}

/** Starts all of it, or nothing: what a failed start has opened is closed in reverse order, the lock last. */
export async function startDaemon(lock: Lock, options: DaemonOptions): Promise<Daemon> {
  const undo: Undo[] = [() => lock.release()];
  try {
    return await start(lock, options, undo);
  } catch (error) {
    for (const step of undo.toReversed()) {
      try {
        await step();
      } catch (thrown) {
        options.log(`while a failed start was undone: ${ProgressError.from(thrown).message}`);
      }
    }
    throw error;
  }
}

type Undo = () => Promise<void> | void;

async function start(
  lock: Lock,
  { paths, settings, log, now = Date.now, signal }: DaemonOptions,
  undo: Undo[],
): Promise<Daemon> {
  const config = settings.current;
  const startedAt = new Date(now()).toISOString();
  const admit = createIntakeFilter(() => settings.current.masks);
  const createSecretTest = () => holdsSecret(createMask(() => settings.current.masks));
  const ignoring = createIgnoreFilter(() => settings.current.ignore);
  const early: NewEvent[] = [];
  let note = (event: NewEvent): void => void early.push(event);

  const journal = await openJournal(paths, config, { now, log, note: (event) => note(event) });
  undo.push(() => journal.close());
  const recovery = createRecovery(createRules(config.rules, config.alerts.interactive), journal.id, realClock, now);
  let isBehind = false as boolean;
  const state = await restoreForWriting(paths.checkpoint, journal.source, journal, config.memory, {
    observer: {
      saw: (event, execution, read) => recovery.saw(event, execution, read),
      readMuch: () => (isBehind = true),
    },
    signal,
  });

  const onJoin = () => resources.check();
  const subscribers = createSubscribers(journal.source, journal.seq, () => performance.now(), onJoin);
  const ingest = createIngest({
    journal,
    state,
    now,
    publish: (batch) => {
      subscribers.publish(batch);
      maintenance.onBatch(batch);
      alerts.onBatch(batch.events);
      runs.onBatch(batch.events);
      scheduler.onBatch(batch.events);
      resources.onBatch(batch.events);
      silence.onBatch(batch.events);
      agentStates.onBatch(batch.events);
    },
    onDrain: () => {
      server.resume();
      spool.resume();
      following.resume();
    },
  });
  const checkpoint = async () => {
    // what is judged is not judged again from a checkpoint on
    await alerts.flush();
    await journal.sync();
    await writeCheckpoint(paths.checkpoint, journal.id, state);
  };
  const maintenance = createMaintenance({
    journal,
    state,
    ingest,
    checkpoint,
    log,
    now,
    retainMs: () => settings.current.journal.retainAge,
    isOpen: (source) => spool.isOpen(source) || following.isOpen(source),
    forget: (time) => runs.forget(time),
  });

  undo.push(() => maintenance.stop());
  const silence = createInactivityWatch({ state, ingest, settings: () => settings.current.silence, log, now });
  undo.push(
    () => ingest.drained(),
    () => silence.stop(),
  );
  const recordThen = (event: NewEvent, settled: () => void = () => undefined) =>
    ingest.submit(event, JSON.stringify(event.data).length, { written: settled, duplicate: settled, refused: settled });
  // takes an event alone, since loops such as forEach pass more than that
  const record = (event: NewEvent) => recordThen(event);
  const recovered = recovery.end(state);
  const alerts = createAlerting({ journal, state, ingest, recovered, settings: config, now, log });
  undo.push(() => alerts.close());
  // a full disk takes none; the next start reads the same again then
  if (isBehind) ingest.between(checkpoint).catch(() => undefined);

  const runs = createRuns({
    paths,
    state,
    record: recordThen,
    readSpool: (source) => spool.look(source),
    onLive: () => resources.check(),
    log,
  });
  const resources = createResources({
    live: () => runs.live(),
    isWatched: (execution) => subscribers.isAwaited({ type: 'resource_update', execution, data: {} }),
    isJudged: (execution) => alerts.isAskedForResources(execution),
    record,
  });
  const scheduler = createScheduler({
    state,
    record,
    isRun: (id) => runs.isRun(id),
    begin: (execution) => runs.begin(execution),
    find: (id) => readExecution(journal.source, id),
  });

  const registry = openRegistry({ directory: paths.registry });
  const agentStates = createAgentStates({ state, registry, record, now });
  const following = createSessionWatchers({ paths, config, admit, state, ingest, registry, log, now });
  // the file is read when the state has what this call, and those before it, say
  const onTranscript = (agent: string, file: string, session: string) =>
    void ingest.between(() => following.name(agent, file, session));
  const sessions = createSessions({ state, record, onTranscript, log, now, registry });
  undo.push(
    () => runs.close(),
    () => resources.close(),
    () => scheduler.close(),
    () => following.close(),
    () => sessions.close(),
    () => agentStates.close(),
  );

  const rejected: Record<string, number> = {};
  const reject = (code: string) => (rejected[code] = (rejected[code] ?? 0) + 1);
  const { promise: leaving, resolve: leave } = createDeferred<string>();

  const status = (): DaemonStatus => ({
    pid: process.pid,
    version: VERSION,
    protocol: PROTOCOL_VERSION,
    startedAt,
    socket: paths.socket,
    rss: process.memoryUsage.rss(),
    connections: server.connections.size,
    subscribers: subscribers.size,
    executions: { alive: state.alive.size, ended: state.ended.size, summarised: state.summaries.size },
    counters: {
      events: ingest.written,
      duplicates: ingest.duplicates,
      rejected,
      refusedConnections: server.refused,
    },
    journal: journal.status(),
    spool: spool.status(),
    alerts: alerts.status(),
    config: settings.status(),
  });
  const logs = createLogs(journal.source);
  const pruning = createPruning({
    journal,
    state,
    ingest,
    checkpoint,
    eraseSpool: () => spool.eraseTaken(() => journal.sync()),
    forget(ids) {
      subscribers.forget(ids);
      for (const id of ids) {
        logs.forget(id);
        runs.erase(id);
      }
    },
    log,
  });
  undo.push(() => pruning.close());
  const access = createAccess(paths.webToken, now);
  const admitInOrder: Admit = (event) => {
    // what a command tells goes to the spool, and the one who says that it has ended need not have waited for that
    if (Object.hasOwn(EXECUTION_ENDS, event.type)) spool.catchUp();
    return admit(event);
  };
  const handlers = createHandlers({
    paths,
    version: VERSION,
    state,
    journal,
    ingest,
    admit: admitInOrder,
    subscribers,
    runs,
    following,
    logs,
    alerts,
    pruning,
    async catchUp() {
      spool.readAhead(() => true);
      await ingest.drained();
    },
    web: { on: (wanted) => http.on(wanted), off: () => http.off() },
    status,
    shutdown: () => leave('a client asked for it'),
  });
  const places = placesWithin(maxDescriptors());
  const assets = loadAssets(fileURLToPath(new URL('./viewer/', import.meta.url)));
  signal?.throwIfAborted();
  const server = await listen({
    socket: paths.socket,
    maxConnections: config.socket.maxConnections,
    places: places.socket,
    context: { ingest, admit: admitInOrder, handlers, now, reject },
  });
  undo.push(() => server.close());
  // on the same turn: the first connection finds it
  const spool = openSpool({
    directory: paths.spool,
    ensureDirectory: () => ensurePrivateDirectory(paths.spool),
    takenOf: (source) => state.sources.get(source)?.n,
    hasOpen: (source) => (state.sources.get(source)?.open.length ?? 0) > 0,
    isSynced: (source) => (state.sources.get(source)?.lastSeq ?? 0) <= journal.status().synced,
    // syncing may be off altogether: what is written is all that can be had then
    position: () => ({
      seq: journal.seq,
      synced: settings.current.journal.sync === 'never' ? journal.seq : journal.synced,
    }),
    createSecretTest,
    isFull: () => ingest.full,
    submit: createSpoolEntrance(ingest, sessions, admit, ignoring, {
      state,
      inOrder: (event) => orderSpool(event, state, spool),
      isSecret: createSecretTest(),
    }),
    onWriterGone: (source, error) => loseOpen(state, source, { runs, record, error }),
    reject,
    log,
    now,
  });
  undo.push(() => spool.close());
  const router = createHttpRouter({
    handlers,
    status,
    state,
    access,
    assets,
    config: () => settings.current.web,
    reject,
  });
  const http = await openHttp({ paths, config: config.web, access, router, places: places.http, reject, log });
  undo.push(() => http.close());
  signal?.throwIfAborted();
  lock.record({ pid: process.pid, version: VERSION, socket: paths.socket });
  note = record;
  early.forEach((event) => note(event));

  const check = () => {
    if (!lock.isOurs()) leave(`${paths.lock} is gone or another file`);
    else if (!server.isBound()) leave(`${paths.socket} is gone or another socket`);
  };
  const watches = [paths.lock, paths.socket].map((file) => watchName(file, check));
  const timer = setInterval(check, WATCH_MS);
  undo.push(() => {
    clearInterval(timer);
    for (const watching of watches) watching?.close();
  });
  const declare = (queues: Config['queues']) => {
    for (const data of toDeclare(state.queues, queues)) {
      record({ type: 'queue_changed', data: { ...data, by: 'configuration' } });
    }
  };
  settings.onChange(async (given) => {
    await ingest.between(async () => {
      setLimits(state, given.memory);
      declare(given.queues);
      await journal.configure(tuningOf(given));
    });
    alerts.configure(given);
    maintenance.checkSoon();
    server.configure(given.socket);
    await following.configure(given);
    await http.configure(given.web);
  });
  maintenance.start();
  runs.start();
  following.start();
  declare(config.queues);
  scheduler.check();
  void pruning.resume();
  log(`listening on ${paths.socket}, journal ${path.basename(paths.journal)} ${journal.id} at ${journal.seq}`);

  return {
    socket: paths.socket,
    leaving,
    async close() {
      clearInterval(timer);
      for (const watching of watches) watching?.close();
      maintenance.stop();
      silence.stop();
      sessions.close();
      agentStates.close();
      scheduler.close();
      runs.close();
      await http.close();
      resources.close();
      await following.close();
      await spool.close();
      await server.close();
      await alerts.close();
      await pruning.close();
      await ingest.drained();
      try {
        await checkpoint();
      } catch (error) {
        log(`no checkpoint: ${ProgressError.from(error).message}`);
      }
      await spool.eraseSecrets();
      await journal.close();
      lock.release();
      log('stopped');
    },
  };
}

/** Commands that tell who they are share it with whatever else appends to the spool. */
const SHARED_FILE: Entrance = { name: 'spool', isShared: true };

/** The way in for what lies in the spool. When an event cannot be written, those behind it wait for it. */
function createSpoolEntrance(
  ingest: Ingest,
  sessions: Sessions,
  admit: Admit,
  ignoring: IgnoreFilter,
  {
    state,
    inOrder,
    isSecret,
  }: { state: State; inOrder: (event: NewEvent) => void; isSecret: (event: NewEvent) => boolean },
): SpoolOptions['submit'] {
  const order = createSourceOrder(() => undefined);
  const lookUp = createSenderLookup();
  return (event, bytes, receipt, isShared) => {
    if (event.sender && (event.execution === undefined || event.inherited)) event.sender = lookUp(event.sender);
    const origin: Origin = {
      ...receipt,
      ...(isShared && { entrance: SHARED_FILE }),
      refusal: order.refusal,
      refused(refused, error) {
        order.refused(refused, error);
        receipt.refused(error);
      },
    };
    inOrder(event);
    if (!isShared) dropForeignParent(event, state);
    // in its turn, so that those before it are settled
    const isIgnored = ignoring.covers(event);
    if (isIgnored || isHookFile(event)) {
      ingest.submitDeferred(event, () => [], bytes, origin);
      return isIgnored;
    }
    if (event.type === HOOK_TYPE) {
      const isToBlank = isSecret(event);
      ingest.submitDeferred(event, () => sessions.eventsOf(event).map(admit), bytes, origin);
      return isToBlank;
    }
    const admitted = admit(event);
    ingest.submitParts(splitEvent(admitted, bytes), bytes, origin);
    return admitted !== event;
  };
}

/** Does it only name the file that holds the call? */
function isHookFile({ type, data }: NewEvent): boolean {
  return type === HOOK_TYPE && typeof data['file'] === 'string';
}

/** Of what a hook has been given, a part may be in hexadecimal, in which nothing is found. */
function holdsSecret(mask: Admit): (event: NewEvent) => boolean {
  return (event) => mask(event) !== event || (event.type === HOOK_TYPE && event.data['beginning'] !== undefined);
}

/**
 * Reads first what comes before an event of another file: the run of a task, before its end what is inside it, and the
 * call of a hook whose payload has a file of its own.
 */
function orderSpool(event: NewEvent, state: State, spool: Spool): void {
  if (isHookFile(event)) spool.readHookFile(String(event.data['file']));
  const { type, source, data } = event;
  const parent = STARTS.has(type) ? textOf(data, 'parent') : undefined;
  if (parent !== undefined && !findExecution(state, parent)) {
    spool.readAhead((name) => name.kind === RUN_KIND && name.source.endsWith(`-${parent}`));
  }
  if (source?.startsWith(`${RUN_KIND}-`) && Object.hasOwn(EXECUTION_ENDS, type)) {
    spool.catchUp();
    spool.readAhead(({ kind }) => kind === SCRIPT_KIND);
  }
}

/** Only what happens to the name: its directory hears of every file in it. Some file systems cannot be watched. */
function watchName(file: string, onChange: () => void): FSWatcher | undefined {
  try {
    const isIt = (name: string | null) => name === null || name === path.basename(file);
    const watching = watch(path.dirname(file), { persistent: false }, (_event, name) => isIt(name) && onChange());
    return watching.on('error', () => watching.close());
  } catch {
    return undefined;
  }
}
