/** `progress logs`: prints output and messages from the files of the journal, and follows new ones. */
import { follow } from '../../../client/follow.js';
import type { ExecutionEvent } from '../../../core/events/event.js';
import { EXECUTION_ENDS, textOf } from '../../../core/events/event.js';
import type { Execution } from '../../../core/execution.js';
import { isFinal } from '../../../core/execution.js';
import type { Filter } from '../../../core/events/filter.js';
import { matches } from '../../../core/events/filter.js';
import { ProgressError } from '../../../core/base/errors.js';
import { openSource, readJournal, readLast } from '../../../journal/reader.js';
import { matching } from '../../../journal/search.js';
import type { Paths } from '../../../platform/paths.js';
import { defineCommand } from '../../command.js';
import { ANY_ID } from '../../options.js';
import { gapText, reportLost } from '../../shared/stream-errors.js';
import { BREAK, createGrep, type Grep, type Unit, unitsOf } from './grep.js';
import { createPrinter, isForDebuggers, isSilence, type Printer, SHOWN_TYPES } from './printer.js';
import { findAnywhere, readState } from '../../shared/offline.js';
import { findOwnCommand } from '../../shared/own-command.js';
import { complain, isPipeBroken, noteWaiting, printJson, printLines } from '../../shared/output.js';
import { createExecutionFilter, withStarts } from '../../shared/execution-filter.js';
import { compileGrep, EVENT_OPTIONS, parseTypes } from '../../shared/event-options.js';
import { parseCount, parsePairs } from '../../shared/option-values.js';
import { styleOf } from '../../shared/output-options.js';
import { parseTimeExpression } from '../../shared/time-expressions.js';

const MAX_TAIL = 100_000;
const MAX_CONTEXT = 10_000;
/** As in grep(1). */
const NOT_FOUND_STATUS = 1;

