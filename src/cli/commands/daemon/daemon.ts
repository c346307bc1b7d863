/** `progress daemon`: runs, starts, stops and inspects the daemon; prints its systemd unit. */
import { setTimeout as delay } from 'node:timers/promises';
import { connect, stopDaemon, withClient } from '../../../client/connect.js';
import { sanitize } from '../../../core/text/ansi.js';
import { formatBytes, formatDuration, formatQuantity } from '../../../core/text/format.js';
import { acquireLock } from '../../../daemon/lock.js';
import { ProgressError } from '../../../core/base/errors.js';
import { readLockRecord } from '../../../protocol/lock-record.js';
import type { AlertsStatus, DaemonStatus } from '../../../api/messages.js';
import { defineCommand } from '../../command.js';
import type { CommandContext } from '../../command.js';
import { JSON_OPTION } from '../../options.js';
import { print, printJson, printLines } from '../../shared/output.js';

const ACTIONS = ['run', 'start', 'status', 'stop', 'restart', 'unit'] as const;

export const command = defineCommand({
  verb: 'daemon',
  describe: 'Start, inspect, stop or restart the daemon',
  positionals: { action: { choices: ACTIONS, required: true, describe: 'Action' } },
  options: JSON_OPTION,
  async run({ action, json = false }, context) {
    switch (action) {
      case 'run':
        return await (await import('../../../daemon/process.js')).runDaemon(context.paths, { foreground: true });
      case 'status':
        return await showStatus(context, json);
      case 'stop': {
        const stopped = await stop(context.paths);
        if (json) await printJson([{ stopped: stopped ?? null }]);
        return 0;
      }
      case 'unit':
        await print((await import('./service.js')).unitText());
        return 0;
      case 'restart':
        await stop(context.paths);
        return await start(context, json);
      case 'start':
        return await start(context, json);
    }
  },
});

async function start(context: CommandContext, json: boolean): Promise<number> {
  await (await connect({ paths: context.paths, start: true })).close();
  return await showStatus(context, json);
}

async function showStatus({ paths }: CommandContext, json: boolean): Promise<number> {
  const status = await withClient({ paths, start: false }, (client) => client.call('status', {}));
  if (json) await printJson([status]);
  else await printLines(statusLines(status, Date.now()));
  return 0;
}

/** Stops the daemon. @returns its PID */
async function stop(paths: CommandContext['paths']): Promise<number | undefined> {
  const pid = readLockRecord(paths.lock)?.pid;
  if (!(await stopDaemon(paths))) return undefined;
  // it has closed its connections; it has exited when its lock is free
  for (const deadline = Date.now() + STOP_MS; Date.now() < deadline;) {
    const lock = acquireLock(paths.lock);
    lock?.release();
    if (lock) return pid;
    await delay(POLL_MS);
  }
  throw new ProgressError(
    'unavailable',
    `timed out after ${STOP_MS / 1_000} s waiting for the daemon (pid ${pid ?? 'unknown'}) to stop`,
  );
}

/** Longer than a full sync of a slow disk. */
const STOP_MS = 15_000;
const POLL_MS = 20;

function statusLines(status: DaemonStatus, now: number): string[] {
  const { counters, journal, executions, spool, config } = status;
  const rejected = Object.entries(counters.rejected).map(([code, count]) => `${count} ${code}`);
  return [
    `running      pid ${status.pid}, version ${status.version}, for ${formatDuration(now - Date.parse(status.startedAt))}`,
    `socket       ${status.socket}`,
    `memory       ${formatBytes(status.rss)}`,
    `connections  ${status.connections}, ${status.subscribers} subscribed, ${counters.refusedConnections} refused`,
    `executions   ${executions.alive} alive, ${executions.ended} ended, ${executions.summarised} summarised`,
    `events       ${counters.events} written, ${counters.duplicates} repeated, refused: ${rejected.join(', ') || 'none'}`,
    `journal      ${journal.directory}`,
    `             ${formatQuantity(journal.segments, 'segment')}, ${formatBytes(journal.bytes)}, seq ${journal.seq}, synced ${journal.synced}`,
    ...(journal.failure ? [`             CANNOT BE WRITTEN: ${journal.failure.message}`] : []),
    ...(journal.unreadable ?? []).map(({ reason }) => `             CANNOT BE READ: ${reason}`),
    `spool        ${formatQuantity(spool.files, 'file')}${spool.skipped.length > 0 ? `, skipped: ${spool.skipped.join(', ')}` : ''}`,
    ...(spool.failure === undefined ? [] : [`             CANNOT BE READ: ${spool.failure}`]),
    ...alertLines(status.alerts),
    ...configLines(config, now),
  ];
}

function alertLines({ rules, channels }: AlertsStatus = { rules: 0, channels: [] }): string[] {
  const details = channels.map(({ name, pending, error, unavailable }) => {
    const trouble = unavailable ?? (error === undefined ? undefined : `LAST ATTEMPT FAILED: ${error}`);
    const parts = [pending > 0 ? `${formatQuantity(pending, 'alert')} to be sent` : undefined, trouble];
    return [name, ...parts.filter((part) => part !== undefined)];
  });
  return [
    `alerts       ${formatQuantity(rules, 'rule')}, channels: ${channels.map(({ name }) => name).join(', ') || 'none'}`,
    ...details
      .filter(({ length }) => length > 1)
      .map(([name, ...parts]) => `             ${name}: ${parts.join(', ')}`),
  ];
}

/** An older daemon reports no configuration. */
function configLines(config: DaemonStatus['config'] | undefined, now: number): string[] {
  if (!config) return [];
  const age = formatDuration(now - Date.parse(config.since));
  if (config.problems.length === 0) return [`config       ${config.file}, in effect for ${age}`];
  const head = `config       ${config.file} IS INVALID; the values from ${age} ago remain in effect`;
  return [head, ...config.problems.map((line) => `             ${sanitize(line, { color: false })}`)];
}
