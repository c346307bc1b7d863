/** The entry point of a daemon that a client starts in the background. */
import { loadConfig } from '../config/load.js';
import { ProgressError } from '../core/errors.js';
import { resolvePaths } from '../platform/paths.js';
import { runDaemon } from './process.js';

/** Given by `progress init`: nobody waits for this daemon, and the configuration may say that it is not wanted. */
const FOR_SHELL = '--for-shell';

try {
  const paths = resolvePaths();
  // it must not keep the file system busy that its first client happened to be in
  process.chdir('/');
  if (process.argv[2] === FOR_SHELL && !loadConfig(paths.config).daemon.startWithShell) process.exit(0);
  // process.exit: a timer that is left somewhere must not keep the lock
  process.exit(await runDaemon(paths, { foreground: false }));
} catch (thrown) {
  const error = ProgressError.from(thrown);
  process.stderr.write(`${error.message}\n`);
  process.exit(error.exitStatus);
}