export const command = defineCommand({
  verb: 'logs',
  describe: 'Print output and messages of executions',
  positionals: { id: { describe: `${ANY_ID} (default: all executions)` } },
  options: {
    follow: { type: 'boolean', alias: 'f', describe: 'Follow new events' },
    since: EVENT_OPTIONS.since,
    until: { type: 'string', value: 'time', describe: 'Print events before a time' },
    grep: EVENT_OPTIONS.grep,
    'ignore-case': EVENT_OPTIONS['ignore-case'],
    'invert-match': { type: 'boolean', alias: 'v', describe: 'Print lines that do not match' },
    'after-context': {
      type: 'string',
      alias: 'A',
      value: 'lines',
      describe: 'Print this many lines after a match',
    },
    'before-context': {
      type: 'string',
      alias: 'B',
      value: 'lines',
      describe: 'Print this many lines before a match',
    },
    context: {
      type: 'string',
      alias: 'C',
      value: 'lines',
      describe: 'Print this many lines before and after a match',
    },
    count: { type: 'boolean', alias: 'c', describe: 'Print the number of lines only' },
    type: EVENT_OPTIONS.type,
    stream: {
      type: 'string',
      value: 'stream',
      describe: 'Print output of this stream: stdout, stderr, debug, system',
    },
    level: EVENT_OPTIONS.level,
    step: { type: 'string', value: 'id', describe: 'Print events of this step' },
    label: EVENT_OPTIONS.label,
    name: { type: 'string', value: 'pattern', describe: 'Print events of executions with this name; * is any text' },
    tail: { type: 'string', value: 'lines', describe: 'Print this many of the last lines' },
    all: { type: 'boolean', describe: 'Include the command line that this is part of' },
    raw: { type: 'boolean', describe: 'Print standard output byte for byte' },
    json: { type: 'boolean', describe: 'Print events as NDJSON' },
  },
  async run(args, { paths, env }) {
    const { raw = false, json = false, count = false } = args;
    if (raw && (json || args.id === undefined))
      throw new ProgressError('usage', '--raw needs an ID, and excludes --json');
    if (args.follow && (args.until !== undefined || count))
      throw new ProgressError('usage', '--follow excludes --until and --count');
    if (count && args.tail !== undefined) throw new ProgressError('usage', '--count and --tail exclude each other');
    const now = Date.now();
    const since = args.since === undefined ? undefined : parseTimeExpression('since', args.since, now);
    const until = args.until === undefined ? undefined : parseTimeExpression('until', args.until, now);
    const tail = args.tail === undefined ? undefined : parseCount('tail', args.tail, MAX_TAIL);
    const context = parseContext(args);
    const pattern = args.grep === undefined ? undefined : compileGrep(args.grep, args['ignore-case'] ?? false);
    if (!pattern && (args['ignore-case'] || args['invert-match'] || context))
      throw new ProgressError('usage', '-i, -v, -A, -B and -C need --grep');
    const hasCriteria = args.label !== undefined || args.name !== undefined;
    const criteria = { labels: args.label && parsePairs('label', args.label), name: args.name };

    const source = openSource(paths.journal);
    // read first, so that an end after this position is seen by the follower
    const head = args.follow ? ((await readLast(source, 1, {})).events[0]?.seq ?? 0) : undefined;
    const execution = args.id === undefined ? undefined : await findAnywhere(paths, args.id);
    const isFollowing = args.follow === true && !(execution && isFinal(execution.status));
    const isMatching = hasCriteria ? createExecutionFilter(criteria, await readState(paths)) : () => true;
    const types = parseTypes(args.type);
    // by default the output of the own command line is printed like that of others
    const isWhole = args.all === true || execution !== undefined || hasCriteria || types === undefined;
    const own = isWhole ? undefined : await findOwnCommand({ paths, env }, false);
    const filter: Filter = {
      execution: execution?.id,
      step: args.step,
      types: types?.includes('all') ? undefined : (types ?? SHOWN_TYPES),
      level: args.level,
      stream: args.stream,
    };
    const hasSilence = types?.includes('attention') === true;
    const isShown = (event: ExecutionEvent) =>
      raw
        ? isWritten(event)
        : json || ((args.stream !== undefined || !isForDebuggers(event)) && (hasSilence || !isSilence(event)));
    const isOther = (event: ExecutionEvent) => own?.isOf(event) !== true;
    const isWanted = (event: ExecutionEvent) =>
      isOther(event) && isMatching(event) && matches(filter, event) && isShown(event);

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

    if (tail !== undefined && !context && since === undefined && until === undefined && !hasCriteria) {
      const isFound = (event: ExecutionEvent) => !grep || sink.unitsOf(event).some((unit) => grep.matches(unit));
      const isLast = (event: ExecutionEvent) => isOther(event) && isShown(event) && isFound(event);
      const newest = await readLast(source, tail, filter, isFollowing ? head : undefined, isLast);
      for (const gap of newest.gaps) complain(gapText(gap));
      await sink.take(newest.events);
    } else {
      const found = pattern && !invert && !context ? matching(pattern.source, args['ignore-case'] ?? false) : undefined;
      const search = hasCriteria ? withStarts(found) : found;
      const after = execution ? execution.firstSeq - 1 : 0;
      const range = { after, execution: execution?.id, since, until, search, ...(isFollowing && { through: head }) };
      for await (const part of readJournal(source, range)) {
        if (isPipeBroken()) return 0;
        if ('gap' in part) complain(gapText(part.gap));
        else await sink.take(part.events.filter(isWanted));
      }
    }
    await sink.end(json);
    if (isFollowing) {
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
    reportLost(followed);
    if (followed.kind === 'gap') complain(gapText(followed.gap));
    if (followed.kind !== 'events') continue;
    await take(followed.events);
    if (execution && followed.events.some(isEnd)) return;
  }
}

/** Whether the event holds bytes of standard output: as output, or as the raw line that it was parsed from. */
function isWritten({ type, data }: ExecutionEvent): boolean {
  if (type !== 'output') return textOf(data, 'raw') !== undefined;
  return data['stream'] === 'stdout' || data['stream'] === 'debug';
}

function isEnd({ type }: ExecutionEvent): boolean {
  return Object.hasOwn(EXECUTION_ENDS, type);
}

const NO_CONTEXT = { before: 0, after: 0 };

type ContextOptions = Readonly<Partial<Record<'after-context' | 'before-context' | 'context', string | undefined>>>;

/** @returns undefined without context */
function parseContext(args: ContextOptions): { before: number; after: number } | undefined {
  const count = (option: keyof ContextOptions) => {
    const text = args[option];
    return text === undefined ? undefined : parseCount(option, text, MAX_CONTEXT);
  };
  const both = count('context') ?? 0;
  const before = count('before-context') ?? both;
  const after = count('after-context') ?? both;
  return before + after > 0 ? { before, after } : undefined;
}

interface SinkOptions {
  /** Whether output is split into lines. */
  split: boolean;
  grep: Grep | undefined;
  /** Number of last units to print, once all are read. */
  tail: number | undefined;
  /** Only count units. */
  count: boolean;
  print: Printer;
}

/** Sink of matching events: searches, counts, keeps the last ones, or prints. */
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
    /** Ends the stored events; later ones are printed at once. */
    async end(json: boolean): Promise<void> {
      const total = grep ? grep.count : counted;
      if (count) return await (json ? printJson([{ count: total }]) : printLines([String(total)]));
      if (!isOpen && tail !== undefined && tail > 0) await print(kept.slice(-tail));
      isOpen = true;
      kept = [];
    },
  };
}
