/** `progress notify`: tells somebody something over a channel of alerts, tries one, or lists what was told. */
import type { Delivery } from '../../alerts/deliveries.js';
import { deliveriesOf } from '../../alerts/deliveries.js';
import { withClient } from '../../client/connect.js';
import { follow } from '../../client/follow.js';
import type { AlertOutcome } from '../../core/alerts.js';
import type { ExecutionEvent } from '../../core/event.js';
import { formatQuantity } from '../../core/format.js';
import { ProgressError } from '../../core/errors.js';
import { openSource, readLast } from '../../journal/reader.js';
import { URGENCIES } from '../../api/messages.js';
import { gridLines } from '../../terminal/grid.js';
import { defineCommand } from '../command.js';
import type { Context } from '../command.js';
import { complain, printJson, printLines } from '../shared/output.js';
import { columnsOf, styleOf } from '../shared/output-options.js';

const DEFAULT_TAIL = 50;
const MAX_TAIL = 10_000;
/** For all channels together: those that take longer go on without us. */
const PATIENCE_MS = 20_000;

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
  usage: 'notify [title] [body]',
  describe: 'Tell somebody something, over the channels of alerts',
  options: (yargs) =>
    yargs
      .positional('title', { type: 'string', describe: 'What is told, in a line' })
      .positional('body', { type: 'string', describe: 'More about it, in a line' })
      .option('channel', { type: 'string', array: true, nargs: 1, describe: 'Over which channel; default: desktop' })
      .option('urgency', { choices: URGENCIES, describe: 'How urgent it is; default: normal' })
      .option('test', { type: 'string', requiresArg: true, describe: 'Try this channel at once' })
      .option('log', { type: 'boolean', describe: 'List what was told' })
      .option('tail', {
        type: 'number',
        requiresArg: true,
        describe: `Of --log: the last so many; default: ${DEFAULT_TAIL}`,
      })
      .option('json', { type: 'boolean', describe: 'Print JSON' }),
  async run({ channel, urgency, test, log = false, tail, json = false, ...given }, context) {
    // behind `--` a text may begin with a dash
    const [title, body, more] = [given.title, given.body, ...context.rest].filter((text) => text !== undefined);
    if (more !== undefined) throw new ProgressError('usage', 'notify takes a title and a body: quote each');
    const isTelling = title !== undefined;
    if ([isTelling, test !== undefined, log].filter(Boolean).length !== 1)
      throw new ProgressError('usage', 'notify needs one of a title, --test CHANNEL and --log');
    if (!isTelling && (channel !== undefined || urgency !== undefined))
      throw new ProgressError('usage', '--channel and --urgency go with a title');
    if (tail !== undefined && !log) throw new ProgressError('usage', '--tail goes with --log');
    if (log) return await list(checkTail(tail), context, json);
    if (test !== undefined) return await tryChannel(test, context, json);
    const execution = context.env['PROGRESS_EXECUTION'];
    const notice = {
      ...{ title: title ?? '', channels: channel ?? ['desktop'] },
      ...(body !== undefined && { body }),
      ...(urgency !== undefined && { urgency }),
      ...(execution && { execution }),
    };
    return await tell(notice, context, json);
  },
});

function checkTail(tail = DEFAULT_TAIL): number {
  if (Number.isInteger(tail) && tail > 0 && tail <= MAX_TAIL) return tail;
  throw new ProgressError('usage', `--tail must be a whole number from 1 to ${MAX_TAIL}`);
}

interface Told {
  channel: string;
  outcome: AlertOutcome;
  error?: string;
}

async function tell(
  notice: { title: string; body?: string; channels: string[] },
  { paths }: Context,
  json: boolean,
): Promise<number> {
  const { pending } = await withClient({ paths, start: true }, (client) => client.call('notify', notice));
  const events: ExecutionEvent[] = [];
  const told = () => {
    const deliveries = deliveriesOf(events);
    return pending.map(
      ({ channel }): Told => deliveries.find((each) => each.channel === channel) ?? { channel, outcome: 'pending' },
    );
  };
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const after = Math.min(...pending.map(({ seq }) => seq)) - 1;
  for await (const followed of follow({
    paths,
    start: false,
    subscribe: { after, types: ['alert_triggered'] },
    signal,
  })) {
    if (followed.kind !== 'events') continue;
    events.push(...followed.events);
    if (told().every(({ outcome }) => outcome !== 'pending')) break;
  }
  return await report(told(), json);
}

async function tryChannel(channel: string, { paths }: Context, json: boolean): Promise<number> {
  const { attempt } = await withClient({ paths, start: true }, (client) =>
    client.call('notify', { title: 'test', channels: [channel], test: true }),
  );
  const { outcome = 'failed', error } = attempt ?? {};
  return await report([{ channel, outcome, ...(error !== undefined && { error }) }], json);
}

/** The status is that of the first that was not told. */
async function report(told: readonly Told[], json: boolean): Promise<number> {
  if (json)
    await printJson(
      told.map(({ channel, outcome, error }) => ({ channel, outcome, ...(error !== undefined && { error }) })),
    );
  else
    for (const { channel, outcome, error } of told) {
      if (outcome === 'sent') await printLines([`${channel}: sent`]);
      else if (outcome === 'held') await printLines([`${channel}: held until its quiet hours end`]);
      else if (outcome === 'pending') complain(`${channel}: not sent yet; it is tried again`);
      else complain(`${channel}: ${[outcome, error].filter((part) => part !== undefined && part !== '').join(': ')}`);
    }
  return STATUSES[told.find(({ outcome }) => outcome !== 'sent' && outcome !== 'held')?.outcome ?? 'sent'];
}

async function list(tail: number, { paths, env }: Context, json: boolean): Promise<number> {
  // one that is settled has two events
  const { events } = await readLast(openSource(paths.journal), 2 * tail, { types: ['alert_triggered'] });
  const deliveries = deliveriesOf(events).slice(-tail);
  if (json) await printJson(deliveries);
  else if (deliveries.length === 0) await printLines(['Nothing was told yet.']);
  else {
    const options = { columns: columnsOf(), style: styleOf(env), right: ['TRIES'] };
    await printLines(
      gridLines(['TIME', 'CHANNEL', 'RULE', 'OUTCOME', 'TRIES', 'WHAT'], deliveries.map(rowOf), options),
    );
  }
  return 0;
}

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
  const at = new Date(time);
  const what = title ?? (count === undefined ? '' : formatQuantity(count, 'alert'));
  const when = `${at.toLocaleDateString('sv')} ${at.toLocaleTimeString('sv')}`;
  return [
    when,
    channel,
    rules.join(', '),
    outcome,
    String(attempts ?? ''),
    error === undefined || outcome === 'sent' ? what : `${what}: ${error}`,
  ];
}
