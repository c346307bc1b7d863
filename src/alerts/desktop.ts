/** The desktop as a channel for alerts: is there one, and a bounded number of processes that show a notification on it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findInPath } from '../paths.js';

export interface Notification {
  title: string;
  body: string;
  urgency: 'low' | 'normal';
}

/** `unavailable`: nobody can be told here, and that is no failure. */
export type Delivery = { outcome: 'sent' } | { outcome: 'failed' | 'unavailable'; error: string };

export interface Desktop {
  /** Never rejects: the daemon has other things to do. */
  send(notification: Notification): Promise<Delivery>;
}

/** Each starts Node. */
const MAX_AT_ONCE = 2;
/** More than this at a time nobody reads. */
const MAX_WAITING = 20;
/** A desktop answers within milliseconds; macOS may take until the notification has gone, which is ten seconds. */
const PATIENCE_MS = 15_000;
/** Of the end of what it has to say. */
const ERROR_CHARS = 200;

/** Beside the daemon's own file, once both are built. */
const PROGRAM = new URL('./notify.js', import.meta.url);

export function createDesktop({ program = fileURLToPath(PROGRAM), patienceMs = PATIENCE_MS } = {}): Desktop {
  const waiting: (() => void)[] = [];
  let active = 0;

  return {
    async send(notification) {
      const error = whyUnavailable(process.env);
      if (error !== undefined) return { outcome: 'unavailable', error };
      if (active < MAX_AT_ONCE) active += 1;
      else if (waiting.length >= MAX_WAITING) return { outcome: 'failed', error: 'too many notifications at a time' };
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await deliver(notification, program, patienceMs);
      } catch (thrown) {
        return { outcome: 'failed', error: String(thrown) };
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

/**
 * A process of its own, and of its own group, can be killed with all that it has started. It also spares the daemon
 * the memory of node-notifier, which most never need.
 */
function deliver(notification: Notification, program: string, patienceMs: number): Promise<Delivery> {
  return new Promise((resolve) => {
    const fail = (error: string) => resolve({ outcome: 'failed', error });
    const child = spawn(process.execPath, [program], {
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: findBus(process.env) },
    });
    child.once('error', ({ message }) => fail(message));
    // one that cannot be made has no streams either
    if (child.pid === undefined) return;
    let said = '';
    let isLate = false;
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-ERROR_CHARS)));
    child.stdin.on('error', () => undefined); // it has ended, and tells why
    child.stdin.end(JSON.stringify(notification));
    const timer = setTimeout(() => {
      isLate = true;
      killGroup(child.pid);
    }, patienceMs);
    child.once('close', (status) => {
      clearTimeout(timer);
      if (isLate) fail(`the notifier did not end within ${patienceMs / 1_000} seconds`);
      else if (status === 0) resolve({ outcome: 'sent' });
      else fail(said.trimEnd().split('\n').at(-1) || `the notifier ended with ${status ?? 'a signal'}`);
    });
  });
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended just now
  }
}
