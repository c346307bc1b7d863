/** Converts texts of events to coloured parts of one line. */
import { sanitize, SGR_RESET, stripAnsi, visibleLine } from '../core/text/ansi.js';
import type { AttentionState, Status } from '../core/execution.js';
import type { Style } from './style.js';

export type Tone = 'good' | 'bad' | 'warn' | 'active' | 'dim' | 'strong' | 'match' | 'selected';

const CODES: Readonly<Record<Tone, string>> = {
  good: '\u001b[32m',
  bad: '\u001b[31m',
  warn: '\u001b[33m',
  active: '\u001b[36m',
  dim: '\u001b[2m',
  strong: '\u001b[1m',
  match: '\u001b[1;31m',
  selected: '\u001b[7m',
};

/** Maximum length that is processed; no row of a terminal shows more. */
const MAX_LINE_CHARS = 4_096;
const TAB = '    ';

export function paint(text: string, tone: Tone | undefined, style: Style): string {
  return style.color && tone !== undefined && text !== '' ? CODES[tone] + text + SGR_RESET : text;
}

/** Paints a whole line in one tone, without its own colours. */
export function repaint(line: string, tone: Tone, style: Style): string {
  return paint(stripAnsi(line), tone, style);
}

/** Formats a name or a reason: one line without its own colours. */
export function cleanText(text: string): string {
  return sanitize(text.slice(0, MAX_LINE_CHARS), { color: false })
    .replace(/[\n\t ]+/g, ' ')
    .trim();
}

/** Formats a line of output as a terminal would show it, in colour if the style has any. */
export function cleanOutput(line: string, style: Style): string {
  const shown = visibleLine(line).slice(0, MAX_LINE_CHARS);
  return sanitize(shown, { color: style.color }).replaceAll('\t', TAB).replaceAll('\n', ' ');
}

const TONES: Readonly<Record<Status, Tone>> = {
  pending: 'dim',
  queued: 'dim',
  running: 'active',
  paused: 'warn',
  completed: 'good',
  failed: 'bad',
  cancelled: 'warn',
  timeout: 'bad',
  skipped: 'dim',
  lost: 'bad',
};

const ATTENTION_TONES: Readonly<Record<AttentionState, Tone>> = { waiting: 'warn', silent: 'dim' };

export function toneOf(status: Status, attention?: AttentionState): Tone {
  return status === 'running' && attention !== undefined ? ATTENTION_TONES[attention] : TONES[status];
}

/** ASCII replacements of icons. */
export function ellipsisOf(style: Style): string {
  return style.ascii ? '..' : '…';
}

export function separatorOf(style: Style): string {
  return style.ascii ? ' - ' : ' · ';
}
