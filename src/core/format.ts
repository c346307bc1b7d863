/** Numbers, times and statuses as people read them: the same in the terminal and in the viewer. */
import type { Work } from './estimate.js';
import type { Attention, Status } from './execution.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Below this a duration shows tenths of a second. */
export const TENTHS_BELOW_MS = 10 * SECOND;

/** `0.4s`, `41s`, `6:41`, `1:02:03`, `2d 1:02:03`. Rounded down: a clock never shows time that has not passed. */
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

/** One number and its unit: `12s`, `5m`, `3h`, `2d`. */
export function formatAge(ms: number): string {
  const span = atLeastZero(ms);
  if (span < MINUTE) return `${Math.floor(span / SECOND)}s`;
  if (span < HOUR) return `${Math.floor(span / MINUTE)}m`;
  if (span < DAY) return `${Math.floor(span / HOUR)}h`;
  return `${Math.floor(span / DAY)}d`;
}

/** How far an estimate of this size is rounded: false precision only makes it jump. */
const REMAINING_GRAIN: readonly (readonly [below: number, grain: number])[] = [
  [MINUTE, 5 * SECOND],
  [10 * MINUTE, 30 * SECOND],
  [HOUR, MINUTE],
  [Infinity, 5 * MINUTE],
];

/** An estimated rest, rounded up to what it can be worth: `~25s`, `~4:30`, `~1:05:00`. */
export function formatRemaining(ms: number): string {
  const span = atLeastZero(ms);
  const grain = REMAINING_GRAIN.find(([below]) => span < below)?.[1] ?? MINUTE;
  const rounded = Math.max(grain, Math.ceil(span / grain) * grain);
  return rounded < MINUTE ? `~${rounded / SECOND}s` : `~${formatDuration(rounded)}`;
}

/** `812 B`, `4.2 KiB`, `412 MiB`. */
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

/** `1,234,567`; a fraction keeps two digits. */
export function formatCount(count: number): string {
  const [whole = '', fraction] = String(Math.round(count * 100) / 100).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** `2 steps`, `1 story`. */
export function formatQuantity(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`;
}

/** `3/3 stories`, and where not all passed how many did what: `3/3 stories: 2 passed · 1 failed`. */
export function formatWork({ done, total, unit = '', outcomes }: Work, separator = ' · '): string {
  const count = total === undefined ? formatCount(done) : `${formatCount(done)}/${formatCount(total)}`;
  const words = (['passed', 'failed', 'cancelled', 'lost', 'skipped'] as const).flatMap((word) => {
    const times = outcomes?.[word] ?? 0;
    return times === 0 ? [] : [`${formatCount(times)} ${word}`];
  });
  const ends = words.join(separator);
  return `${count} ${unit}`.trimEnd() + (ends === '' ? '' : `: ${ends}`);
}

/** Rounded, but 100 % means done. */
export function formatPercent(share: number): string {
  return share >= 1 ? '100%' : `${Math.min(99, Math.round(atLeastZero(share) * 100))}%`;
}

/** Of one core, so that it may be more than all of it: `140%`. */
export function formatCpu(percent: number): string {
  return `${formatCount(Math.round(atLeastZero(percent)))}%`;
}

/** Local time of day, `10:41:12`. */
export function formatClock(ms: number): string {
  const date = new Date(ms);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
}

interface Sign {
  /** One cell. */
  icon: string;
  /** Two cells, for lists of criteria: never a sequence with a variation selector, which terminals measure differently. */
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

const ATTENTION_SIGNS: Readonly<Record<Attention, Sign>> = {
  waiting: { icon: '!', mark: '! ', ascii: '[W]' },
  silent: { icon: '◇', mark: '◇ ', ascii: '[S]' },
};

function signOf(status: Status, attention: Attention | undefined): Sign {
  return status === 'running' && attention !== undefined ? ATTENTION_SIGNS[attention] : SIGNS[status];
}

/** A sign of one cell (three in ASCII). */
export function statusIcon(status: Status, ascii: boolean, attention?: Attention): string {
  const sign = signOf(status, attention);
  return ascii ? sign.ascii : sign.icon;
}

/** A sign of two cells (three in ASCII). */
export function statusMark(status: Status, ascii: boolean, attention?: Attention): string {
  const sign = signOf(status, attention);
  return ascii ? sign.ascii : sign.mark;
}

/** `$0.05`. */
export function formatUsd(usd: number): string {
  return `$${usd.toFixed(2)}`;
}

const ATTENTION_WORDS: Readonly<Record<Attention, string>> = { waiting: 'waiting', silent: 'quiet' };

/** The word beside the sign: attention says more than `running`. */
export function statusWord(status: Status, attention?: Attention): string {
  return status === 'running' && attention !== undefined ? ATTENTION_WORDS[attention] : status;
}

/** How an outcome reads before its duration: `failed after` 7:12. */
const OUTCOMES: Readonly<Partial<Record<Status, string>>> = {
  completed: 'completed in',
  failed: 'failed after',
  cancelled: 'cancelled after',
  timeout: 'timed out after',
  lost: 'lost after',
};

/** `completed in 11:52`, `failed after 7:12`, `running for 6:41`. */
export function formatOutcome(status: Status, durationMs: number | undefined): string {
  if (durationMs === undefined) return status;
  return `${OUTCOMES[status] ?? `${status} for`} ${formatDuration(durationMs)}`;
}

/** What a prefix must have to be recognised as an id. */
const SHORTEST_ID = 4;

/** For each id the shortest prefix that no other one begins with. */
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

/** `12,208 tokens`, `$0.05`. */
export function spentParts({
  tokens,
  costUsd,
}: {
  tokens?: number | undefined;
  costUsd?: number | undefined;
}): string[] {
  const parts: string[] = [];
  if (tokens !== undefined) parts.push(`${formatCount(tokens)} tokens`);
  if (costUsd !== undefined) parts.push(formatUsd(costUsd));
  return parts;
}
