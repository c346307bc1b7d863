/** The daemon's process: configuration, log and signals around the daemon as a value. */
import { resolveAgentPaths } from '../agents/agent-paths.js';
import { ProgressError } from '../core/base/errors.js';
import { createDeferred } from '../core/base/deferred.js';
import { onSignal } from '../platform/inherited.js';
import type { Paths } from '../platform/paths.js';
import { createLog } from './daemon-log.js';
import { claim, startDaemon } from './daemon.js';
import type { Lock } from './lock.js';
import { openSettings } from './settings.js';
import type { DaemonOptions } from './store.js';

/** Time for a start to stop after a signal: reading a file may take any time. */
const STOP_MS = 5_000;
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Runs the daemon until a signal or a client stops it. Returns the exit status; 0 when another daemon runs already. */
export async function runDaemon(
  paths: Paths,
  { foreground, agents = resolveAgentPaths() }: { foreground: boolean; agents?: DaemonOptions['agents'] },
): Promise<number> {
  const lock = claim(paths);
  if (!lock) {
    if (foreground) throw new ProgressError('unavailable', 'another daemon of this state directory is running');
    return 0;
  }
  try {
    return await runLocked(lock, { paths, agents }, foreground);
  } finally {
    lock.release();
  }
}

async function runLocked(
  lock: Lock,
  { paths, agents }: Pick<Required<DaemonOptions>, 'paths' | 'agents'>,
  foreground: boolean,
): Promise<number> {
  const settings = openSettings({ file: paths.config, log: (message) => log(message) });
  const write = createLog(paths.daemonLog, () => settings.current.daemon.logSize, Date.now);
  const log = (message: string) => {
    write(message);
    if (foreground) process.stderr.write(`${message}\n`);
  };
  // the process that started the daemon stops reading, and a warning of Node must not end the daemon
  process.stderr.on('error', () => undefined);
  process.title = 'progress daemon';
  const die = (error: unknown) => {
    // memory cannot be trusted now; what is written is safe, and the next start reads it
    log(`fatal: ${error instanceof Error ? error.stack : String(error)}`);
    process.exit(70);
  };
  process.on('uncaughtException', die).on('unhandledRejection', die);

  const { promise: signalled, resolve } = createDeferred<NodeJS.Signals>();
  const unlisten = SIGNALS.map((signal) => onSignal(signal, resolve));
  try {
    const daemon = await startUnless(signalled, log, (signal) =>
      startDaemon(lock, { paths, agents, settings, log, signal }),
    );
    if (daemon) log(`leaving: ${await Promise.race([signalled, daemon.leaving])}`);
    await settings.close();
    await daemon?.close();
    return 0;
  } catch (error) {
    write(`failed: ${ProgressError.from(error).message}`); // the caller prints it to stderr
    await settings.close();
    throw error;
  } finally {
    // from here on a signal ends the process
    for (const off of unlisten) off();
  }
}

/** Starts the daemon. Returns undefined when a signal has ended the start; exits when that does not end in time. */
async function startUnless<T>(
  signalled: Promise<string>,
  log: (message: string) => void,
  start: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const stop = new AbortController();
  let deadline: NodeJS.Timeout | undefined;
  let isStarting = true;
  void signalled.then((signal) => {
    if (!isStarting) return;
    log(`leaving: ${signal}, before the start was done`);
    stop.abort();
    deadline = setTimeout(() => {
      log(`the start did not end within ${STOP_MS / 1_000} s`);
      process.exit(70);
    }, STOP_MS);
  });
  try {
    return await start(stop.signal);
  } catch (error) {
    if (stop.signal.aborted) return undefined;
    throw error;
  } finally {
    isStarting = false;
    clearTimeout(deadline);
  }
}
