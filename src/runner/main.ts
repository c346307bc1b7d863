/** Entry point of the runner of a detached run: `runner ID`. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { ProgressError } from '../core/base/errors.js';
import { resolvePaths } from '../platform/paths.js';
import { READY } from './launch.js';
import { openControlChannel } from './control-channel.js';
import { Console } from './console.js';
import { openInput } from './pipe.js';
import { openPty } from './pty.js';
import { Run } from './run.js';
import { outputLimitOf } from './settings.js';
import { directoryOf, readSpec } from './store.js';

const STDERR = 2;

try {
  const paths = resolvePaths();
  // keeps no other file system busy
  process.chdir('/');
  const spec = readSpec(paths, process.argv[2] ?? '');
  const pty = spec.pty ? openPty() : undefined;
  const directory = directoryOf(paths, spec.id);
  const opened = spec.input && !pty ? openInput(directory) : undefined;
  const clients = new Console({ directory, pty, input: opened?.input });
  const run = new Run({
    paths,
    spec,
    announced: spec.queue !== undefined || spec.after !== undefined,
    waits: false,
    stdin: opened?.end ?? (pty && spec.input ? 'inherit' : 'ignore'),
    stderr: 'terminal',
    outputLimit: await outputLimitOf(paths),
    thorough: true,
    ...(pty && { pty }),
  });
  clients.open(run);
  const link = openControlChannel({ paths, run: spec.id, start: true, onCommand: (command) => run.control(command) });
  sayReady();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => run.control({ run: spec.id, action: 'stop', by: `${signal} to its runner` }));
  }
  const status = await run.ended;
  link.close();
  await clients.close(status);
  process.exit(0);
} catch (thrown) {
  const error = ProgressError.from(thrown);
  process.stderr.write(`${error.message}\n`);
  process.exit(error.exitStatus);
}

/**
 * Reports to the parent that the runner is ready. Descriptor 2 is reopened so that no other file gets that number.
 */
function sayReady(): void {
  try {
    writeSync(STDERR, READY);
  } catch {
    // the parent was killed
  }
  closeSync(STDERR);
  openSync('/dev/null', 'w');
}
