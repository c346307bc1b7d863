/** The desktop as a channel: is there one, and a bounded number of processes that show a notification on it. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findInPath } from '../../platform/paths.js';
import type { Alert, AlertChannel } from '../channel.js';
import { runProgram, whyItFailed } from './program.js';

/** What one notification is made of. */
export type Notification = Pick<Alert, 'title' | 'body' | 'urgency'>;

/** Each starts Node. */
const MAX_AT_ONCE = 2;
/** More than this at a time nobody reads. */
const MAX_WAITING = 20;
/** A desktop answers within milliseconds; macOS may take until the notification has gone, which is ten seconds. */
const PATIENCE_MS = 15_000;

/** Beside the daemon's own file, once both are built. */
const PROGRAM = new URL('./notify.js', import.meta.url);

export function createDesktop(
  env: NodeJS.ProcessEnv,
  { program = fileURLToPath(PROGRAM), patienceMs = PATIENCE_MS } = {},
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
        // node-notifier in the daemon itself would cost it memory that most never need
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

/** As on a server. */
export const NO_BUS = 'there is no session bus';

/** Looked at each time: a session may begin and end while the daemon runs. */
export function whyUnavailable(env: NodeJS.ProcessEnv): string | undefined {
  if (process.platform === 'darwin') return undefined;
  if (!findBus(env)) return NO_BUS;
  return findInPath('notify-send', env['PATH']).length > 0 ? undefined : 'notify-send is not in PATH';
}

/** A daemon that cron or ssh has started does not inherit the address; systemd has it in the same place for everybody. */
function findBus({ DBUS_SESSION_BUS_ADDRESS: given }: NodeJS.ProcessEnv): string | undefined {
  const socket = `/run/user/${process.getuid?.() ?? ''}/bus`;
  return given ?? (existsSync(socket) ? `unix:path=${socket}` : undefined);
}
