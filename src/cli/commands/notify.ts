/** `progress notify`: sends a notification, tests a channel, or lists the alerts that were sent. */
import type { Delivery } from '../../alerts/deliveries.js';
import { deliveriesOf } from '../../alerts/deliveries.js';
import { withClient } from '../../client/connect.js';
import { follow } from '../../client/follow.js';
import type { AlertOutcome } from '../../core/state/alerts.js';
import type { ExecutionEvent } from '../../core/events/event.js';
import { formatDateTime, formatQuantity } from '../../core/text/format.js';
import { ProgressError } from '../../core/base/errors.js';
import { openSource, readLast } from '../../journal/reader.js';
import { URGENCIES } from '../../api/messages.js';
import type { GridColumn } from '../../terminal/grid.js';
import { gridLines } from '../../terminal/grid.js';
import { defineCommand } from '../command.js';
import type { CommandContext } from '../command.js';
import { JSON_OPTION } from '../options.js';
import { complain, printJson, printLines } from '../shared/output.js';
import { maxColumnsOf, styleOf } from '../shared/output-options.js';

const DEFAULT_TAIL = 50;
const MAX_TAIL = 10_000;
/** Wait for all channels together; the daemon continues with slower ones. */
const WAIT_MS = 20_000;

/** As in sysexits(3). */
const STATUSES: Readonly<Record<AlertOutcome, number>> = {
  sent: 0,
  held: 0,
  pending: 75,
  unavailable: 69,
  failed: 69,
  suppressed: 69,
  lost: 69,
};

export const command = defineCommand({
  verb: 'notify',
  describe: 'Send a notification',
  positionals: {
    title: { describe: 'Title of the notification, one line' },
    body: { describe: 'Body of the notification, one line' },
  },
  options: {
    channel: { type: 'list', value: 'channel', describe: 'Send over this channel (default: desktop)' },
    urgency: { type: 'string', value: 'urgency', choices: URGENCIES, describe: 'Set the urgency (default: normal)' },
    test: { type: 'string', value: 'channel', describe: 'Send a test over this channel' },
    log: { type: 'boolean', describe: 'List sent alerts and notifications' },
    tail: {
      type: 'number',
      value: 'number',
      describe: `With --log: number of newest entries (default: ${DEFAULT_TAIL})`,
    },
    ...JSON_OPTION,
  },
  async run({ channel, urgency, test, log = false, tail, json = false, ...given }, context) {
    // after `--` a text may start with a dash
    const [title, body, more] = [given.title, given.body, ...context.rest].filter((text) => text !== undefined);
    if (more !== undefined) throw new ProgressError('usage', 'too many arguments; quote the title and the body');
    const hasTitle = title !== undefined;
    if ([hasTitle, test !== undefined, log].filter(Boolean).length !== 1)
      throw new ProgressError('usage', 'notify needs one of a title, --test CHANNEL and --log');
    if (!hasTitle && (channel !== undefined || urgency !== undefined))
      throw new ProgressError('usage', '--channel and --urgency need a title');
    if (tail !== undefined && !log) throw new ProgressError('usage', '--tail needs --log');
    if (log) return await list(checkTail(tail), context, json);
    if (test !== undefined) return await tryChannel(test, context, json);
    const execution = context.env['PROGRESS_EXECUTION'];
    const notice = {
      ...{ title: title ?? '', channels: channel ?? ['desktop'] },
      ...(body !== undefined && { body }),
      ...(urgency !== undefined && { urgency }),
      ...(execution && { execution }),
    };
    return await send(notice, context, json);
  },
});

function checkTail(tail = DEFAULT_TAIL): number {
  if (Number.isInteger(tail) && tail > 0 && tail <= MAX_TAIL) return tail;
  throw new ProgressError('usage', `--tail must be a whole number from 1 to ${MAX_TAIL}`);
}

interface Report {
  channel: string;
  outcome: AlertOutcome;
  error?: string;
}

