/** Formats what an agent says and does: its messages, one line for each tool call, shortened results. */
import { activityFacts, activityText, CALL_MARK, callTitle, otherActivity } from '../core/events/activity.js';
import { parseInstant } from '../core/estimates/durations.js';
import type { ExecutionEvent } from '../core/events/event.js';
import { EXECUTION_ENDS, numberOf, STEP_ENDS, textOf } from '../core/events/event.js';
import { errorOf, messageOf, stepTitle } from '../core/lists/visible-steps.js';
import type { Execution, Step } from '../core/execution.js';
import { formatClock, formatCount, formatDuration, formatOutcome, statusIcon } from '../core/text/format.js';
import { exitText } from './detail.js';
import { ASCII_CALL_MARK } from './log-tail.js';
import type { Tone } from './paint.js';
import { cleanOutput, cleanText, ellipsisOf, paint, separatorOf, toneOf } from './paint.js';
import type { Style } from './style.js';
import { truncate, wrap } from './width.js';

export interface ActivityOptions {
  columns: number;
  style: Style;
  /** Prefix each entry with the time of day. */
  times?: boolean;
}

/** Rows of a prompt, a thought, and a result of a tool: their beginnings identify them. */
const PROMPT_ROWS = 4;
const THOUGHT_ROWS = 3;
const RESULT_ROWS = 5;
const MESSAGE_ROWS = 20;
const INDENT_CELLS = 2;
const MAX_DEPTH = 6;
const MIN_CELLS = 20;
/** Kinds of steps that are parts of a plan; tool calls have activities. */
const CALL_KINDS: ReadonlySet<string> = new Set(['tool', 'invocation']);

/**
 * Formats one event; empty for an event that says nothing to a person. `execution` is its state after the event.
 * Activities of a sub-agent are indented by its depth.
 */
export function activityLines(
  event: ExecutionEvent,
  execution: Execution | undefined,
  { columns, style, times = false }: ActivityOptions,
): string[] {
  const draw = DRAW.get(event.type);
  if (!draw) return [];
  // output is not formatted
  const lead = times && event.type !== 'output' ? `${clockOf(event)} ` : '';
  const indent = ' '.repeat(INDENT_CELLS * depthOf(event, execution));
  const cells = Math.max(MIN_CELLS, columns - lead.length - indent.length);
  return draw({ event, execution, cells, style }).map((line, index) => {
    const shown = line === '' ? '' : indent + line;
    if (lead === '') return shown;
    return index === 0 ? paint(lead, 'dim', style) + shown : `${' '.repeat(lead.length)}${shown}`.trimEnd();
  });
}

function clockOf({ time }: ExecutionEvent): string {
  const at = parseInstant(time);
  return at === undefined ? '--:--:--' : formatClock(at);
}

interface Scene {
  event: ExecutionEvent;
  execution: Execution | undefined;
  cells: number;
  style: Style;
}

type Draw = (scene: Scene) => string[];

const DRAW: ReadonlyMap<string, Draw> = new Map<string, Draw>([
  ['activity', drawActivity],
  ['output', drawOutput],
  ['log', drawLog],
  ['attention', drawAttention],
  ...Object.keys(STEP_ENDS).map((type): [string, Draw] => [type, drawStep]),
  ...Object.keys(EXECUTION_ENDS).map((type): [string, Draw] => [type, drawEnd]),
]);

function drawActivity(scene: Scene): string[] {
  const { data } = scene.event;
  const kind = textOf(data, 'kind') ?? '';
  const draw = KINDS.get(kind);
  // other producers have their own kinds
  return draw ? draw(scene) : words(scene, otherActivity(data), MESSAGE_ROWS);
}

const KINDS: ReadonlyMap<string, Draw> = new Map<string, Draw>([
  ['init', drawInit],
  [
    'prompt',
    (scene) => marked(scene, ['»', '>>'], words(scene, activityText(scene.event.data), PROMPT_ROWS, 'strong', 3)),
  ],
  ['assistant-text', (scene) => words(scene, activityText(scene.event.data), Infinity)],
  ['thinking', (scene) => words(scene, activityText(scene.event.data), THOUGHT_ROWS, 'dim')],
  ['tool-call', drawCall],
  ['tool-result', drawResult],
  ['result', drawOutcome],
  ['usage', () => []],
]);

/** `claude · claude-opus-4-8 · /home/me/project`. */
function drawInit({ event: { data }, cells, style }: Scene): string[] {
  const line = activityFacts(data).map(cleanText).join(separatorOf(style));
  return line === '' ? [] : [paint(truncate(line, cells, ellipsisOf(style)), 'dim', style)];
}

/** `▸ Bash: rg -n listen`. */
function drawCall({ event: { data }, cells, style }: Scene): string[] {
  const title = cleanText(callTitle(data));
  const end = title.indexOf(': ');
  const [tool, rest] = end === -1 ? [title, ''] : [title.slice(0, end + 1), title.slice(end + 1)];
  const mark = style.ascii ? ASCII_CALL_MARK : CALL_MARK;
  return [truncate(paint(mark, 'active', style) + paint(tool, 'strong', style) + rest, cells, ellipsisOf(style))];
}

function drawResult(scene: Scene): string[] {
  const { event, style } = scene;
  const failed = event.data['isError'] === true;
  const tone = failed ? 'bad' : 'dim';
  const lines = words(scene, activityText(event.data), RESULT_ROWS, tone, INDENT_CELLS);
  if (failed && lines.length === 0) lines.push(paint('failed', 'bad', style));
  return [...resultTitle(scene), ...lines].map((line) => `  ${line}`);
}

