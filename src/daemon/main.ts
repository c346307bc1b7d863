/** Entry point of a daemon that a client starts in the background. */
import { resolveAgentPaths } from '../agents/agent-paths.js';
import { loadConfig } from '../config/load.js';
import { ProgressError } from '../core/base/errors.js';
import { resolvePaths } from '../platform/paths.js';
import { runDaemon } from './process.js';

/** Passed by `progress init`: the start is optional, and the configuration may turn it off. */
const FOR_SHELL = '--for-shell';

try {
  // paths in the environment may be relative
  const [paths, agents] = [resolvePaths(), resolveAgentPaths()];
  // otherwise the file system of the first client's directory could not be unmounted
  process.chdir('/');
  if (process.argv[2] === FOR_SHELL && !loadConfig(paths.config).daemon.startWithShell) process.exit(0);
  // process.exit: a leftover timer must not keep the lock
  process.exit(await runDaemon(paths, { foreground: false, agents }));
} catch (thrown) {
  const error = ProgressError.from(thrown);
  process.stderr.write(`${error.message}\n`);
  process.exit(error.exitStatus);
}
