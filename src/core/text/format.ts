/** Formats numbers, times and statuses for people: the same in the terminal and in the viewer. */
import type { Work } from '../estimates/work.js';
import type { AttentionState, Status } from '../execution.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Durations below this show tenths of a second. */
export const TENTHS_BELOW_MS = 10 * SECOND;

/** Formats a duration: `0.4s`, `41s`, `6:41`, `1:02:03`, `2d 1:02:03`. Rounded down, so it never exceeds the time passed. */
export function formatDuration(ms: number): string {
  const span = atLeastZero(ms);
  if (span < TENTHS_BELOW_MS) return `${(Math.floor(span / 100) / 10).toFixed(1)}s`;
  if (span < MINUTE) return `${Math.floor(span / SECOND)}s`;
  const seconds = twoDigits(Math.floor(span / SECOND) % 60);
  const minutes = Math.floor(span / MINUTE) % 60;
  if (span < HOUR) return `${minutes}:${seconds}`;
  const clock = `${Math.floor(span / HOUR) % 24}:${twoDigits(minutes)}:${seconds}`;
  return span < DAY ? clock : `${Math.floor(span / DAY)}d ${clock}`;
}

/** Formats a duration as one number with a unit: `12s`, `5m`, `3h`, `2d`. */
export function formatAge(ms: number): string {
  const span = atLeastZero(ms);
  if (span < MINUTE) return `${Math.floor(span / SECOND)}s`;
  if (span < HOUR) return `${Math.floor(span / MINUTE)}m`;
  if (span < DAY) return `${Math.floor(span / HOUR)}h`;
  return `${Math.floor(span / DAY)}d`;
}

/** Rounding of estimates by size: higher precision would only make them fluctuate. */
const REMAINING_GRAIN: readonly (readonly [below: number, grain: number])[] = [
  [10 * SECOND, SECOND],
  [MINUTE, 5 * SECOND],
  [10 * MINUTE, 30 * SECOND],
  [HOUR, MINUTE],
  [Infinity, 5 * MINUTE],
];

/** Formats an estimated remaining time, rounded: `~25s`, `~4:30`, `~1:05:00`. */
export function formatRemaining(ms: number): string {
  const span = atLeastZero(ms);
  const grain = REMAINING_GRAIN.find(([below]) => span < below)?.[1] ?? MINUTE;
  const rounded = Math.max(grain, Math.round(span / grain) * grain);
  return rounded < MINUTE ? `~${rounded / SECOND}s` : `~${formatDuration(rounded)}`;
}

/** Formats an estimate for a column: `~4:30`, or by how much it is exceeded: `+40s`; empty without one. */
export function remainingText({ remainingMs, overdueMs }: Remaining): string {
  if (overdueMs !== undefined) return `+${formatDuration(overdueMs)}`;
  return remainingMs === undefined ? '' : formatRemaining(remainingMs);
}

/** Formats an estimate for a line of text: `~4:30 left (3:00 to 8:00)`, `overdue by 40s`; empty without one. */
export function remainingSentence({ remainingMs, lowMs, highMs, overdueMs }: Remaining): string {
  if (overdueMs !== undefined) return `overdue by ${formatDuration(overdueMs)}`;
  if (remainingMs === undefined) return '';
  const left = `${formatRemaining(remainingMs)} left`;
  const [low, high] = [lowMs, highMs].map((ms) => (ms === undefined ? '' : formatRemaining(ms).slice(1)));
  const isRange = lowMs !== undefined && highMs !== undefined && low !== high;
  return isRange && highMs - lowMs > remainingMs * MIN_SHOWN_RANGE ? `${left} (${low} to ${high})` : left;
}

/** Ranges that are narrower, as a share of the remaining time, are not shown. */
const MIN_SHOWN_RANGE = 0.3;

interface Remaining {
  remainingMs?: number;
  lowMs?: number;
  highMs?: number;
  overdueMs?: number;
}

