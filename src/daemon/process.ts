/** A process that is the daemon: configuration, log and signals around the daemon as a value. */
import { ProgressError } from '../core/errors.js';
import { createDeferred } from '../core/deferred.js';
import { onSignal } from '../platform/inherited.js';
import type { Paths } from '../platform/paths.js';
import { createLog } from './daemon-log.js';
import { claim, startDaemon } from './daemon.js';
import type { Lock } from './lock.js';
import { openSettings } from './settings.js';

/** A start that was told to stop gets so long: reading a file may take as long as the disk wants. */
const STOP_MS = 5_000;
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Runs until it is asked to leave; resolves with the exit status. Another daemon that runs already is no error. */
export async function runDaemon(paths: Paths, { foreground }: { foreground: boolean }): Promise<number> {
  const lock = claim(paths);
  if (!lock) {
    if (foreground) throw new ProgressError('unavailable', 'another daemon of this state directory is running');
    return 0;
  }
  try {
    return await runLocked(lock, paths, foreground);
  } finally {
    lock.release();
  }
}

async function runLocked(lock: Lock, paths: Paths, foreground: boolean): Promise<number> {
  const settings = openSettings({ file: paths.config, log: (message) => log(message) });
  const write = createLog(paths.daemonLog, () => settings.current.daemon.logSize, Date.now);
  const log = (message: string) => {
    write(message);
    if (foreground) process.stderr.write(`${message}\n`);
  };
  // whoever started it does not read on for long, and a warning of Node must not be the end
  process.stderr.on('error', () => undefined);
  process.title = 'progress daemon';
  const die = (error: unknown) => {
    // whatever is in memory is suspect now; what is written is safe, and the next start finds it
    log(`fatal: ${error instanceof Error ? error.stack : String(error)}`);
    process.exit(70);
  };
  process.on('uncaughtException', die).on('unhandledRejection', die);

  const { promise: signalled, resolve } = createDeferred<NodeJS.Signals>();
  const unlisten = SIGNALS.map((signal) => onSignal(signal, resolve));
  try {
    const daemon = await startUnless(signalled, log, (signal) => startDaemon(lock, { paths, settings, log, signal }));
    if (daemon) log(`leaving: ${await Promise.race([signalled, daemon.leaving])}`);
    await settings.close();
    await daemon?.close();
    return 0;
  } catch (error) {
    write(`failed: ${ProgressError.from(error).message}`); // the caller prints it
    await settings.close();
    throw error;
  } finally {
    // from here on a signal ends the process, whatever may still be open
    for (const off of unlisten) off();
  }
}

/** Undefined when the start was ended by a signal. One that does not end in time ends with the process. */
async function startUnless<T>(
  signalled: Promise<string>,
  log: (message: string) => void,
  start: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const stop = new AbortController();
  let late: NodeJS.Timeout | undefined;
  let isStarting = true;
  void signalled.then((signal) => {
    if (!isStarting) return;
    log(`leaving: ${signal}, before the start was done`);
    stop.abort();
    late = setTimeout(() => {
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
    clearTimeout(late);
  }
}
