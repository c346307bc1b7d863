/** `progress logs`: output and messages from the files of the journal, and on with what is written from now on. */
import { follow } from '../../../client/follow.js';
import type { ExecutionEvent } from '../../../core/event.js';
import { EXECUTION_ENDS, textOf } from '../../../core/event.js';
import type { Execution } from '../../../core/execution.js';
import { isFinal } from '../../../core/execution.js';
import type { Filter } from '../../../core/filter.js';
import { LEVELS, matches } from '../../../core/filter.js';
import { ProgressError } from '../../../core/errors.js';
import { openSource, readJournal, readLast } from '../../../journal/reader.js';
import { matching } from '../../../journal/search.js';
import type { Paths } from '../../../platform/paths.js';
import { compilePattern } from '../../../platform/patterns.js';
import { defineCommand } from '../../command.js';
import { gapText } from '../../shared/gap-text.js';
import { BREAK, createGrep, type Grep, type Unit, unitsOf } from './grep.js';
import { createPrinter, isForDebuggers, isSilence, type Printer, SHOWN_TYPES } from './printer.js';
import { findAnywhere, readState } from '../../shared/offline.js';
import { findOwnCommand } from '../../shared/own-command.js';
import { complain, isPipeBroken, noteWaiting, printJson, printLines } from '../../shared/output.js';
import { createExecutionFilter, parseLabels, withStarts } from '../../shared/execution-filter.js';
import { styleOf } from '../../shared/output-options.js';
import { parseTimeExpression } from '../../shared/time-expressions.js';

const MAX_TAIL = 100_000;
const MAX_CONTEXT = 10_000;
/** As grep(1) has it. */
const NOT_FOUND_STATUS = 1;

