/** Spawns background programs of this package, and withholds inherited descriptors from children. */
import type { ChildProcessByStdio, StdioOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { withoutNodeVariables } from './node-environment.js';
import { inheritedDescriptors, maxDescriptors } from './processes.js';

export type Stdio = Extract<StdioOptions, unknown[]>;

/**
 * Starts a Node program in the background with stderr on a pipe.
 *
 * It inherits no open descriptors: a script's lock on one would otherwise be held until the program ends. It does not
 * belong to the run that it is started in, and the user's settings for Node do not apply. It keeps the working directory,
 * to which PROGRESS_HOME may be relative.
 */
export function spawnInBackground(program: string, args: readonly string[]): ChildProcessByStdio<null, null, Readable> {
  const { PROGRESS_EXECUTION: _execution, PROGRESS_STEP: _step, ...env } = withoutNodeVariables(process.env);
  return withholding(inheritedDescriptors(), ['ignore', 'ignore', 'pipe'], (stdio) =>
    spawn(process.execPath, [program, ...args], { detached: true, env, stdio }),
  ) as ChildProcessByStdio<null, null, Readable>;
}

/** Starts a child with /dev/null in place of inherited descriptors, since Node cannot close them. */
export function withholding<T>(descriptors: readonly number[], stdio: Stdio, start: (stdio: Stdio) => T): T {
  // a descriptor above a limit that was lowered later cannot be replaced
  const limit = maxDescriptors();
  const withheld = descriptors.filter((fd) => stdio[fd] === undefined && fd < limit);
  // Node would renumber descriptors after a gap
  const length = Math.max(stdio.length, ...withheld.map((fd) => fd + 1));
  const all: Stdio = Array.from({ length }, (_, fd) => stdio[fd] ?? 'ignore');
  if (withheld.length === 0) return start(all);
  const nothing = openSync('/dev/null', constants.O_RDWR);
  try {
    for (const fd of withheld) all[fd] = nothing;
    return start(all);
  } finally {
    closeSync(nothing);
  }
}
