/** `progress logs`: output and messages from the files of the journal, and on with what is written from now on. */
import { follow } from '../client/follow.js';
import { sanitize } from '../core/ansi.js';
import type { EventData, ExecutionEvent } from '../core/event.js';
import { EXECUTION_ENDS, textOf } from '../core/event.js';
import { isFinal } from '../core/execution.js';
import type { Filter } from '../core/filter.js';
import { LEVELS, matches } from '../core/filter.js';
import { ProgressError } from '../errors.js';
import { openSource, readJournal, seqAtTime } from '../journal/reader.js';
import { activityLines } from '../terminal/activity.js';
import { plainLine } from '../terminal/plain.js';
import type { OutputStyle } from '../terminal/style.js';
import { defineCommand } from './command.js';
import { findAnywhere } from './offline.js';
import { complain, isPipeBroken, print, printJson, printLines } from './output.js';
import { columnsOf, parseSince, styleOf } from './surface.js';

const DEFAULT_TYPES = ['output', 'log', 'activity'];
const MAX_TAIL = 100_000;

export const command = defineCommand({
  usage: 'logs [id]',
  describe: 'Print output and messages, from the journal’s files',
  options: (yargs) =>
    yargs
      .positional('id', { type: 'string', describe: 'An id, a prefix of one, or a name' })
      .option('follow', { alias: 'f', type: 'boolean', describe: 'Go on with what comes' })
      .option('type', { type: 'string', array: true, nargs: 1, describe: 'Types of events; all for every type' })
      .option('stream', { type: 'string', requiresArg: true, describe: 'Of output: stdout, stderr, debug, system' })
      .option('level', { choices: LEVELS, describe: 'Of messages: this level and above' })
      .option('step', { type: 'string', requiresArg: true, describe: 'Of one step' })
      .option('grep', { type: 'string', requiresArg: true, describe: 'Text that matches a regular expression' })
      .option('since', { type: 'string', requiresArg: true, describe: 'Since a time, or 10m, 2h, 3d ago' })
      .option('tail', { type: 'number', requiresArg: true, describe: 'The last so many events' })
      .option('raw', { type: 'boolean', describe: 'Print standard output byte for byte, JSON of an agent included' })
      .option('json', { type: 'boolean', describe: 'Print events as they stand in the journal' }),
  async run(args, { paths, env }) {
    const { raw = false, json = false } = args;
    if (raw && (json || args.id === undefined)) throw new ProgressError('usage', '--raw: of one id, without --json');
    const execution = args.id === undefined ? undefined : await findAnywhere(paths, args.id);
    const types = args.type?.flatMap((list) => list.split(','));
    const filter: Filter = {
      execution: execution?.id,
      step: args.step,
      types: types?.includes('all') ? undefined : (types ?? DEFAULT_TYPES),
      level: args.level,
      stream: args.stream,
    };
    const pattern = args.grep === undefined ? undefined : compile(args.grep);
    const isShown = (event: ExecutionEvent) =>
      raw ? isWritten(event) : args.stream !== undefined || json || !isForDebuggers(event);
    const wanted = (event: ExecutionEvent) =>
      matches(filter, event) && isShown(event) && (!pattern || pattern.test(searchable(event)));
    const show = json
      ? (events: ExecutionEvent[]) => printJson(events)
      : raw
        ? createRawPrinter(styleOf(env))
        : createPrinter(styleOf(env), execution !== undefined);

    const source = openSource(paths.journal);
    let isOver = execution !== undefined && isFinal(execution.status);
    let position = execution ? execution.firstSeq - 1 : 0;
    if (args.since !== undefined) {
      position = Math.max(position, await seqAtTime(source, parseSince(args.since, Date.now())));
    }
    const tail = createTail(checkTail(args.tail), show);
    for await (const part of readJournal(source, { after: position, execution: execution?.id })) {
      if (isPipeBroken()) return 0;
      if ('gap' in part) complain(`events ${part.gap.from} to ${part.gap.to} are gone (${part.gap.why})`);
      else {
        position = part.events.at(-1)?.seq ?? position;
        isOver ||= execution !== undefined && part.events.some(isEnd);
        await tail.take(part.events.filter(wanted));
      }
    }
    await tail.end();
    if (!args.follow || isOver) return 0;

    const subscribe = { after: position, ...(execution && { execution: execution.id }) };
    for await (const followed of follow({ paths, start: true, subscribe })) {
      if (isPipeBroken()) return 0;
      if (followed.kind === 'lost' && followed.attempt === 0) complain(`${followed.error.message}; trying again`);
      if (followed.kind === 'gap')
        complain(`events ${followed.gap.from} to ${followed.gap.to} are gone (${followed.gap.why})`);
      if (followed.kind !== 'events') continue;
      await show(followed.events.filter(wanted));
      if (execution && followed.events.some(isEnd)) return 0;
    }
    return 0;
  },
});

