/** Tests that need more than Node skip by name where it is missing; where everything has to be there, that is a failure. */
import { spawnSync } from 'node:child_process';
import type { Test } from 'tap';

export function isAble(command: string, ...args: string[]): boolean {
  const { status, error } = spawnSync(command, args, { stdio: 'ignore' });
  return error === undefined && status === 0;
}

/** True when the test cannot be run: it is skipped then, or failed in CI. */
export function isMissing(t: Test, what: string, isThere: boolean): boolean {
  if (isThere) return false;
  if (process.env['CI'] === 'true') t.fail(`${what} is needed in CI`);
  else t.pass(`needs ${what}`, { skip: true });
  return true;
}
