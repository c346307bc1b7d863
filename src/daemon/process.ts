/** A process that is the daemon: configuration, log and signals around the daemon as a value. */
import { ProgressError } from '../errors.js';
import type { Paths } from '../paths.js';
import { createLog } from './daemon-log.js';
import { claim, startDaemon } from './daemon.js';
import { openSettings } from './settings.js';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Runs until it is asked to leave; resolves with the exit status. Another daemon that runs already is no error. */
export async function runDaemon(paths: Paths, { foreground }: { foreground: boolean }): Promise<number> {
  const lock = claim(paths);
  if (!lock) {
    if (foreground) throw new ProgressError('unavailable', 'another daemon of this state directory is running');
    return 0;
  }
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

  const signalled = new Promise<string>((resolve) => {
    for (const signal of SIGNALS) process.on(signal, () => resolve(signal));
  });
  const daemon = await startDaemon(lock, { paths, settings, log }).catch(async (error: unknown) => {
    await settings.close();
    throw error;
  });
  log(`leaving: ${await Promise.race([signalled, daemon.leaving])}`);
  await settings.close();
  await daemon.close();
  return 0;
}
