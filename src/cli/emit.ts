/** `progress emit`: one event from arguments, or many from stdin. */
import { connect, withClient } from '../client/connect.js';
import { ProgressError } from '../errors.js';
import { createLineDecoder } from '../protocol/lines.js';
import type { Replies, WireEvent } from '../protocol/messages.js';
import { MAX_LINE_BYTES } from '../protocol/messages.js';
import { parseLine, toNewEvent } from '../protocol/validate.js';
import { defineCommand } from './command.js';
import type { Context } from './command.js';
import type { EventContext } from './emit-arguments.js';
import { buildEvent, contextOf, withContext } from './emit-arguments.js';
import { complain, print, printJson } from './output.js';

/** Events of `--stdin` that are sent and not answered yet. */
const MAX_UNANSWERED = 1_000;

export const command = defineCommand({
  usage: 'emit [type] [pairs..]',
  describe: 'Send an event: from arguments, or NDJSON from stdin',
  options: (yargs) =>
    yargs
      .positional('type', { type: 'string', describe: 'The event’s type: step_started, progress, log...' })
      .positional('pairs', { type: 'string', array: true, describe: 'key=text or key:=json, into data' })
      .option('execution', { type: 'string', requiresArg: true, describe: 'The execution it belongs to' })
      .option('step', { type: 'string', requiresArg: true, describe: 'The step it belongs to' })
      .option('data', { type: 'string', requiresArg: true, describe: 'A JSON object for data' })
      .option('stdin', { type: 'boolean', describe: 'Read one event a line from stdin' })
      .option('wait', { type: 'boolean', describe: 'Wait until it is written, and print its seq' })
      .option('json', { type: 'boolean', describe: 'With --wait: print JSON' }),
  async run(args, { paths, env, rest }) {
    const show = args.wait ? (args.json ? showJson : showSeq) : undefined;
    if (args.stdin) {
      if (args.type !== undefined || rest.length > 0)
        throw new ProgressError('usage', 'with --stdin no event is given as arguments');
      return await emitAll(paths, contextOf(args, env), show);
    }
    const event = buildEvent(args, [...(args.pairs ?? []), ...rest], env);
    toNewEvent(event);
    let refused: ProgressError | undefined;
    const options = { paths, start: true, name: 'progress emit', onError: (error: ProgressError) => (refused = error) };
    await withClient(options, async (client) => {
      if (show) await show(await client.call('emit', { event }));
      else client.send(event as WireEvent);
    });
    if (refused) throw refused;
    return 0;
  },
});

type Show = (reply: Replies['emit']) => Promise<void>;

const showSeq: Show = ({ seq }) => print(seq === null ? 'duplicate\n' : `${seq}\n`);
const showJson: Show = (reply) => printJson([reply]);

/** Reads to the end whatever is wrong with single lines; each of these is reported with its number. */
async function emitAll(paths: Context['paths'], context: EventContext, show: Show | undefined): Promise<number> {
  let worst = 0;
  let gone: ProgressError | undefined;
  const isGone = () => gone !== undefined;
  const report = (thrown: unknown, line?: number) => {
    const error = ProgressError.from(thrown);
    if (!isGone()) complain(`stdin:${error.line ?? line}: ${error.message}`);
    worst = Math.max(worst, error.exitStatus);
    gone ??= error.code === 'unavailable' ? error : undefined;
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
    // the rest of the lines would fail like the one that was reported
    if (isGone()) break;
  }
  decoder.end({ complete: true });
  await Promise.all(unanswered);
  await client.close();
  return worst;
}
