/** Programs of ours that go on when nobody waits for them, and the descriptors that programs do not get from us. */
import type { ChildProcessByStdio, StdioOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { inheritedDescriptors } from '../processes.js';

type Stdio = Extract<StdioOptions, unknown[]>;

/**
 * Starts Node with its errors on a pipe. It has nothing of what is open here: a lock that a script holds on a
 * descriptor would stay for as long as it runs. Nor does it belong to the run that it happens to be started in.
 * It is where we are until it has found its files: a relative PROGRESS_HOME is relative to that.
 */
export function spawnInBackground(program: string, args: readonly string[]): ChildProcessByStdio<null, null, Readable> {
  const { PROGRESS_EXECUTION: _execution, PROGRESS_STEP: _step, ...env } = process.env;
  return withholding(inheritedDescriptors(), ['ignore', 'ignore', 'pipe'], (stdio) =>
    spawn(process.execPath, [program, ...args], { detached: true, env, stdio }),
  ) as ChildProcessByStdio<null, null, Readable>;
}

/** A child can be given something else in the place of a descriptor, but it cannot be given nothing. */
export function withholding<T>(descriptors: readonly number[], stdio: Stdio, start: (stdio: Stdio) => T): T {
  const beyond = descriptors.filter((fd) => fd >= stdio.length);
  if (beyond.length === 0) return start(stdio);
  const nothing = openSync('/dev/null', constants.O_RDWR);
  try {
    const all: Stdio = Array.from({ length: Math.max(...beyond) + 1 }, (_, fd) => stdio[fd] ?? 'ignore');
    for (const fd of beyond) all[fd] = nothing;
    return start(all);
  } finally {
    closeSync(nothing);
  }
}