/** What an agent prints that means nothing to people. */
function isForDebuggers({ type, data }: ExecutionEvent): boolean {
  return type === 'output' && data['stream'] === 'debug' && data['as'] === undefined;
}

/** Bytes of its standard output stand in it: as output, or as the line that it was read from. */
function isWritten({ type, data }: ExecutionEvent): boolean {
  if (type !== 'output') return textOf(data, 'raw') !== undefined;
  return data['stream'] === 'stdout' || data['stream'] === 'debug';
}

function isEnd({ type }: ExecutionEvent): boolean {
  return Object.hasOwn(EXECUTION_ENDS, type);
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch (error) {
    throw new ProgressError('usage', `--grep: ${(error as Error).message}`, { cause: error });
  }
}

function checkTail(tail: number | undefined): number | undefined {
  if (tail === undefined || (Number.isInteger(tail) && tail >= 0 && tail <= MAX_TAIL)) return tail;
  throw new ProgressError('usage', `--tail must be a whole number from 0 to ${MAX_TAIL}`);
}

function searchable({ data }: ExecutionEvent): string {
  return textOf(data, 'text') ?? textOf(data, 'message') ?? JSON.stringify(data);
}

/** Prints at once, or keeps the last `count` until the end. */
function createTail(count: number | undefined, show: (events: ExecutionEvent[]) => Promise<void>) {
  let kept: ExecutionEvent[] = [];
  return {
    async take(events: ExecutionEvent[]) {
      if (count === undefined) {
        await show(events);
        return;
      }
      kept.push(...events);
      if (kept.length > 2 * count + events.length) kept = kept.slice(kept.length - count);
    },
    async end() {
      if (count !== undefined && count > 0) await show(kept.slice(-count));
    },
  };
}

/** Of one execution its output as it was written; everything else as lines that say where they are from. */
function createPrinter(style: OutputStyle, single: boolean): (events: ExecutionEvent[]) => Promise<void> {
  return async (events) => {
    for (const event of events) {
      if (single && event.type === 'output') await printOutput(event.data, style);
      else if (single && event.type === 'log') await printLines([messageLine(event, style)]);
      else if (single && event.type === 'activity')
        await printLines(activityLines(event, undefined, { columns: columnsOf(), style }));
      else await printLines(plainLine(event, undefined, style));
    }
  };
}

function createRawPrinter(style: OutputStyle): (events: ExecutionEvent[]) => Promise<void> {
  return async (events) => {
    for (const { type, data } of events) {
      await printOutput(type === 'output' ? data : { ...data, text: data['raw'] }, style);
    }
  };
}

/** To a terminal without what would command it; to anything else byte for byte. */
async function printOutput(data: EventData, style: OutputStyle): Promise<void> {
  const isCut = data['continued'] === true || (data['unterminated'] === true && !process.stdout.isTTY);
  const end = isCut ? '' : '\n';
  const bytes = textOf(data, 'base64');
  const text = textOf(data, 'text') ?? '';
  if (process.stdout.isTTY)
    await print(sanitize(bytes === undefined ? text : '(bytes that are no UTF-8)', style) + end);
  else if (bytes === undefined) await print(text + end);
  else await print(Buffer.concat([Buffer.from(bytes, 'base64'), Buffer.from(end)]));
}

function messageLine({ data }: ExecutionEvent, style: OutputStyle): string {
  return `${sanitize(textOf(data, 'level') ?? 'info', { color: false })}: ${sanitize(textOf(data, 'message') ?? '', style)}`;
}
