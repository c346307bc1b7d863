/** `progress watch`: follows executions live, as a line for each event or as a box drawn in place. */
import { constants } from 'node:os';
import { withClient } from '../../../client/connect.js';
import type { JournalPosition } from '../../../client/follow.js';
import { follow } from '../../../client/follow.js';
import type { Execution } from '../../../core/execution.js';
import { isFinal } from '../../../core/execution.js';
import { fold } from '../../../core/fold.js';
import { emptyState, findExecution, newestFirst } from '../../../core/state/state.js';
import { ProgressError } from '../../../core/base/errors.js';
import type { Ask } from '../../../api/messages.js';
import type { LineOptions } from '../../../terminal/line-writer.js';
import { LineWriter } from '../../../terminal/line-writer.js';
import { Backlog } from '../../shared/backlog.js';
import { defineCommand } from '../../command.js';
import { ANY_ID } from '../../options.js';
import { EVENT_OPTIONS, LINE_OPTIONS } from '../../shared/event-options.js';
import { readState } from '../../shared/offline.js';
import type { LineChoice } from './line-choice.js';
import { lineChoiceOf } from './line-choice.js';
import { EventSelection } from './event-selection.js';
import { findOne } from '../../shared/lookup.js';
import { gapText, reportLost } from '../../shared/stream-errors.js';
import type { CommandContext } from '../../command.js';
import { exitStatusOf } from '../../shared/exit-status.js';
import type { OwnCommand } from '../../shared/own-command.js';
import { findOwnCommand } from '../../shared/own-command.js';
import { complain, isPipeBroken, noteWaiting, printJson, printLines } from '../../shared/output.js';
import { ring } from './ring.js';
import type { Watched } from './stream.js';
import { watchInBox } from './stream.js';
import { lineOptionsOf, styleOf } from '../../shared/output-options.js';

/** Interval of heartbeats while nothing is printed. */
const HEARTBEAT_MS = 30_000;

export const command = defineCommand({
  verb: 'watch',
  describe: 'Follow executions live',
  positionals: { id: { describe: `${ANY_ID} (default: all executions)` } },
  options: {
    stream: { type: 'boolean', describe: 'Draw a box in place' },
    all: { type: 'boolean', describe: 'Include the command line that this is part of' },
    'from-start': { type: 'boolean', describe: 'Start with the oldest event' },
    ...EVENT_OPTIONS,
    ...LINE_OPTIONS,
    json: { type: 'boolean', describe: 'Print events as NDJSON' },
    'exit-status': { type: 'boolean', describe: 'Exit with the status of the execution' },
  },
  async run(args, context) {
    const { paths, env } = context;
    if (args['exit-status'] && args.id === undefined) throw new ProgressError('usage', '--exit-status needs an ID');
    if (args.stream && args.json) throw new ProgressError('usage', '--stream and --json exclude each other');
    const { criteria, form, isPlain } = lineChoiceOf(args, Date.now());
    if (args.stream && !isPlain)
      throw new ProgressError('usage', `--stream draws a box: it excludes ${ONLY_LINES.join(', ')}`);
    if (args['from-start'] && criteria.since !== undefined)
      throw new ProgressError('usage', '--from-start and --since exclude each other');
    const style = styleOf(env);
    const { id } = args;
    const execution =
      id === undefined ? undefined : await withClient({ paths, start: true }, (client) => findOne(client, id));
    const inBox = args.stream === true && style.mode === 'box';
    const flags = { json: args.json ?? false, fromStart: args['from-start'] ?? false, criteria, form };
    // the own command line is shown when it is named, or with --all
    const isWhole = args.all === true || execution !== undefined;
    const own = isWhole ? undefined : await findOwnCommand(context, true);
    const watched: Watched = inBox
      ? await watchInBox(context, style, execution, own)
      : { execution: await printOne(context, execution, { ...flags, own }) };
    if (watched.left === 'SIGTERM' || watched.left === 'SIGHUP') return 128 + constants.signals[watched.left];
    return args['exit-status'] ? exitStatusOf(watched.execution) : 0;
  },
});

const ONLY_LINES = ['-v', '--utc', '--since', '--type', '--level', '--grep', '--label'];

interface LineFlags extends Pick<LineChoice, 'criteria' | 'form'> {
  json: boolean;
  fromStart: boolean;
  own: OwnCommand | undefined;
}