/** Formats a size: `812 B`, `4.2 KiB`, `412 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = atLeastZero(bytes);
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.floor(value)} ${units[unit] ?? ''}`;
}

/** Formats a number with separators (`1,234,567`) and at most two decimals. */
export function formatCount(count: number): string {
  const [whole = '', fraction] = String(Math.round(count * 100) / 100).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** Formats a count with its noun: `2 steps`, `1 story`. */
export function formatQuantity(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`;
}

/** Formats work: `3/3 stories`, with the outcomes if not all passed: `3/3 stories: 2 passed · 1 failed`. */
export function formatWork({ done, total, unit = '', outcomes }: Work, separator = ' · '): string {
  const count = total === undefined ? formatCount(done) : `${formatCount(done)}/${formatCount(total)}`;
  const words = (['passed', 'failed', 'cancelled', 'lost', 'skipped'] as const).flatMap((word) => {
    const times = outcomes?.[word] ?? 0;
    return times === 0 ? [] : [`${formatCount(times)} ${word}`];
  });
  const ends = words.join(separator);
  return `${count} ${unit}`.trimEnd() + (ends === '' ? '' : `: ${ends}`);
}

/** Formats a share from 0 to 1 as a rounded percentage; only 1 and above becomes 100 %. */
export function formatPercent(share: number): string {
  return share >= 1 ? '100%' : `${Math.min(99, Math.round(atLeastZero(share) * 100))}%`;
}

/** Formats a CPU usage in percent of one core, which may exceed 100: `140%`. */
export function formatCpu(percent: number): string {
  return `${formatCount(Math.round(atLeastZero(percent)))}%`;
}

/** Formats the local time of day: `10:41:12`. */
export function formatClock(ms: number): string {
  const date = new Date(ms);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
}

/** Formats the local date: `2026-11-20`. */
export function formatDate(ms: number): string {
  const date = new Date(ms);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(twoDigits).join('-');
}

/** Formats the local date and time of day: `2026-11-20 10:41:12`. */
export function formatDateTime(ms: number): string {
  return `${formatDate(ms)} ${formatClock(ms)}`;
}

interface Sign {
  /** One cell wide. */
  icon: string;
  /** Two cells wide, for checklists. Never with a variation selector, whose width differs between terminals. */
  mark: string;
  ascii: string;
}

const SIGNS: Readonly<Record<Status, Sign>> = {
  pending: { icon: '○', mark: '○ ', ascii: '[ ]' },
  queued: { icon: '◦', mark: '◦ ', ascii: '[.]' },
  running: { icon: '●', mark: '⏳', ascii: '[~]' },
  paused: { icon: '‖', mark: '‖ ', ascii: '[=]' },
  completed: { icon: '✓', mark: '✅', ascii: '[x]' },
  failed: { icon: '✗', mark: '❌', ascii: '[!]' },
  cancelled: { icon: '⊘', mark: '⊘ ', ascii: '[-]' },
  timeout: { icon: '◷', mark: '⌛', ascii: '[T]' },
  skipped: { icon: '-', mark: '- ', ascii: '[>]' },
  lost: { icon: '?', mark: '? ', ascii: '[?]' },
};

const ATTENTION_SIGNS: Readonly<Record<AttentionState, Sign>> = {
  waiting: { icon: '!', mark: '! ', ascii: '[W]' },
  silent: { icon: '◇', mark: '◇ ', ascii: '[S]' },
};

function signOf(status: Status, attention: AttentionState | undefined): Sign {
  return status === 'running' && attention !== undefined ? ATTENTION_SIGNS[attention] : SIGNS[status];
}

/** Returns the icon of a status, one cell wide (three in ASCII). */
export function statusIcon(status: Status, ascii: boolean, attention?: AttentionState): string {
  const sign = signOf(status, attention);
  return ascii ? sign.ascii : sign.icon;
}

/** Returns the mark of a status, two cells wide (three in ASCII). */
export function statusMark(status: Status, ascii: boolean, attention?: AttentionState): string {
  const sign = signOf(status, attention);
  return ascii ? sign.ascii : sign.mark;
}

/** Formats US dollars: `$0.05`. */
export function formatUsd(usd: number): string {
  return `$${usd.toFixed(2)}`;
}

const ATTENTION_WORDS: Readonly<Record<AttentionState, string>> = { waiting: 'waiting', silent: 'quiet' };

/** Returns the word for a status; of a running execution that for its attention, if any. */
export function statusWord(status: Status, attention?: AttentionState): string {
  return status === 'running' && attention !== undefined ? ATTENTION_WORDS[attention] : status;
}

/** Text of a status in front of a duration: `failed after` 7:12. */
const OUTCOMES = {
  pending: 'pending for',
  queued: 'queued for',
  running: 'running for',
  paused: 'paused for',
  completed: 'completed in',
  failed: 'failed after',
  cancelled: 'cancelled after',
  timeout: 'timed out after',
  skipped: 'skipped for',
  lost: 'lost after',
} as const satisfies Record<Status, string>;

/** Formats a status with its duration: `completed in 11:52`, `failed after 7:12`, `running for 6:41`. */
export function formatOutcome(status: Status, durationMs: number | undefined): string {
  return durationMs === undefined ? status : `${OUTCOMES[status]} ${formatDuration(durationMs)}`;
}

/** Minimum length of a prefix, so that it is recognisable as an ID. */
const SHORTEST_ID = 4;

/** Returns for each ID its shortest prefix that no other one begins with. */
export function shortenIds(ids: Iterable<string>): Map<string, string> {
  const sorted = [...new Set(ids)].sort();
  const shared = sorted.map((id, index) => commonLength(id, sorted[index + 1] ?? ''));
  return new Map(
    sorted.map((id, index) => {
      const length = Math.max(shared[index] ?? 0, shared[index - 1] ?? 0) + 1;
      return [id, id.slice(0, Math.max(SHORTEST_ID, length))];
    }),
  );
}

function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}

function atLeastZero(value: number): number {
  return Number.isFinite(value) ? Math.max(0, value) : 0;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/** Formats tokens and cost as parts of a line: `12,208 tokens`, `$0.05`. */
export function spentParts({
  tokens,
  costUsd,
}: {
  tokens?: number | undefined;
  costUsd?: number | undefined;
} = {}): string[] {
  const parts: string[] = [];
  if (tokens !== undefined) parts.push(`${formatCount(tokens)} tokens`);
  if (costUsd !== undefined) parts.push(formatUsd(costUsd));
  return parts;
}
