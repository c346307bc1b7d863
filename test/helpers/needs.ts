/**
 * Requirements of tests besides Node. Without one a test is skipped with the reason; in CI only the skips that
 * test/harness/allowed-skips.txt lists are accepted.
 */
import { spawnSync } from 'node:child_process';
import type { Test } from 'tap';

/**
 * Why tests that need this program are skipped, or false if it is installed. With `probe`, arguments for a trial, also if
 * it fails then: being installed does not prove that it has the rights it needs.
 */
export function whyNo(program: string, ...probe: string[]): string | false {
  if (!isAble('sh', '-c', `command -v ${program}`)) return `${program} is not installed`;
  return probe.length > 0 && !isAble(program, ...probe) && `${program} does not work here`;
}

/** Whether a command succeeds here: being installed does not prove rights and features. */
export function isAble(command: string, ...args: string[]): boolean {
  const { status, error } = spawnSync(command, args, { stdio: 'ignore' });
  return error === undefined && status === 0;
}

/** Records a skip and returns true if the rest of a test cannot run. */
export function isMissing(t: Test, what: string, isThere: boolean): boolean {
  if (!isThere) t.pass(`needs ${what}`, { skip: `needs ${what}` });
  return !isThere;
}

/** Records a skip and returns true if files cannot be given to another user. */
export function isUnprivileged(t: Test): boolean {
  return isMissing(t, 'the rights of root', process.getuid?.() === 0);
}