/** Prints events until the execution ends, or without end. @returns the execution as it ended */
async function printOne(
  { paths, env }: CommandContext,
  execution: Execution | undefined,
  { json, fromStart, criteria, form, own }: LineFlags,
): Promise<Execution | undefined> {
  const isShort = process.stdout.isTTY && !json && !fromStart && criteria.since === undefined;
  const isSingle = execution !== undefined;
  // names and labels of executions whose start is not printed
  const known = isSingle && criteria.labels === undefined ? emptyState() : await readState(paths);
  const filter = new EventSelection(criteria, known);
  const names = new Map(newestFirst(known).map(({ id, name }) => [id, name]));
  const lines: LineOptions = { ...lineOptionsOf(env), ...form, isSingle, names };
  const printing = { paths, lines, json, isShort, filter };
  if (!execution) {
    noteWaiting('events of all executions');
    return await printEvents({ ...printing, own, ...(fromStart && { subscribe: { after: 0 } }) });
  }
  // an execution that has ended has no further events, so its last seq is the end
  const last = isFinal(execution.status) ? { last: execution.lastSeq } : {};
  if (!isFinal(execution.status)) noteWaiting(`events of ${execution.name}, until it ends`);
  return (await printEvents({ ...printing, execution: execution.id, ...last })) ?? execution;
}

export interface Printing {
  paths: CommandContext['paths'];
  lines: LineOptions;
  json?: boolean;
  /** @default all events but samples of resources and debug output */
  filter?: EventSelection;
  /** Of older events, only the last lines are printed. */
  isShort?: boolean;
  /** One execution, by its full ID, until it ends. */
  execution?: string;
  subscribe?: Ask<'subscribe'>;
  /** Position to start at; by default the daemon chooses. */
  resume?: JournalPosition;
  /** Execution to exclude. */
  own?: OwnCommand | undefined;
  /** Seq of the last event. */
  last?: number;
  signal?: AbortSignal;
}

/** Prints events until the execution ends, or the signal aborts. @returns the execution, if its end was seen */
export async function printEvents(printing: Printing): Promise<Execution | undefined> {
  const { paths, json = false, execution, own, last = Infinity, resume, signal } = printing;
  const { filter = new EventSelection({}, emptyState()) } = printing;
  const writer = new LineWriter(printing.lines);
  const state = emptyState();
  const backlog = printing.isShort ? new Backlog(printBacklog) : undefined;
  let head: number | undefined;
  const print = async (lines: readonly string[], seq: number) => {
    if (seq <= (head ?? 0)) return backlog?.add(lines);
    await backlog?.flush();
    await printLines(lines);
  };
  const subscribe = { ...filter.subscription(), ...printing.subscribe, ...(execution !== undefined && { execution }) };
  const heartbeat = setInterval(() => {
    if (json || process.stdout.isTTY) return;
    const shown = [...state.alive.values()].filter(({ id }) => own?.is(id) !== true);
    void printLines(shown.map((one) => writer.heartbeat(one, Date.now())));
  }, HEARTBEAT_MS);
  try {
    for await (const followed of follow({ paths, start: true, subscribe, resume, ...(signal && { signal }) })) {
      if (isPipeBroken()) return undefined;
      reportLost(followed);
      if (followed.kind === 'connected' && backlog) head ??= followed.hello.seq;
      if (followed.kind === 'reset') complain('the journal was replaced; events follow from its beginning');
      if (followed.kind === 'gap') {
        if (json) await printJson([{ gap: followed.gap }]);
        else complain(gapText(followed.gap));
      }
      if (followed.kind !== 'events') continue;
      const shown = own ? followed.events.filter((event) => !own.isOf(event)) : followed.events;
      if (json) await printJson(shown.filter((event) => filter.passes(event)));
      else ring(shown);
      for (const event of shown) {
        const changed = fold(state, event);
        if (json || !filter.isLine(event)) continue;
        const lines = filter.take(event).flatMap((unit) => writer.lines(unit, changed));
        if (lines.length > 0) heartbeat.refresh();
        await print(lines, event.seq);
      }
      const known = execution === undefined ? undefined : findExecution(state, execution);
      if (known && isFinal(known.status)) return known;
      if ((followed.events.at(-1)?.seq ?? 0) >= last) return undefined;
    }
    return undefined;
  } finally {
    clearInterval(heartbeat);
    await backlog?.flush();
  }
}

async function printBacklog(lines: readonly string[], dropped: number): Promise<void> {
  if (dropped > 0) complain(`${dropped} earlier lines are not shown: --from-start or 'progress logs' prints them`);
  await printLines(lines);
}
