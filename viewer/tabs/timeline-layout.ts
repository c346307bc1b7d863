/** The time axis, on which idle gaps are folded, and the forecast of steps. Pure. */
import type { Status } from '../../src/core/execution.js';

export interface TimeSpan {
  id: string;
  name: string;
  /** Display name. */
  title: string;
  from: number;
  /** Milliseconds since 1970; the current time while it runs. */
  to: number;
  status: Status;
  /** Duration by its producer, in milliseconds. */
  took: number;
  parent?: string | undefined;
}

/** What the forecast needs to know of a step. */
export interface Ahead {
  id: string;
  name: string;
  needs?: readonly string[];
  parent?: string | undefined;
  /** Milliseconds since 1970; undefined before it starts. */
  from: number | undefined;
  /** Undefined before it ends. */
  to: number | undefined;
}

export interface FoldedGap {
  from: number;
  to: number;
}

export interface Axis {
  /** Converts a time to a position from 0 to 1. */
  at(ms: number): number;
  gaps: FoldedGap[];
  ticks: { at: number; ms: number }[];
}

/** Shorter gaps are not folded. */
const MIN_GAP_MS = 60_000;
/** Smallest share of the axis at which a gap is folded. */
const GAP_SHARE = 0.15;
/** Share of the axis that a folded gap takes. */
const FOLDED_SHARE = 0.03;
const TICKS = 6;
const STEPS_MS = [
  ...[100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000],
  ...[60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000],
  ...[3_600_000, 7_200_000, 14_400_000, 43_200_000, 86_400_000, 604_800_000],
];

/** Creates the axis of an execution from its spans. @param from Start of the axis. @param to Its end. */
export function createAxis(spans: readonly Pick<TimeSpan, 'from' | 'to'>[], from: number, to: number): Axis {
  const whole = Math.max(1, to - from);
  const gaps = gapsBetween(spans, from, to).filter(
    (gap) => gap.to - gap.from >= MIN_GAP_MS && (gap.to - gap.from) / whole >= GAP_SHARE,
  );
  const idle = gaps.reduce((sum, gap) => sum + gap.to - gap.from, 0);
  const foldedMs = ((whole - idle) * FOLDED_SHARE) / Math.max(0.1, 1 - gaps.length * FOLDED_SHARE);
  const length = whole - idle + gaps.length * foldedMs;
  const at = (ms: number) => {
    let shown = Math.min(Math.max(ms, from), to) - from;
    for (const gap of gaps) {
      if (ms <= gap.from) break;
      const inside = Math.min(ms, gap.to) - gap.from;
      shown -= inside - (inside / (gap.to - gap.from)) * foldedMs;
    }
    return shown / length;
  };
  return { at, gaps, ticks: ticksOf(whole, from, gaps, at) };
}

/**
 * Forecasts when steps start and end if each takes its typical duration. Planned steps start after what they need, or
 * else after the previous step of the same parent; running and planned steps end at `now` or later.
 *
 * @param usual Typical durations in milliseconds, by name. Steps without one are left out.
 * @returns Spans by the steps' IDs.
 */
export function forecast(
  steps: readonly Ahead[],
  usual: ReadonlyMap<string, number>,
  now: number,
): Map<string, Pick<TimeSpan, 'from' | 'to'>> {
  const ends = new Map<string, number>();
  const spans = new Map<string, Pick<TimeSpan, 'from' | 'to'>>();
  const before = new Map<string, number>();
  for (const { id, name, needs = [], parent = '', from, to } of steps) {
    const ms = usual.get(name);
    const needed = needs.flatMap((need) => ends.get(need) ?? []);
    const begin = from ?? Math.max(now, ...(needed.length > 0 ? needed : [before.get(parent) ?? now]));
    if (ms !== undefined) spans.set(id, { from: begin, to: begin + ms });
    const end = to ?? Math.max(now, begin + (ms ?? 0));
    ends.set(id, end);
    before.set(parent, Math.max(before.get(parent) ?? now, end));
  }
  return spans;
}

function gapsBetween(spans: readonly Pick<TimeSpan, 'from' | 'to'>[], from: number, to: number): FoldedGap[] {
  const sorted = [...spans].sort((a, b) => a.from - b.from);
  const gaps: FoldedGap[] = [];
  let end = from;
  for (const span of sorted) {
    if (span.from > end) gaps.push({ from: end, to: span.from });
    end = Math.max(end, span.to);
  }
  if (to > end && sorted.length > 0) gaps.push({ from: end, to });
  return gaps;
}

function ticksOf(whole: number, from: number, gaps: readonly FoldedGap[], at: Axis['at']): Axis['ticks'] {
  const step = STEPS_MS.find((ms) => whole / ms <= TICKS) ?? whole;
  const ticks: Axis['ticks'] = [];
  for (let ms = 0; ms <= whole; ms += step) {
    if (!gaps.some((gap) => from + ms > gap.from && from + ms < gap.to)) ticks.push({ at: at(from + ms), ms });
  }
  return ticks;
}
