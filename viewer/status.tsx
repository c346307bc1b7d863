/** Status of an execution: icon, badge, progress bar, durations. */
import { estimate } from '../src/core/estimates/estimate.js';
import { workOf } from '../src/core/estimates/work.js';
import { stateWord } from '../src/core/text/state-text.js';
import type { Execution, Status } from '../src/core/execution.js';
import { isFinal } from '../src/core/execution.js';
import { formatDuration, formatPercent, formatWork, remainingSentence } from '../src/core/text/format.js';

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

/** The badge of an open execution. Green and pulsing only while it runs and the values are current. */
export function Badge({ execution, now, isStale }: { execution: Execution; now: number; isStale: boolean }) {
  const { status } = execution;
  const attention = execution.attention?.state;
  if (isStale && !isFinal(status)) return <span class="badge stale">STALE</span>;
  if (status === 'running' && attention === undefined) {
    return (
      <span class="badge live">
        <span class="dot" aria-hidden="true" />
        LIVE
      </span>
    );
  }
  return <span class={`badge s-${attention ?? status}`}>{wordOf(execution, now)}</span>;
}

function wordOf(execution: Execution, now: number): string {
  if (execution.attention?.state === 'waiting') return 'NEEDS YOU';
  if (execution.attention?.state === 'silent') return stateWord(execution, now);
  return execution.status.toUpperCase();
}

interface BarProps {
  execution: Execution;
  now: number;
  /** Typical duration, shown if the producer reports no progress. */
  usualMs?: number | undefined;
}

export function Bar({ execution, now, usualMs }: BarProps) {
  const { share, elapsedMs, ...remaining } = estimate(execution, now);
  if (share === undefined) return <UsualBar elapsedMs={elapsedMs} usualMs={usualMs} />;
  const percent = formatPercent(share);
  const left = remainingSentence(remaining);
  return (
    <div
      class={`bar s-${execution.status}`}
      role="progressbar"
      aria-label="Progress"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(share * 100)}
      aria-valuetext={`${percent.replace('%', ' percent')}${left === '' ? '' : `, ${left.replace('~', 'about ')}`}`}
    >
      <div class="fill" style={{ width: percent }} />
    </div>
  );
}

/** Hidden from screen readers, since the text beside it has the same values. */
function UsualBar({ elapsedMs, usualMs }: { elapsedMs: number | undefined; usualMs: number | undefined }) {
  if (elapsedMs === undefined || usualMs === undefined) return null;
  const width = formatPercent(Math.min(1, elapsedMs / Math.max(1, usualMs)));
  return (
    <div class="bar usual" aria-hidden="true">
      <div class="fill" style={{ width }} />
    </div>
  );
}

/** Formats the work done: `4/9 stories`, `3/3 stories: 2 passed · 1 failed`. */
export function workText(execution: Execution): string {
  const work = workOf(execution);
  return work ? formatWork(work) : '';
}

/** Formats the time elapsed and left, `6:41 · ~5:00 left`, or by how much the estimate is exceeded. */
export function timeText(execution: Execution, now: number): string {
  const { elapsedMs, ...remaining } = estimate(execution, now);
  if (elapsedMs === undefined) return '';
  return [formatDuration(elapsedMs), remainingSentence(remaining)].filter((part) => part !== '').join(' · ');
}
