/** How one sees that something runs, how it ended, and how far it is. */
import { estimate, quietOf, workOf } from '../src/core/estimate.js';
import type { Attention, Execution, Status } from '../src/core/execution.js';
import { isFinal } from '../src/core/execution.js';
import {
  formatAge,
  formatDuration,
  formatPercent,
  formatRemaining,
  formatWork,
  statusWord,
} from '../src/core/format.js';

const ICONS: Readonly<Record<Status, string>> = {
  pending: '○',
  queued: '◦',
  running: '●',
  paused: '‖',
  completed: '✓',
  failed: '✗',
  cancelled: '⊘',
  timeout: '◷',
  skipped: '–',
  lost: '?',
};

export function Icon({ status }: { status: Status }) {
  return (
    <span class={`icon s-${status}`} aria-hidden="true">
      {ICONS[status]}
    </span>
  );
}

/** Green and pulsing on what runs, and on nothing else. */
export function Badge({ execution, isStale }: { execution: Execution; isStale: boolean }) {
  const { status, attention } = execution;
  if (isStale && !isFinal(status)) return <span class="badge stale">STALE</span>;
  if (status === 'running' && attention === undefined) {
    return (
      <span class="badge live">
        <span class="dot" aria-hidden="true" />
        LIVE
      </span>
    );
  }
  return <span class={`badge s-${attention ?? status}`}>{wordOf(status, attention)}</span>;
}

function wordOf(status: Status, attention: Attention | undefined): string {
  if (attention === 'waiting') return 'NEEDS YOU';
  return statusWord(status, attention).toUpperCase();
}

interface BarProps {
  execution: Execution;
  now: number;
  /** What it usually takes: shown where nobody says how far it is. */
  usualMs?: number | undefined;
}

export function Bar({ execution, now, usualMs }: BarProps) {
  const { share, remainingMs, elapsedMs } = estimate(execution, now);
  if (share === undefined) return <UsualBar elapsedMs={elapsedMs} usualMs={usualMs} />;
  const percent = formatPercent(share);
  const left = remainingMs === undefined ? '' : `, ${formatRemaining(remainingMs)} left`;
  return (
    <div
      class={`bar s-${execution.status}`}
      role="progressbar"
      aria-label="Progress"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(share * 100)}
      aria-valuetext={`${percent.replace('%', ' percent')}${left.replace('~', 'about ')}`}
    >
      <div class="fill" style={{ width: percent }} />
    </div>
  );
}

/** The facts beside it say the same in words. */
function UsualBar({ elapsedMs, usualMs }: { elapsedMs: number | undefined; usualMs: number | undefined }) {
  if (elapsedMs === undefined || usualMs === undefined) return null;
  const width = formatPercent(Math.min(1, elapsedMs / Math.max(1, usualMs)));
  return (
    <div class="bar usual" aria-hidden="true">
      <div class="fill" style={{ width }} />
    </div>
  );
}

/** `4/9 stories`, `3/3 stories: 2 passed · 1 failed`. */
export function workText(execution: Execution): string {
  const work = workOf(execution);
  return work ? formatWork(work) : '';
}

/** `last activity 2m ago`, of one that has been quiet for a time. */
export function quietText(execution: Execution, now: number): string {
  const quiet = quietOf(execution, now);
  return quiet === undefined ? '' : `last activity ${formatAge(quiet)} ago`;
}

/** `6:41 · ~5:00 left`, or that it takes longer than its producer said. */
export function timeText(execution: Execution, now: number): string {
  const { elapsedMs, remainingMs } = estimate(execution, now);
  if (elapsedMs === undefined) return '';
  const over = execution.estimatedMs === undefined ? 0 : elapsedMs - execution.estimatedMs;
  if (isFinal(execution.status)) return formatDuration(elapsedMs);
  if (remainingMs !== undefined) return `${formatDuration(elapsedMs)} · ${formatRemaining(remainingMs)} left`;
  return over > 0 ? `${formatDuration(elapsedMs)} · overdue ${formatDuration(over)}` : formatDuration(elapsedMs);
}
