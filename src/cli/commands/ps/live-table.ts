/** `progress ps --watch`: the table, updated in place from the stream of events. */
import { constants } from 'node:os';
import { withClient } from '../../../client/connect.js';
import { loadConfig } from '../../../config/load.js';
import { ProgressError } from '../../../core/base/errors.js';
import type { ExecutionEvent } from '../../../core/events/event.js';
import { executionEndOf } from '../../../core/events/event.js';
import type { Execution } from '../../../core/execution.js';
import { isFinal } from '../../../core/execution.js';
import { shortenIds } from '../../../core/text/format.js';
import type { Box } from '../../../terminal/box.js';
import { openBox } from '../../../terminal/box.js';
import type { Style } from '../../../terminal/style.js';
import { renderTable, untilTableTick } from '../../../terminal/table-view.js';
import type { View } from '../../../terminal/view.js';
import type { CommandContext } from '../../command.js';
import type { LiveModel } from '../../shared/live-model.js';
import { openLiveModel } from '../../shared/live-model.js';
import { styleOf } from '../../shared/output-options.js';
import { OwnCommand } from '../../shared/own-command.js';
import { positionsOf, waitsInQueue } from './positions.js';
import type { TableForm } from './table.js';
import { tableOf } from './table.js';

const MIN_SECONDS = 0.1;
const MAX_SECONDS = 3_600;

/** @returns milliseconds; undefined for an empty text */
export function parseInterval(text: string): number | undefined {
  if (text === '') return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (seconds >= MIN_SECONDS && seconds <= MAX_SECONDS) return seconds * 1_000;
  throw new ProgressError(
    'usage',
    `--watch: "${text}" is not a number of seconds from ${MIN_SECONDS} to ${MAX_SECONDS}`,
  );
}

/**
 * Shows the table until the user leaves.
 *
 * @param interval - milliseconds between updates; by default after each change
 * @returns the exit status
 */
export async function watchTable(
  context: CommandContext,
  form: TableForm,
  interval: number | undefined,
): Promise<number> {
  const style = styleOf(context.env);
  if (style.mode !== 'box' || !process.stdin.isTTY)
    throw new ProgressError('usage', "--watch needs a terminal; 'progress watch' prints changes as lines");
  const abort = new AbortController();
  const table = new LiveTable(context, form);
  const live = await openLiveModel({
    paths: context.paths,
    all: true,
    isBrief: true,
    rate: loadConfig(context.paths.config).watch.rate,
    signal: abort.signal,
    onChange: (events) => table.onEvents(events, live),
  });
  const { stdin: input, stdout: output } = process;
  const box = openBox({
    ...{ input, output, style },
    view: () => table.view(live),
    render: renderTable((now, columns, shown) => table.lines(live, now, columns, shown)),
    untilTick: (view) => interval ?? untilTableTick(view),
  });
  table.start(live, interval === undefined ? box : undefined);
  const left = await box.left;
  abort.abort();
  await live.done;
  return left === 'SIGTERM' || left === 'SIGHUP' ? 128 + constants.signals[left] : 0;
}

/** Types of events after which positions in queues may differ. */
const QUEUE_TYPES: ReadonlySet<string> = new Set(['execution_queued', 'execution_started', 'queue_changed']);

/** Throttle of requests for positions in queues. */
const POSITIONS_MS = 200;

class LiveTable {
  readonly #context: CommandContext;
  readonly #form: TableForm;
  readonly #own: OwnCommand;
  #box: Box | undefined;
  #positions: ReadonlyMap<string, number> = new Map();
  #isRequested = false;

  constructor(context: CommandContext, form: TableForm) {
    this.#context = context;
    this.#form = form;
    this.#own = new OwnCommand(context.env);
  }

  /** @param box - redrawn after each change */
  start(live: LiveModel, box: Box | undefined): void {
    this.#own.search(live.executions());
    this.#box = box;
    this.#requestPositions(live);
  }

  onEvents(events: readonly ExecutionEvent[], live: LiveModel): void {
    // without events anything may have changed
    const isQueueChanged = ({ type }: ExecutionEvent) => QUEUE_TYPES.has(type) || executionEndOf(type) !== undefined;
    if (events.length === 0 || events.some(isQueueChanged)) this.#requestPositions(live);
    for (const event of events) this.#own.isOf(event);
    this.#box?.changed();
  }

  view(live: LiveModel): View {
    return { executions: this.#shown(live), connection: live.connection, now: Date.now(), detail: false };
  }

  lines(live: LiveModel, now: number, columns: number, style: Style): string[] {
    const prefixes = shortenIds(live.executions().map(({ id }) => id));
    const options = { now, columns, style, prefixes, positions: this.#positions };
    return tableOf(this.#shown(live), this.#form, options);
  }

  #shown(live: LiveModel): Execution[] {
    const { all } = this.#form;
    return live.executions().filter(({ id, status }) => all || (!isFinal(status) && !this.#own.is(id)));
  }

  /** Throttled, since many may start and end. */
  #requestPositions(live: LiveModel): void {
    if (this.#isRequested || !live.executions().some(waitsInQueue)) return;
    this.#isRequested = true;
    setTimeout(() => void this.#loadPositions(live), POSITIONS_MS).unref();
  }

  async #loadPositions(live: LiveModel): Promise<void> {
    this.#isRequested = false;
    const { paths } = this.#context;
    try {
      this.#positions = await withClient({ paths, start: false }, (client) => positionsOf(client, live.executions()));
      this.#box?.changed();
    } catch {
      // the table says that there is no connection; the next change requests them again
    }
  }
}