async function send(
  notice: { title: string; body?: string; channels: string[] },
  { paths }: CommandContext,
  json: boolean,
): Promise<number> {
  const { pending } = await withClient({ paths, start: true }, (client) => client.call('notify', notice));
  const events: ExecutionEvent[] = [];
  const reports = () => {
    const deliveries = deliveriesOf(events);
    return pending.map(
      ({ channel }): Report => deliveries.find((each) => each.channel === channel) ?? { channel, outcome: 'pending' },
    );
  };
  const signal = AbortSignal.timeout(WAIT_MS);
  const after = Math.min(...pending.map(({ seq }) => seq)) - 1;
  for await (const followed of follow({
    paths,
    start: false,
    subscribe: { after, types: ['alert_triggered'] },
    signal,
  })) {
    if (followed.kind !== 'events') continue;
    events.push(...followed.events);
    if (reports().every(({ outcome }) => outcome !== 'pending')) break;
  }
  return await report(reports(), json);
}

async function tryChannel(channel: string, { paths }: CommandContext, json: boolean): Promise<number> {
  const { attempt } = await withClient({ paths, start: true }, (client) =>
    client.call('notify', { title: 'test', channels: [channel], test: true }),
  );
  const { outcome = 'failed', error } = attempt ?? {};
  return await report([{ channel, outcome, ...(error !== undefined && { error }) }], json);
}

/** @returns the status of the first notification that was not sent */
async function report(reports: readonly Report[], json: boolean): Promise<number> {
  if (json)
    await printJson(
      reports.map(({ channel, outcome, error }) => ({ channel, outcome, ...(error !== undefined && { error }) })),
    );
  else
    for (const { channel, outcome, error } of reports) {
      if (outcome === 'sent') await printLines([`${channel}: sent`]);
      else if (outcome === 'held') await printLines([`${channel}: held until its quiet hours end`]);
      else if (outcome === 'pending') complain(`${channel}: not sent yet; the daemon tries again`);
      else complain(`${channel}: ${[outcome, error].filter((part) => part !== undefined && part !== '').join(': ')}`);
    }
  return STATUSES[reports.find(({ outcome }) => outcome !== 'sent' && outcome !== 'held')?.outcome ?? 'sent'];
}

async function list(tail: number, { paths, env }: CommandContext, json: boolean): Promise<number> {
  // an alert with an outcome has two events
  const { events } = await readLast(openSource(paths.journal), 2 * tail, { types: ['alert_triggered'] });
  const deliveries = deliveriesOf(events).slice(-tail);
  if (json) await printJson(deliveries);
  else if (deliveries.length === 0) await printLines(['No alerts yet.']);
  else {
    const options = { columns: maxColumnsOf(), style: styleOf(env) };
    await printLines(gridLines(DELIVERY_COLUMNS, deliveries.map(rowOf), options));
  }
  return 0;
}

const DELIVERY_COLUMNS: readonly GridColumn[] = [
  { heading: 'TIME' },
  { heading: 'CHANNEL', rank: 2, cut: { readable: 12, least: 8 } },
  { heading: 'RULE', rank: 3, cut: { readable: 12, least: 8 } },
  { heading: 'OUTCOME' },
  { heading: 'TRIES', isNumeric: true, rank: 1 },
  { heading: 'WHAT', cut: { readable: 24, least: 8 } },
];

function rowOf({
  time,
  channel,
  rule = '',
  rules = [rule],
  outcome,
  attempts,
  title,
  error,
  count,
}: Delivery): string[] {
  const what = title ?? (count === undefined ? '' : formatQuantity(count, 'alert'));
  return [
    formatDateTime(Date.parse(time)),
    channel,
    rules.join(', '),
    outcome,
    String(attempts ?? ''),
    error === undefined || outcome === 'sent' ? what : `${what}: ${error}`,
  ];
}
