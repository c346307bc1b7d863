/** Renders the in-place box as lines: a pure function of executions, time and size of the terminal. */
import { elapsedOf } from '../core/estimates/durations.js';
import type { Execution, Step } from '../core/execution.js';
import { formatClock, TENTHS_BELOW_MS } from '../core/text/format.js';
import { sortBySection } from '../core/lists/sections.js';
import type { Space } from './detail.js';
import { executionSections, executionTitle, shortLine } from './detail.js';
import type { Row } from './layout.js';
import type { TailLine } from './log-tail.js';
import { frameSections, stackSections } from './layout.js';
import { countsByStatus, overviewRows } from './overview.js';
import { cleanText, paint, repaint, separatorOf } from './paint.js';
import type { Style } from './style.js';
import { cellsOf, truncate } from './width.js';

/** Origin of the values. Times are Unix milliseconds. */
export type ConnectionState =
  | { state: 'live' }
  /**
   * `snapshots`: the stream was cut at that time and values are polled; `lost`: values are from that time. The reason
   * names a command to type.
   */
  | { state: 'snapshots' | 'lost'; since: number; reason?: string };

export interface View {
  executions: readonly Execution[];
  connection: ConnectionState;
  /** Unix milliseconds. */
  now: number;
  /** Include the log and resources. */
  detail: boolean;
  /** Newest lines of the log of a single execution. */
  log?: readonly TailLine[];
  /** Help for the keys, in the bottom border. */
  footer?: string;
}

export interface ViewSize {
  columns: number;
  rows: number;
}

/** Renders a view in less than `columns` cells and `rows` lines. */
export type Render = (view: View, size: ViewSize, style: Style) => string[];

/** Maximum width: wider lines are hard to read. */
const MAX_COLUMNS = 110;
/** Minimum width for a border. */
const MIN_BORDERED_COLUMNS = 60;
/** Below either of these everything is on one line. */
const MIN_COLUMNS = 40;
const MIN_ROWS = 6;
/** Resolutions of the clocks. */
const TENTH_MS = 100;
const SECOND_MS = 1_000;

const DEFAULT_FOOTER = 'q leave (keeps running)';

/**
 * At most `rows - 1` lines of less than `columns` cells: the cursor keeps a row, and no line touches the last
 * column.
 */
export function boxLines(view: View, size: ViewSize, style: Style): string[] {
  const columns = Math.min(size.columns - 1, MAX_COLUMNS);
  if (columns < 1 || size.rows < 2) return [];
  const shown: View = { ...view, now: clockOf(view) };
  if (view.connection.state !== 'lost') return drawView(shown, columns, size, style);
  const plain = { ...style, color: false };
  return drawView(shown, columns, size, plain).map((line) => repaint(line, 'dim', style));
}

/** Returns the time that is shown: without a connection the clocks stop, so that old values do not look current. */
export function clockOf({ connection, now }: View): number {
  return connection.state === 'lost' ? Math.min(now, connection.since) : now;
}

function drawView(view: View, columns: number, size: ViewSize, style: Style): string[] {
  const bordered = size.columns >= MIN_BORDERED_COLUMNS;
  const cells = bordered ? columns - 4 : columns;
  const notice = connectionNotice(view, cells, style);
  const executions = sortBySection(view.executions, view.now);
  if (size.rows < MIN_ROWS || size.columns < MIN_COLUMNS) {
    const mark = notice ? truncate('! ', columns) : '';
    return [mark + shortLine(executions, view.now, columns - mark.length, style)];
  }
  const space: Space = {
    cells,
    rows: size.rows - 1 - (bordered ? 2 : 1) - (notice ? 1 : 0),
    dividers: bordered,
    detail: view.detail,
  };
  const [first = [], ...others] = sectionsOf(executions, view, space, style);
  const sections = [notice ? [notice, ...first] : first, ...others];
  const title = titleOf(executions, style);
  if (!bordered) return stackSections(title, sections, columns, style);
  return frameSections(title, sections, paint(view.footer ?? DEFAULT_FOOTER, 'dim', style), columns, style);
}

function sectionsOf(executions: readonly Execution[], { now, log }: View, space: Space, style: Style): Row[][] {
  const [first, second] = executions;
  if (first === undefined) return [[{ left: EMPTY }]];
  if (second === undefined) return executionSections(first, now, space, style, log);
  return [overviewRows(executions, now, space, style)];
}

function titleOf(executions: readonly Execution[], style: Style): string {
  const brand = paint('progress', 'strong', style);
  const [first, second] = executions;
  if (first === undefined) return brand;
  const what = second === undefined ? executionTitle(first, style) : countsByStatus(executions, style);
  return brand + separatorOf(style) + what;
}

const EMPTY = 'Nothing is running. Start something: progress run -- make test';

/** Why the values are not live, and what to type; the time only where there is room for it. */
export function connectionNotice({ connection }: View, cells: number, style: Style): Row | undefined {
  if (connection.state === 'live') return undefined;
  const at = formatClock(connection.since);
  const isLost = connection.state === 'lost';
  const { reason = 'no connection to the daemon; see `progress doctor`' } = connection;
  const left = isLost ? `! ${cleanText(reason)}` : `! stream cut at ${at}: showing snapshots, trying again`;
  const right = isLost ? `values from ${at}` : '';
  const hasRoom = right !== '' && cellsOf(left) + right.length + 2 <= cells;
  return { left: paint(left, 'warn', style), ...(hasRoom && { right: paint(right, 'warn', style) }) };
}

/** Milliseconds until the passing of time alone changes the box; undefined if it does not. */
export function untilTick(view: View): number | undefined {
  if (view.connection.state === 'lost') return undefined;
  const running = view.executions.filter(({ status }) => status === 'running');
  const [first] = running;
  if (first === undefined) return undefined;
  const items = view.executions.length > 1 ? running : [first, ...runningSteps(first)];
  const clocks = items.map((item) => elapsedOf(item, view.now) ?? TENTHS_BELOW_MS);
  if (clocks.some((elapsed) => elapsed < TENTHS_BELOW_MS)) return TENTH_MS;
  return SECOND_MS - ((clocks[0] ?? 0) % SECOND_MS);
}

function runningSteps({ steps }: Execution): Step[] {
  return [...steps.values()].filter(({ status }) => status === 'running');
}
