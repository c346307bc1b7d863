/** Desktop channel: shows notifications by a bounded number of processes. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findInPath } from '../../platform/paths.js';
import type { Alert, AlertChannel } from '../channel.js';
import { runProgram, whyItFailed } from './program.js';

/** Content of a notification. */
export type Notification = Pick<Alert, 'title' | 'body' | 'urgency'>;

/** Concurrent processes; each starts Node. */
const MAX_AT_ONCE = 2;
/** Bound of queued notifications. */
const MAX_WAITING = 20;
/** Timeout. A desktop answers within milliseconds; macOS may wait for the notification to close, ten seconds. */
const TIMEOUT_MS = 15_000;

/** Built next to the file of the daemon. */
const PROGRAM = new URL('./notify.js', import.meta.url);

export function createDesktop(
  env: NodeJS.ProcessEnv,
  { program = fileURLToPath(PROGRAM), patienceMs = TIMEOUT_MS } = {},
): AlertChannel {
  const waiting: (() => void)[] = [];
  let active = 0;

  return {
    name: 'desktop',
    type: 'desktop',
    whyUnavailable: () => whyUnavailable(env),
    async send({ title, body, urgency }, signal) {
      const missing = whyUnavailable(env);
      if (missing !== undefined) return { outcome: 'unavailable', error: missing };
      if (active < MAX_AT_ONCE) active += 1;
      else if (waiting.length >= MAX_WAITING) return { outcome: 'failed', error: 'too many notifications at a time' };
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        const notification: Notification = { title, body, urgency };
        // node-notifier within the daemon would cost memory
        const end = await runProgram({
          argv: [process.execPath, program],
          env: { ...env, DBUS_SESSION_BUS_ADDRESS: findBus(env) },
          input: JSON.stringify(notification),
          timeoutMs: patienceMs,
          signal,
        });
        const failure = whyItFailed('the notifier', end, patienceMs);
        if (failure === undefined) return { outcome: 'sent' };
        return { outcome: end.end === 'aborted' ? 'retry' : 'failed', error: failure };
      } finally {
        const next = waiting.shift();
        if (next) next();
        else active -= 1;
      }
    },
  };
}

/** Reason on a machine without a desktop. */
export const NO_BUS = 'there is no session bus';

/** Checked each time: a session may start and end while the daemon runs. */
export function whyUnavailable(env: NodeJS.ProcessEnv): string | undefined {
  if (process.platform === 'darwin') return undefined;
  if (!findBus(env)) return NO_BUS;
  return findInPath('notify-send', env['PATH']).length > 0 ? undefined : 'notify-send is not in PATH';
}

/** Finds the session bus: a daemon started by cron or ssh does not inherit its address, whose default is systemd's. */
function findBus({ DBUS_SESSION_BUS_ADDRESS: given }: NodeJS.ProcessEnv): string | undefined {
  const socket = `/run/user/${process.getuid?.() ?? ''}/bus`;
  return given ?? (existsSync(socket) ? `unix:path=${socket}` : undefined);
}
