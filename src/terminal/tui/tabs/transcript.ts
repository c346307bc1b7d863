/** The tab with what an agent said and did: prompts, messages, calls of tools on one line each, results cut short. */
import { CALL_MARK } from '../../../core/events/activity.js';
import type { LogLine } from '../../../core/events/log.js';
import { ASCII_CALL_MARK } from '../../log-tail.js';
import type { LineRenderer } from '../log-pane.js';
import { TuiLogPane } from '../log-pane.js';
import { cleanOutput, cleanText, paint } from '../../paint.js';
import type { Tone } from '../../paint.js';
import type { Style } from '../../style.js';
import { wrap } from '../../width.js';
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

export function createTranscriptTab(context: TabContext): TuiLogPane {
  return new TuiLogPane({ context, id: context.id, onChange: context.onChange, render: renderEntry, isWrapped: true });
}

const renderEntry: LineRenderer = (line, cells, style, isWrapped) => {
  const { kind = '' } = line;
  const mark = markOf(line, style);
  const indent = kind === 'tool-result' || kind === 'tool-call' ? '  ' : '';
  const text = cleanOutput(line.text, { ...style, color: false });
  const tone = line.level === 'error' ? 'bad' : TONES.get(kind);
  const room = Math.max(1, cells - mark.length - indent.length);
  const rows = isWrapped ? wrap(text, room, ROWS.get(kind) ?? MAX_ROWS) : [cleanText(text)];
  return rows.map((row, index) => {
    const lead = index === 0 ? paint(mark, 'active', style) : ' '.repeat(mark.length);
    return indent + lead + paint(row, tone, style);
  });
};

function markOf({ kind }: LogLine, style: Style): string {
  if (kind === 'tool-call') return style.ascii ? ASCII_CALL_MARK : CALL_MARK;
  if (kind === 'prompt') return style.ascii ? '>> ' : '» ';
  return '';
}
