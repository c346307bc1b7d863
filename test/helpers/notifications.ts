/** A private session bus with a notification service that records its notifications. */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { isAble, isMissing } from './needs.js';
import { ROOT } from './daemon.js';
import { waitFor } from './wait.js';

export interface Shown {
  app: string;
  title: string;
  body: string;
  /** 0 low, 1 normal, 2 critical. */
  urgency: number;
}

export interface NotificationService {
  /** For DBUS_SESSION_BUS_ADDRESS. */
  address: string;
  /** The process of the bus. */
  bus: ChildProcess;
  /** Requests so far. */
  shown: Shown[];
}

const run = promisify(execFile);
/** The interpreter that Debian's packages belong to, whatever else is in PATH. */
const PYTHON = '/usr/bin/python3';

/** Debian's packages, which test/setup.sh installs. */
export function isDesktopMissing(t: Test): boolean {
  const isThere =
    isAble('dbus-daemon', '--version') &&
    isAble('notify-send', '--version') &&
    isAble(PYTHON, '-c', 'import dbus, gi.repository.GLib');
  return isMissing(t, 'dbus, libnotify-bin, python3-dbus and python3-gi', isThere);
}

export async function startNotificationService(t: Pick<Test, 'teardown'>): Promise<NotificationService> {
  const bus = start(t, 'dbus-daemon', ['--session', '--nofork', '--nopidfile', '--print-address']);
  const address = await waitFor('the bus', () => bus.lines[0]);
  const script = path.join(ROOT, 'test/fixtures/notification-service.py');
  const service = start(t, PYTHON, [script], { ...process.env, DBUS_SESSION_BUS_ADDRESS: address });
  await waitFor('the notification service', () => service.lines[0] === 'ready');
  return {
    address,
    bus: bus.child,
    get shown() {
      return service.lines.slice(1).map((line) => JSON.parse(line) as Shown);
    },
  };
}

/** Debian's packages, which test/setup.sh installs: a daemon that draws notifications, and a virtual display. */
export function isScreenMissing(t: Test): boolean {
  const isThere = isAble('dunst', '--version') && isAble('Xvfb', '-help') && isAble('dunstctl', '--help');
  return isMissing(t, 'dunst and xvfb', isThere) || isDesktopMissing(t);
}

export interface NotificationDaemon {
  /** For DBUS_SESSION_BUS_ADDRESS. */
  address: string;
  /** Removes all of them from the screen. */
  shown(): Promise<{ title: string; body: string }[]>;
}

/** A real notification daemon, on a bus and a display of its own. */
export async function startNotificationDaemon(t: Pick<Test, 'teardown'>): Promise<NotificationDaemon> {
  const bus = start(t, 'dbus-daemon', ['--session', '--nofork', '--nopidfile', '--print-address']);
  const address = await waitFor('the bus', () => bus.lines[0]);
  const display = start(t, 'Xvfb', ['-displayfd', '1', '-nolisten', 'tcp']);
  const number = await waitFor('the display', () => display.lines[0]);
  const env = { ...process.env, DBUS_SESSION_BUS_ADDRESS: address, DISPLAY: `:${number}` };
  start(t, 'dunst', ['-conf', '/dev/null'], env, 'ignore');
  const control = async (...words: string[]) => (await run('dunstctl', words, { env })).stdout;
  await waitFor('the notification daemon', () => control('count', 'displayed').then(Boolean, () => false));
  return {
    address,
    async shown() {
      await control('close-all');
      const { data } = JSON.parse(await control('history')) as {
        data: [Record<'summary' | 'body', { data: string }>[]];
      };
      return data[0].map(({ summary, body }) => ({ title: summary.data, body: body.data }));
    },
  };
}

function start(
  t: Pick<Test, 'teardown'>,
  program: string,
  args: string[],
  env = process.env,
  stderr: 'inherit' | 'ignore' = 'inherit',
): { child: ChildProcess; lines: string[] } {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', stderr] });
  const lines: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  let gone = false;
  child.once('close', () => (gone = true));
  t.teardown(async () => {
    child.kill('SIGKILL');
    await waitFor(`${program} to be gone`, () => gone);
  });
  return { child, lines };
}