export const command = defineCommand({
  usage: 'logs [id]',
  describe: 'Print output and messages, from the journal’s files',
  options: (yargs) =>
    yargs
      .positional('id', { type: 'string', describe: 'An id, a prefix of one, or a name' })
      .option('follow', { alias: 'f', type: 'boolean', describe: 'Go on with what comes' })
      .option('since', { type: 'string', requiresArg: true, describe: 'Since a time, or 10m, 2h, 3d ago, yesterday' })
      .option('until', { type: 'string', requiresArg: true, describe: 'Before a time, given in the same ways' })
      .option('grep', { type: 'string', requiresArg: true, describe: 'Lines that match a regular expression' })
      .option('ignore-case', { alias: 'i', type: 'boolean', describe: 'Upper and lower case are the same' })
      .option('invert-match', { alias: 'v', type: 'boolean', describe: 'Lines that do not match' })
      .option('after-context', {
        alias: 'A',
        type: 'string',
        requiresArg: true,
        describe: 'So many lines behind a match too',
      })
      .option('before-context', { alias: 'B', type: 'string', requiresArg: true, describe: 'So many lines before it' })
      .option('context', { alias: 'C', type: 'string', requiresArg: true, describe: 'So many before and behind it' })
      .option('count', { alias: 'c', type: 'boolean', describe: 'Print only how many lines there are' })
      .option('type', { type: 'string', array: true, nargs: 1, describe: 'Types of events; all for every type' })
      .option('stream', { type: 'string', requiresArg: true, describe: 'Of output: stdout, stderr, debug, system' })
      .option('level', { choices: LEVELS, describe: 'Of messages: this level and above' })
      .option('step', { type: 'string', requiresArg: true, describe: 'Of one step' })
      .option('label', { type: 'string', array: true, nargs: 1, describe: 'Of executions with this key=value' })
      .option('name', { type: 'string', requiresArg: true, describe: 'Of executions with this name; * is any text' })
      .option('tail', { type: 'string', requiresArg: true, describe: 'The last so many lines' })
      .option('all', { type: 'boolean', describe: 'Include the command that runs this' })
      .option('raw', { type: 'boolean', describe: 'Print standard output byte for byte, JSON of an agent included' })
      .option('json', { type: 'boolean', describe: 'Print events as they stand in the journal' }),
  async run(args, { paths, env }) {
    const { raw = false, json = false, count = false } = args;
    if (raw && (json || args.id === undefined)) throw new ProgressError('usage', '--raw: of one id, without --json');
    if (args.follow && (args.until !== undefined || count))
      throw new ProgressError('usage', '--follow goes on: it goes with neither --until nor --count');
    if (count && args.tail !== undefined) throw new ProgressError('usage', '--count counts, --tail prints: choose one');
    const now = Date.now();
    const since = args.since === undefined ? undefined : parseTimeExpression('since', args.since, now);
    const until = args.until === undefined ? undefined : parseTimeExpression('until', args.until, now);
    const tail = parseCount('tail', args.tail, MAX_TAIL);
    const context = parseContext(args);
    const pattern = args.grep === undefined ? undefined : compile(args.grep, args['ignore-case'] ?? false);
    if (!pattern && (args['ignore-case'] || args['invert-match'] || context))
      throw new ProgressError('usage', '-i, -v, -A, -B and -C need --grep');
    const isOwners = args.label !== undefined || args.name !== undefined;
    const criteria = { labels: parseLabels(args.label), name: args.name };

    const source = openSource(paths.journal);
    // before anything else is asked: what ends behind this is seen to end
    const head = args.follow ? ((await readLast(source, 1, {})).events[0]?.seq ?? 0) : undefined;
    const execution = args.id === undefined ? undefined : await findAnywhere(paths, args.id);
    const goesOn = args.follow === true && !(execution && isFinal(execution.status));
    const isOwned = isOwners ? createExecutionFilter(criteria, await readState(paths)) : () => true;
    const types = args.type?.flatMap((list) => list.split(','));
    // what it writes and says itself is wanted like that of others
    const isWhole = args.all === true || execution !== undefined || isOwners || types === undefined;
    const own = isWhole ? undefined : await findOwnCommand({ paths, env }, false);
    const filter: Filter = {
      execution: execution?.id,
      step: args.step,
      types: types?.includes('all') ? undefined : (types ?? SHOWN_TYPES),
      level: args.level,
      stream: args.stream,
    };
    const isSilenceWanted = types?.includes('attention') === true;
    const isShown = (event: ExecutionEvent) =>
      raw
        ? isWritten(event)
        : json || ((args.stream !== undefined || !isForDebuggers(event)) && (isSilenceWanted || !isSilence(event)));
    const isOther = (event: ExecutionEvent) => own?.isOf(event) !== true;
    const isWanted = (event: ExecutionEvent) =>
      isOther(event) && isOwned(event) && matches(filter, event) && isShown(event);

    const invert = args['invert-match'] ?? false;
    const grep = pattern && createGrep({ pattern, invert, ...(context ?? NO_CONTEXT) });
    const style = styleOf(env);
    const form = json ? 'json' : raw ? 'raw' : 'text';
    const print = createPrinter({
      form,
      style,
      single: execution !== undefined,
      pattern: invert ? undefined : pattern,
    });
    const sink = createSink({
      split: !json && (grep !== undefined || tail !== undefined || count),
      grep,
      tail,
      count,
      print,
    });

    if (tail !== undefined && !context && since === undefined && until === undefined && !isOwners) {
      const isFound = (event: ExecutionEvent) => !grep || sink.unitsOf(event).some((unit) => grep.matches(unit));
      const isLast = (event: ExecutionEvent) => isOther(event) && isShown(event) && isFound(event);
      const newest = await readLast(source, tail, filter, goesOn ? head : undefined, isLast);
      for (const gap of newest.gaps) complain(gapText(gap));
      await sink.take(newest.events);
    } else {
      const found = pattern && !invert && !context ? matching(pattern.source, args['ignore-case'] ?? false) : undefined;
      const search = isOwners ? withStarts(found) : found;
      const after = execution ? execution.firstSeq - 1 : 0;
      const range = { after, execution: execution?.id, since, until, search, ...(goesOn && { through: head }) };
      for await (const part of readJournal(source, range)) {
        if (isPipeBroken()) return 0;
        if ('gap' in part) complain(gapText(part.gap));
        else await sink.take(part.events.filter(isWanted));
      }
    }
    await sink.end(json);
    if (goesOn) {
      noteWaiting(execution ? `output of ${execution.name}, until it ends` : 'output of all executions');
      const take = async (events: ExecutionEvent[]) => await sink.take(events.filter(isWanted));
      await followLog(paths, head ?? 0, execution, take);
    }
    return grep?.count === 0 ? NOT_FOUND_STATUS : 0;
  },
});

