/** `progress watch`: follows executions live, as a line for each event or as a box drawn in place. */
import { constants } from 'node:os';
import { withClient } from '../../../client/connect.js';
import type { JournalPosition } from '../../../client/follow.js';
import { follow } from '../../../client/follow.js';
import type { ExecutionEvent } from '../../../core/events/event.js';
import type { Execution } from '../../../core/execution.js';
import { isFinal } from '../../../core/execution.js';
import { fold } from '../../../core/fold.js';
import { emptyState, findExecution } from '../../../core/state/state.js';
import { ProgressError } from '../../../core/base/errors.js';
import type { Ask } from '../../../api/messages.js';
import { heartbeatLine, plainLine } from '../../../terminal/plain.js';
import type { OutputStyle } from '../../../terminal/style.js';
import { Backlog } from '../../shared/backlog.js';
import { defineCommand } from '../../command.js';
import { ANY_ID } from '../../options.js';
import { findOne } from '../../shared/lookup.js';
import { gapText, reportLost } from '../../shared/stream-errors.js';
import type { CommandContext } from '../../command.js';
import { exitStatusOf } from '../../shared/exit-status.js';
import type { OwnCommand } from '../../shared/own-command.js';
import { findOwnCommand } from '../../shared/own-command.js';
import { complain, isPipeBroken, noteWaiting, printJson, printLines } from '../../shared/output.js';
import type { Watched } from './stream.js';
import { ring } from './ring.js';
import { watchInBox } from './stream.js';
import { styleOf } from '../../shared/output-options.js';

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
    json: { type: 'boolean', describe: 'Print events as NDJSON' },
    'exit-status': { type: 'boolean', describe: 'Exit with the status of the execution' },
  },
  async run(args, context) {
    const { paths, env } = context;
    if (args['exit-status'] && args.id === undefined) throw new ProgressError('usage', '--exit-status needs an ID');
    if (args.stream && args.json) throw new ProgressError('usage', '--stream and --json exclude each other');
    const style = styleOf(env);
    const { id } = args;
    const execution =
      id === undefined ? undefined : await withClient({ paths, start: true }, (client) => findOne(client, id));
    const inBox = args.stream === true && style.mode === 'box';
    const flags = { json: args.json ?? false, fromStart: args['from-start'] ?? false };
    // the own command line is shown when it is named, or with --all
    const isWhole = args.all === true || execution !== undefined;
    const own = isWhole ? undefined : await findOwnCommand(context, true);
    const watched: Watched = inBox
      ? await watchInBox(context, style, execution, own)
      : { execution: await printOne(context, style, execution, { ...flags, own }) };
    if (watched.left === 'SIGTERM' || watched.left === 'SIGHUP') return 128 + constants.signals[watched.left];
    return args['exit-status'] ? exitStatusOf(watched.execution) : 0;
  },
});

/** Prints events until the execution ends, or without end. @returns the execution as it ended */
async function printOne(
  { paths }: CommandContext,
  style: OutputStyle,
  execution: Execution | undefined,
  { json, fromStart, own }: { json: boolean; fromStart: boolean; own: OwnCommand | undefined },
): Promise<Execution | undefined> {
  const isShort = process.stdout.isTTY && !json && !fromStart;
  if (!execution) {
    noteWaiting('events of all executions');
    return await printEvents({ paths, style, json, isShort, own, ...(fromStart && { subscribe: { after: 0 } }) });
  }
  // an execution that has ended has no further events, so its last seq is the end
  const last = isFinal(execution.status) ? { last: execution.lastSeq } : {};
  if (!isFinal(execution.status)) noteWaiting(`events of ${execution.name}, until it ends`);
  return (await printEvents({ paths, style, json, isShort, execution: execution.id, ...last })) ?? execution;
}

export interface Printing {
  paths: CommandContext['paths'];
  style: OutputStyle;
  json?: boolean;
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
  const { paths, style, json = false, execution, own, last = Infinity, resume, signal } = printing;
  const state = emptyState();
  const backlog = printing.isShort ? new Backlog(printBacklog) : undefined;
  let head: number | undefined;
  const print = async (lines: readonly string[], seq: number) => {
    if (seq <= (head ?? 0)) return backlog?.add(lines);
    await backlog?.flush();
    await printLines(lines);
  };
  const subscribe = { ...printing.subscribe, ...(execution !== undefined && { execution }) };
  const heartbeat = setInterval(() => {
    if (json || process.stdout.isTTY) return;
    const shown = [...state.alive.values()].filter(({ id }) => own?.is(id) !== true);
    void printLines(shown.map((one) => heartbeatLine(one, Date.now())));
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
      if (shown.some(isLine)) heartbeat.refresh();
      if (json) await printJson(shown);
      else ring(shown);
      for (const event of shown) {
        const changed = fold(state, event);
        if (!json && isLine(event)) await print(plainLine(event, changed, style), event.seq);
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

/** Excludes resource figures, which heartbeats print, and debug output. */
function isLine({ type, data }: ExecutionEvent): boolean {
  return type !== 'resource_update' && !(type === 'output' && data['stream'] === 'debug');
}
