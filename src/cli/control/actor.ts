/** Describes the user who sends a command to a run, for the events that record it. */
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
    // in a container, a UID may have no name
    return `user ${process.getuid?.() ?? ''}`.trim();
  }
}

/** Name of the terminal of the first standard stream that is one, as in `pts/3`. */
function terminalName(): string | undefined {
  const descriptor = [0, 1, 2].find((each) => isatty(each));
  if (descriptor === undefined) return undefined;
  try {
    return readlinkSync(`/dev/fd/${descriptor}`).replace(/^\/dev\//, '');
  } catch {
    // /dev/fd has links on Linux only
    return undefined;
  }
}
