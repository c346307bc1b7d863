/** Programs of ours that go on when nobody waits for them, and the descriptors that programs do not get from us. */
import type { ChildProcessByStdio, StdioOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { withoutNodeVariables } from './node-environment.js';
import { inheritedDescriptors, maxDescriptors } from './processes.js';

export type Stdio = Extract<StdioOptions, unknown[]>;

/**
 * Starts Node with its errors on a pipe. It has nothing of what is open here: a lock that a script holds on a
 * descriptor would stay for as long as it runs. Nor does it belong to the run that it happens to be started in,
 * or take what the user has set for Node.
 * It is where we are until it has found its files: a relative PROGRESS_HOME is relative to that.
 */
export function spawnInBackground(program: string, args: readonly string[]): ChildProcessByStdio<null, null, Readable> {
  const { PROGRESS_EXECUTION: _execution, PROGRESS_STEP: _step, ...env } = withoutNodeVariables(process.env);
  return withholding(inheritedDescriptors(), ['ignore', 'ignore', 'pipe'], (stdio) =>
    spawn(process.execPath, [program, ...args], { detached: true, env, stdio }),
  ) as ChildProcessByStdio<null, null, Readable>;
}

/** A child can be given something else in the place of a descriptor, but it cannot be given nothing. */
export function withholding<T>(descriptors: readonly number[], stdio: Stdio, start: (stdio: Stdio) => T): T {
  // one that was opened before the limit was lowered cannot be replaced
  const limit = maxDescriptors();
  const withheld = descriptors.filter((fd) => stdio[fd] === undefined && fd < limit);
  // Node would move what comes after a gap
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
