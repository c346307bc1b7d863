/** The entry point of a daemon that a client starts in the background. */
import { ProgressError } from '../errors.js';
import { resolvePaths } from '../paths.js';
import { runDaemon } from './process.js';

try {
  const paths = resolvePaths();
  // it must not keep the file system busy that its first client happened to be in
  process.chdir('/');
  // process.exit: a timer that is left somewhere must not keep the lock
  process.exit(await runDaemon(paths, { foreground: false }));
} catch (thrown) {
  const error = ProgressError.from(thrown);
  process.stderr.write(`${error.message}\n`);
  process.exit(error.exitStatus);
}