/** Names the call of a result that does not follow it directly. */
function resultTitle({ event: { data }, execution, cells, style }: Scene): string[] {
  const step = execution?.steps.get(textOf(data, 'call') ?? '');
  const newest =
    execution && [...execution.steps.values()].findLast(({ kind, parent }) => isCall(kind) && parent === step?.parent);
  if (!step || step === newest) return [];
  return [
    paint(
      truncate(`${style.ascii ? '^' : '↳'} ${cleanText(step.name)}`, cells - INDENT_CELLS, ellipsisOf(style)),
      'dim',
      style,
    ),
  ];
}

function isCall(kind: string): boolean {
  return CALL_KINDS.has(kind) || kind === 'subagent';
}

/** Cost of a turn, or its error. */
function drawOutcome(scene: Scene): string[] {
  const { event, style } = scene;
  const { data } = event;
  const tone = data['isError'] === true ? 'bad' : undefined;
  const line = activityFacts(data).join(separatorOf(style));
  const text = words(scene, activityText(data), MESSAGE_ROWS, tone);
  return [...text, ...(line === '' ? [] : [paint(line, 'dim', style)])];
}

/** Lines of other programs, unchanged; debug output is omitted. */
function drawOutput({ event: { data }, style }: Scene): string[] {
  if (data['stream'] === 'debug') return [];
  const text = textOf(data, 'text') ?? '';
  return text
    .replace(/\r?\n$/, '')
    .split('\n')
    .map((line) => cleanOutput(line, style));
}

function drawLog(scene: Scene): string[] {
  const { data } = scene.event;
  const level = textOf(data, 'level');
  if (level === 'debug') return [];
  const tone = level === 'error' ? 'bad' : level === 'warning' ? 'warn' : 'dim';
  return marked(scene, ['!', '!'], words(scene, messageOf(data), RESULT_ROWS, tone, 2), tone);
}

function drawAttention(scene: Scene): string[] {
  if (textOf(scene.event.data, 'state') !== 'waiting') return [];
  const reason = textOf(scene.event.data, 'reason');
  const text = reason === undefined ? 'waiting for you' : `waiting for you: ${reason}`;
  return marked(scene, ['!', '!'], words(scene, text, RESULT_ROWS, 'warn', 2), 'warn');
}

/** `✓ Agent: Count text files 0.2s`; a tool call is reported by its result. */
function drawStep({ event, execution, cells, style }: Scene): string[] {
  const step = event.step === undefined ? undefined : execution?.steps.get(event.step);
  if (!step || CALL_KINDS.has(step.kind)) return [];
  const status = STEP_ENDS[event.type] ?? step.status;
  const took = step.durationMs === undefined ? '' : ` ${formatDuration(step.durationMs)}`;
  const failure = errorOf(step);
  const error = failure === undefined ? '' : `: ${cleanText(failure)}`;
  const icon = paint(statusIcon(status, style.ascii), toneOf(status), style);
  return [
    truncate(
      `${icon} ${cleanText(stepTitle(step, separatorOf(style)))}${error}${paint(took, 'dim', style)}`,
      cells,
      ellipsisOf(style),
    ),
  ];
}

function drawEnd({ event, execution, cells, style }: Scene): string[] {
  const status = EXECUTION_ENDS[event.type];
  if (status === undefined) return [];
  const ms = numberOf(event.data, 'durationMs') ?? execution?.durationMs;
  const exit = execution ? exitText(execution) : '';
  const error = errorOf({ error: textOf(event.data, 'error'), errorType: textOf(event.data, 'errorType') });
  const icon = statusIcon(status, style.ascii);
  const line = `${icon} ${formatOutcome(status, ms)}${exit}${error === undefined ? '' : `: ${cleanText(error)}`}`;
  return [paint(truncate(line, cells, ellipsisOf(style)), toneOf(status), style)];
}

/** Wraps each line of a text to the width less `less` cells. Lines that do not fit into `rows` are counted. */
function words({ cells, style }: Scene, text: string | undefined, rows: number, tone?: Tone, less = 0): string[] {
  if (text === undefined || text.trim() === '') return [];
  const room = Math.max(1, cells - less);
  const lines = text.trimEnd().split('\n');
  const shown: string[] = [];
  let used = 0;
  for (const line of lines) {
    if (shown.length >= rows) break;
    used += 1;
    shown.push(...wrap(cleanOutput(line, { ...style, color: false }), room, rows - shown.length));
  }
  const painted = shown.map((line) => paint(line, tone, style));
  const left = lines.length - used;
  return left === 0 ? painted : [...painted, paint(`${ellipsisOf(style)} ${formatCount(left)} more`, 'dim', style)];
}

/** Puts a sign before the first line and indents the others. */
function marked({ style }: Scene, [sign, ascii]: readonly [string, string], lines: string[], tone?: Tone): string[] {
  const mark = style.ascii ? ascii : sign;
  return lines.map((line, index) =>
    index === 0 ? `${paint(mark, tone, style)} ${line}` : `${' '.repeat(mark.length)} ${line}`,
  );
}

/** Depth in sub-agents. An `activity` belongs to the step that it names, a step to its parent. */
function depthOf(event: ExecutionEvent, execution: Execution | undefined): number {
  const named = event.step === undefined ? undefined : execution?.steps.get(event.step);
  let step: Step | undefined = event.type.startsWith('step_') ? parentOf(named, execution) : named;
  let depth = 0;
  // also ends at a cycle of parents
  for (let level = 0; step && level < MAX_DEPTH; level++) {
    if (step.kind === 'subagent' || !CALL_KINDS.has(step.kind)) depth += 1;
    step = parentOf(step, execution);
  }
  return depth;
}

function parentOf(step: Step | undefined, execution: Execution | undefined): Step | undefined {
  return step?.parent === undefined ? undefined : execution?.steps.get(step.parent);
}
