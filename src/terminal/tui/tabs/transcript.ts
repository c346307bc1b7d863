/** The tab with what an agent said and did: prompts, messages, calls of tools on one line each, results cut short. */
import { CALL_MARK, callTitle } from '../../../core/events/activity.js';
import { EXECUTION_ENDS } from '../../../core/events/event.js';
import type { LogLine } from '../../../core/events/log.js';
import type { Step } from '../../../core/execution.js';
import { formatQuantity } from '../../../core/text/format.js';
import { ASCII_CALL_MARK } from '../../log-tail.js';
import { TuiLogPane } from '../log-pane.js';
import { cleanOutput, cleanText, ellipsisOf, paint } from '../../paint.js';
import type { Tone } from '../../paint.js';
import type { Style } from '../../style.js';
import { cellsOf, truncate, wrap } from '../../width.js';
import type { TabContext } from './tab-context.js';

/** Rows of one entry. */
const ROWS: ReadonlyMap<string, number> = new Map([
  ['thinking', 3],
  ['tool-result', 5],
  ['prompt', 8],
]);
const MAX_ROWS = 40;
const TONES: ReadonlyMap<string, Tone> = new Map([
  ['prompt', 'strong'],
  ['thinking', 'dim'],
  ['tool-result', 'dim'],
  ['init', 'dim'],
  ['usage', 'dim'],
]);

/** What is no part of the conversation is in the log: output, and steps, which repeat the calls of tools. */
const TYPES = ['activity', 'attention', 'log', 'outcome_stated', ...Object.keys(EXECUTION_ENDS)];

export function createTranscriptTab(context: TabContext): TuiLogPane {
  const { source, id, onChange } = context;
  const subagents = () => [...(source.find(id)?.steps.values() ?? [])].filter(({ kind }) => kind === 'subagent');
  const nextTranscript = (): void => {
    const ids = subagents().map((step) => step.id);
    const at = pane.step === undefined ? -1 : ids.indexOf(pane.step);
    pane.filterStep(ids[at + 1]);
  };
  const pane: TuiLogPane = new TuiLogPane({
    ...{ context, id, onChange, isWrapped: true, types: TYPES },
    render: (line, ...rest) => renderEntry(line, pane.step === undefined ? subagentOf(line) : undefined, ...rest),
    bindings: [
      {
        keys: ['u'],
        help: 'Show the transcript of the next sub-agent, or of all',
        footer: 'sub-agent',
        when: () => subagents().length > 0,
        run: nextTranscript,
      },
    ],
  });
  const subagentOf = ({ step }: LogLine): Step | undefined => {
    const found = step === undefined ? undefined : source.find(id)?.steps.get(step);
    return found?.kind === 'subagent' ? found : undefined;
  };
  return pane;
}

/** @param subagent Step of the sub-agent whose line it is; it is marked, since those of the agent are not. */
function renderEntry(
  line: LogLine,
  subagent: Step | undefined,
  cells: number,
  style: Style,
  isWrapped: boolean,
): string[] {
  const { kind = '' } = line;
  const mark = markOf(line, style);
  const lane = subagent ? paint(style.ascii ? '| ' : '│ ', 'dim', style) : '';
  const indent = lane + (kind === 'tool-result' || kind === 'tool-call' ? '  ' : '');
  const tone = line.level === 'error' ? 'bad' : TONES.get(kind);
  const room = Math.max(1, cells - mark.length - cellsOf(indent));
  const text = kind === 'tool-call' ? callText(line) : textOfEntry(line);
  const rows = isWrapped ? wrapEntry(text, room, ROWS.get(kind) ?? MAX_ROWS, style) : [cleanText(text)];
  const shown = rows.map((row, index) => {
    const lead = index === 0 ? paint(mark, 'active', style) : ' '.repeat(mark.length);
    return indent + lead + paint(row, tone, style);
  });
  return kind === 'prompt' ? [lane + heading(subagent, cells - cellsOf(lane), style), ...shown] : shown;
}

/** The line of a long text is its first line; the detail is the whole. */
function textOfEntry({ kind = '', text, detail }: LogLine): string {
  return ROWS.has(kind) ? (detail ?? text) : text;
}

/** At most `limit` rows; the last one counts the lines that are left out. */
function wrapEntry(text: string, cells: number, limit: number, style: Style): string[] {
  const lines = text.split('\n').map((line) => cleanOutput(line, { ...style, color: false }));
  const rows: string[] = [];
  for (const [index, line] of lines.entries()) {
    const wrapped = wrap(line, cells, limit);
    if (index > 0 && rows.length + wrapped.length > limit) {
      return [...rows, `${ellipsisOf(style)} ${formatQuantity(lines.length - index, 'more line')}`];
    }
    rows.push(...wrapped);
  }
  return rows;
}

/** Each prompt begins a turn. */
function heading(subagent: Step | undefined, cells: number, style: Style): string {
  const line = style.ascii ? '-' : '─';
  const title = ` ${subagent ? cleanText(subagent.name) : 'Prompt'} `;
  const text = truncate(line.repeat(2) + title, cells, ellipsisOf(style));
  return paint(text + line.repeat(Math.max(0, cells - cellsOf(text))), 'dim', style);
}

/** The line of a call has its input, from which the title is made. */
function callText({ tool, text, detail }: LogLine): string {
  return cleanText(callTitle({ ...(tool !== undefined && { tool }), input: inputOf(detail ?? text) ?? text }));
}

/** @returns undefined if the input is no complete JSON: a page cuts long ones */
function inputOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function markOf({ kind }: LogLine, style: Style): string {
  if (kind === 'tool-call') return style.ascii ? ASCII_CALL_MARK : CALL_MARK;
  if (kind === 'prompt') return style.ascii ? '>> ' : '» ';
  return '';
}
