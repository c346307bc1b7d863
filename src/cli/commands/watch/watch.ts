/** `progress watch`: follows executions live, as a line for each event or as a box drawn in place. */
import { constants } from 'node:os';
import { withClient } from '../../../client/connect.js';
import type { JournalPosition } from '../../../client/follow.js';
import { follow } from '../../../client/follow.js';
import { loadConfig } from '../../../config/load.js';
import type { ExecutionEvent } from '../../../core/events/event.js';
import { EXECUTION_ENDS } from '../../../core/events/event.js';
import type { Execution } from '../../../core/execution.js';
import { isFinal } from '../../../core/execution.js';
import { fold } from '../../../core/fold.js';
import { emptyState, findExecution } from '../../../core/state/state.js';
import { ProgressError } from '../../../core/base/errors.js';
import type { Ask } from '../../../api/messages.js';
import type { Leaving } from '../../../terminal/box.js';
import { openBox } from '../../../terminal/box.js';
import { heartbeatLine, isBell, plainLine } from '../../../terminal/plain.js';
import type { OutputStyle } from '../../../terminal/style.js';
import { summaryLines } from '../../../terminal/summary.js';
import { Backlog } from '../../shared/backlog.js';
import { defineCommand } from '../../command.js';
import { ANY_ID } from '../../options.js';
import { findOne } from '../../shared/lookup.js';
import { gapText, reportLost } from '../../shared/stream-errors.js';
import type { CommandContext } from '../../command.js';
import { exitStatusOf } from '../../shared/exit-status.js';
import type { LiveModel } from '../../shared/live-model.js';
import { openLiveModel } from '../../shared/live-model.js';
import type { OwnCommand } from '../../shared/own-command.js';
import { findOwnCommand } from '../../shared/own-command.js';
import { complain, isPipeBroken, noteWaiting, printJson, printLines } from '../../shared/output.js';
import { columnsOf, styleOf } from '../../shared/output-options.js';

const FOOTER = 't full screen · q leave (keeps running)';
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
    if (watched.left === 't') {
      const { runTui } = await import('../tui.js');
      return await runTui(context, { ...(execution && { id: execution.id }), mouse: true, bell: true });
    }
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

/** Rings the bell of the terminal. */
function ring(events: readonly ExecutionEvent[]): void {
  if (process.stdout.isTTY && events.some((event) => isBell(event, Date.now()))) process.stdout.write('\x07');
}

/** Excludes resource figures, which heartbeats print, and debug output. */
function isLine({ type, data }: ExecutionEvent): boolean {
  return type !== 'resource_update' && !(type === 'output' && data['stream'] === 'debug');
}

/** Draws the box until the execution ends or the user leaves. */
async function watchInBox(
  { paths }: CommandContext,
  style: OutputStyle,
  execution: Execution | undefined,
  own: OwnCommand | undefined,
): Promise<Watched> {
  const isShown = ({ id }: Execution) => own?.is(id) !== true;
  const summary = (one: Execution) => summaryLines(one, style, columnsOf());
  if (execution && isFinal(execution.status)) {
    await printLines(summary(execution));
    return { execution };
  }
  const abort = new AbortController();
  let end = () => {};
  const ended = new Promise<undefined>((resolve) => (end = () => resolve(undefined)));
  const live = await openLiveModel({
    paths,
    ...(execution && { execution: execution.id }),
    rate: loadConfig(paths.config).watch.rate,
    signal: abort.signal,
    onChange(events) {
      events.forEach((event) => own?.isOf(event));
      box.changed();
      ring(events);
      if (!execution) for (const one of endedBy(events, live).filter(isShown)) box.print(summary(one).slice(0, 1));
      else if (isFinal(live.find(execution.id)?.status ?? 'running')) end();
    },
  });
  const view = () => ({
    executions: live.executions().filter(isShown),
    connection: live.connection,
    now: Date.now(),
    detail: true,
    footer: FOOTER,
  });
  const { stdin: input, stdout: output } = process;
  const box = openBox({ input, output, style, view, hasFullScreen: true });
  const left = await Promise.race([box.left, ended]);
  abort.abort();
  const shown = execution && (live.find(execution.id) ?? execution);
  await box.close(shown && isFinal(shown.status) ? summary(shown) : []);
  await live.done;
  return { execution: shown, left };
}

interface Watched {
  execution: Execution | undefined;
  left?: Leaving | undefined;
}

/** Finds the executions that these events ended. */
function endedBy(events: readonly ExecutionEvent[], live: LiveModel): Execution[] {
  const ids = new Set(events.filter(({ type }) => Object.hasOwn(EXECUTION_ENDS, type)).map((event) => event.execution));
  return [...ids].map((id) => (id === undefined ? undefined : live.find(id))).filter((one) => one !== undefined);
}
