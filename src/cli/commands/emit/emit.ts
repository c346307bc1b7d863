/** `progress emit`: writes one event from arguments, or many from stdin. */
import { createReadStream } from 'node:fs';
import { connect, withClient } from '../../../client/connect.js';
import { ProgressError } from '../../../core/base/errors.js';
import { splitEvent } from '../../../protocol/encode.js';
import { createLineDecoder } from '../../../protocol/lines.js';
import type { Replies } from '../../../api/messages.js';
import { MAX_LINE_BYTES } from '../../../api/messages.js';
import { checkProducer, parseLine, toNewEvent } from '../../../protocol/validate.js';
import { senderNames } from '../../../platform/senders.js';
import { appendToSpool } from '../../../spool/append.js';
import { defineCommand } from '../../command.js';
import type { CommandContext } from '../../command.js';
import type { EventContext } from './arguments.js';
import { buildEvent, contextOf, withContext } from './arguments.js';
import { complain, print, printJson } from '../../shared/output.js';

/** Maximum of events of `--stdin` that are sent and not answered yet. */
const MAX_UNANSWERED = 1_000;

export const command = defineCommand({
  verb: 'emit',
  describe: 'Write events, from arguments or standard input',
  positionals: {
    type: { describe: 'Type of the event: step_started, progress, log...' },
    pairs: { many: true, describe: 'key=text or key:=json, or one JSON object' },
  },
  options: {
    execution: { type: 'string', value: 'execution', describe: 'Execution of the event: an ID, a name or a prefix' },
    step: { type: 'string', value: 'id', describe: 'Step of the event' },
    data: { type: 'string', value: 'json', describe: 'JSON object for data, or @FILE that holds one' },
    stdin: { type: 'boolean', describe: 'Read events from standard input, one per line' },
    wait: { type: 'boolean', describe: 'Wait until events are written and print their seqs' },
    json: { type: 'boolean', describe: 'With --wait: print JSON' },
  },
  async run(args, { paths, env, rest }) {
    const show = args.wait ? (args.json ? showJson : showSeq) : undefined;
    if (args.stdin) {
      if (args.type !== undefined || rest.length > 0)
        throw new ProgressError('usage', '--stdin excludes an event in arguments');
      return await emitAll(paths, contextOf(args, env), show);
    }
    const event = withSender(buildEvent({ ...args, data: await readData(args.data) }, rest, env));
    const checked = toNewEvent(event);
    if (show) {
      const options = { paths, start: true, name: 'progress emit' };
      await withClient(options, async (client) => show(await client.call('emit', { event })));
      return 0;
    }
    // reports here what the daemon would refuse later
    splitEvent(checkProducer(checked));
    await spool(paths, { type: checked.type, time: new Date().toISOString(), ...event });
    return 0;
  },
});

/**
 * An event without an execution belongs to the task that this process, or an ancestor, has started; so does one
 * whose inherited execution has ended.
 */
function withSender(event: Record<string, unknown>): Record<string, unknown> {
  return event['execution'] === undefined || event['inherited'] === true ? { sender: senderNames(), ...event } : event;
}

/** Appends to the spool. If that fails, sends to a running daemon; without one, throws the reason. */
async function spool(paths: CommandContext['paths'], event: Record<string, unknown>): Promise<void> {
  const line = JSON.stringify(event);
  if (Buffer.byteLength(line) > MAX_LINE_BYTES)
    throw new ProgressError('too_long', `the event exceeds ${MAX_LINE_BYTES} bytes; split it`);
  try {
    appendToSpool(paths, line);
  } catch (reason) {
    const client = await connect({ paths, start: false, name: 'progress emit' }).catch(() => {
      throw reason;
    });
    try {
      await client.call('emit', { event });
    } finally {
      await client.close();
    }
  }
}

/** Reads the value of --data, which may name a file or a pipe. */
async function readData(data: string | undefined): Promise<string | undefined> {
  if (!data?.startsWith('@')) return data;
  const file = data.slice(1);
  let text = '';
  try {
    const stream = createReadStream(file, { encoding: 'utf8', end: MAX_LINE_BYTES });
    for await (const chunk of stream) text += chunk as string;
  } catch (cause) {
    throw new ProgressError('not_found', `--data: ${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
  if (Buffer.byteLength(text) <= MAX_LINE_BYTES) return text;
  throw new ProgressError('too_long', `--data: ${file} exceeds the ${MAX_LINE_BYTES} bytes of an event`);
}

type Show = (reply: Replies['emit']) => Promise<void>;

const showSeq: Show = ({ seq }) => print(seq === null ? 'duplicate\n' : `${seq}\n`);
const showJson: Show = (reply) => printJson([reply]);

/** Sends events to the end of the input; reports invalid lines with their numbers. */
async function emitAll(paths: CommandContext['paths'], context: EventContext, show: Show | undefined): Promise<number> {
  let worst = 0;
  let lost: ProgressError | undefined;
  const isLost = () => lost !== undefined;
  const report = (thrown: unknown, line?: number) => {
    const error = ProgressError.from(thrown);
    if (!isLost()) complain(`stdin:${error.line ?? line}: ${error.message}`);
    worst = Math.max(worst, error.exitStatus);
    lost ??= error.code === 'unavailable' ? error : undefined;
  };
  const client = await connect({ paths, start: true, name: 'progress emit --stdin' });
  const unanswered = new Set<Promise<void>>();
  const emitOne = async (event: Record<string, unknown>, line: number) => {
    try {
      const reply = await client.call('emit', { event });
      await show?.(reply);
    } catch (error) {
      report(error, line);
    }
  };
  const decoder = createLineDecoder({
    maxBytes: MAX_LINE_BYTES,
    onBad: report,
    onLine: (text, line) => {
      try {
        const given = parseLine(text, line);
        const event = withContext(given, toNewEvent(given), context);
        toNewEvent(event);
        const answered = emitOne(event, line).finally(() => unanswered.delete(answered));
        unanswered.add(answered);
      } catch (error) {
        report(error, line);
      }
    },
  });
  for await (const chunk of process.stdin) {
    decoder.push(chunk as Buffer);
    while (unanswered.size > MAX_UNANSWERED) await Promise.race(unanswered);
    // without a connection all further lines would fail, and one is reported
    if (isLost()) break;
  }
  decoder.end({ complete: true });
  await Promise.all(unanswered);
  await client.close();
  return worst;
}
