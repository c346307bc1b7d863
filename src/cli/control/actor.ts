/** Who asks, in words: what is done to a run says so. */
import { readlinkSync } from 'node:fs';
import { userInfo } from 'node:os';
import { isatty } from 'node:tty';

/** `root, pts/3`; within a run `root, in 7hq2m4kd9x`. */
export function commandActor({ PROGRESS_EXECUTION: execution }: NodeJS.ProcessEnv): string {
  const terminal = terminalName();
  return [userName(), terminal, execution && `in ${execution}`].filter(Boolean).join(', ');
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // in a container, an id without a name
    return `user ${process.getuid?.() ?? ''}`.trim();
  }
}

/** `pts/3`, of the first of our standard streams that is a terminal. */
function terminalName(): string | undefined {
  const descriptor = [0, 1, 2].find((each) => isatty(each));
  if (descriptor === undefined) return undefined;
  try {
    return readlinkSync(`/dev/fd/${descriptor}`).replace(/^\/dev\//, '');
  } catch {
    // a link on Linux alone
    return undefined;
  }
}