async function followLog(
  paths: Paths,
  after: number,
  execution: Execution | undefined,
  take: (events: ExecutionEvent[]) => Promise<void>,
): Promise<void> {
  const subscribe = { after, ...(execution && { execution: execution.id }) };
  for await (const followed of follow({ paths, start: true, subscribe })) {
    if (isPipeBroken()) return;
    if (followed.kind === 'lost' && followed.attempt === 0) complain(`${followed.error.message}; trying again`);
    if (followed.kind === 'gap') complain(gapText(followed.gap));
    if (followed.kind !== 'events') continue;
    await take(followed.events);
    if (execution && followed.events.some(isEnd)) return;
  }
}

/** Bytes of its standard output stand in it: as output, or as the line that it was read from. */
function isWritten({ type, data }: ExecutionEvent): boolean {
  if (type !== 'output') return textOf(data, 'raw') !== undefined;
  return data['stream'] === 'stdout' || data['stream'] === 'debug';
}

function isEnd({ type }: ExecutionEvent): boolean {
  return Object.hasOwn(EXECUTION_ENDS, type);
}

function compile(source: string, ignoreCase: boolean) {
  try {
    return compilePattern(source, { ignoreCase });
  } catch (error) {
    throw new ProgressError('usage', `--grep: ${ProgressError.from(error).message}`, { cause: error });
  }
}

function parseCount(option: string, text: string | undefined, max: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text) && Number(text) <= max) return Number(text);
  throw new ProgressError('usage', `--${option} must be a whole number from 0 to ${max}`);
}

const NO_CONTEXT = { before: 0, after: 0 };

type ContextOptions = Readonly<Record<'after-context' | 'before-context' | 'context', string | undefined>>;

/** Undefined without any. */
function parseContext(args: ContextOptions): { before: number; after: number } | undefined {
  const both = parseCount('context', args.context, MAX_CONTEXT) ?? 0;
  const before = parseCount('before-context', args['before-context'], MAX_CONTEXT) ?? both;
  const after = parseCount('after-context', args['after-context'], MAX_CONTEXT) ?? both;
  return before + after > 0 ? { before, after } : undefined;
}

interface SinkOptions {
  /** Output is taken line by line. */
  split: boolean;
  grep: Grep | undefined;
  /** Only the last so many are printed, when all have come. */
  tail: number | undefined;
  /** They are only counted. */
  count: boolean;
  print: Printer;
}

/** Where events go that are wanted: searched, counted, kept for the end, printed. */
function createSink({ split, grep, tail, count, print }: SinkOptions) {
  let kept: (Unit | typeof BREAK)[] = [];
  let counted = 0;
  let isOpen = tail === undefined;
  const unitsIn = (event: ExecutionEvent) => (split ? unitsOf(event) : [event]);
  return {
    unitsOf: unitsIn,
    async take(events: readonly ExecutionEvent[]): Promise<void> {
      const units = events.flatMap(unitsIn);
      const found = grep ? units.flatMap((unit) => grep.take(unit)) : units.map((event) => ({ event, matched: false }));
      counted += found.length;
      if (count) return;
      if (isOpen) return await print(found);
      kept.push(...found);
      if (kept.length > 2 * (tail ?? 0) + found.length) kept = kept.slice(kept.length - (tail ?? 0));
    },
    /** Of what was there; what comes now is printed as it comes. */
    async end(json: boolean): Promise<void> {
      const total = grep ? grep.count : counted;
      if (count) return await (json ? printJson([{ count: total }]) : printLines([String(total)]));
      if (!isOpen && tail !== undefined && tail > 0) await print(kept.slice(-tail));
      isOpen = true;
      kept = [];
    },
  };
}
