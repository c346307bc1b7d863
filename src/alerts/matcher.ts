/**
 * Tests of the conditions of a rule on an event and its execution. Each test can also explain
 * why it does not hold, so that alerts and explanations use the same logic.
 */
import type { Conditions, TokenRate } from '../api/conditions.js';
import { stripAnsi } from '../core/text/ansi.js';
import type { ExecutionEvent } from '../core/events/event.js';
import { EXECUTION_ENDS, textOf } from '../core/events/event.js';
import type { Execution, Step } from '../core/execution.js';
import { isFinal } from '../core/execution.js';
import type { Level } from '../core/events/filter.js';
import { LEVELS, levelRank } from '../core/events/filter.js';
import { toLevel } from '../core/events/conversions.js';
import { formatDuration, formatUsd } from '../core/text/format.js';
import { compilePattern, matchesGlob } from '../platform/patterns.js';
import { applyTable, type ConditionTable } from './condition-table.js';

/** Event and its execution, with the event folded into it. */
export interface MatchSubject {
  event: ExecutionEvent;
  /** Absent for an event without an execution. */
  execution: Execution | undefined;
  /** Number of consecutive failures of its name that the event has ended. */
  recovered?: number | undefined;
  /** Tokens per minute over a window that ends with the event. */
  tokenRate?: (windowMs: number) => number;
}

export interface Test {
  holds(subject: MatchSubject): boolean;
  /** Why it does not hold, as in `its status is completed, not failed or timeout`. */
  why(subject: MatchSubject): string;
}

export const NO_EXECUTION = 'it has no execution';

/** Constant properties of an execution. Tests are made in the order of the tables. */
const FILTERS = {
  kind: (wanted) => [equals('kind', wanted, ({ kind }) => kind)],
  agent: (patterns) => [like('agent', patterns, ({ agent }) => agent?.name)],
  name: (patterns) => [like('name', patterns, ({ name }) => name)],
  queue: (patterns) => [like('queue', patterns, ({ queue }) => queue)],
  label: (patterns) =>
    Object.entries(patterns).map(([key, pattern]) =>
      like(`label ${key}`, [pattern], ({ labels }) => (labels && Object.hasOwn(labels, key) ? labels[key] : undefined)),
    ),
} satisfies Partial<ConditionTable<Test>>;

/** What depends on the event; for resources only that they exceed the threshold now. */
const MOMENTS = {
  // a rule is evaluated only for events of its types
  type: () => [],
  status: (wanted) => [ended(wanted)],
  exitStatus: (wanted) => [equals('exit status', wanted.map(String), ({ outcome }) => outcome?.exitCode?.toString())],
  attention: (wanted) => [equals('attention', wanted, ({ attention }) => attention?.state)],
  step: (patterns) => [
    like('step', patterns, (execution, { event }) => stepNameOf(execution, event)?.name ?? event.step),
  ],
  longerThan: (ms) => [tookLonger(ms)],
  resource: ({ cpu, memory }) => [
    ...(cpu === undefined ? [] : [uses('cpu', cpu)]),
    ...(memory === undefined ? [] : [uses('rss', memory)]),
  ],
  level: (wanted) => [isAtLeast(wanted)],
  costUsd: (usd) => [costs(usd)],
  tokensPerMinute: (rate) => [usesTokens(rate)],
  output: (source) => [says(source)],
} satisfies Omit<ConditionTable<Test>, keyof typeof FILTERS>;

/** Tests of constant properties of an execution. */
export function filterTests(when: Conditions): Test[] {
  return applyTable<Test>(FILTERS, when);
}

/** Tests that depend on the event. */
export function momentTests(when: Conditions): Test[] {
  return [END, ...applyTable<Test>(MOMENTS, when)];
}

function ended(wanted: readonly string[]): Test {
  return {
    holds: ({ execution, recovered }) =>
      execution !== undefined &&
      (wanted.includes(execution.status) || (recovered !== undefined && wanted.includes('recovered'))),
    why: ({ execution }) => (execution ? differs('status', execution.status, wanted) : NO_EXECUTION),
  };
}

/** Excludes repeated ends of an execution: the first one set the time of its end. */
const END: Test = {
  holds({ event, execution }) {
    if (!Object.hasOwn(EXECUTION_ENDS, event.type)) return true;
    return (
      execution !== undefined && EXECUTION_ENDS[event.type] === execution.status && event.time === execution.endedAt
    );
  },
  why: ({ execution }) => `it had ended before: ${execution?.status ?? 'unknown'}`,
};

function equals(what: string, wanted: readonly string[], valueOf: (execution: Execution) => string | undefined): Test {
  return {
    holds({ execution }) {
      const value = execution && valueOf(execution);
      return value !== undefined && wanted.includes(value);
    },
    why: ({ execution }) => (execution ? differs(what, valueOf(execution), wanted) : NO_EXECUTION),
  };
}

function like(
  what: string,
  patterns: readonly string[],
  valueOf: (execution: Execution, subject: MatchSubject) => string | undefined,
): Test {
  return {
    holds(subject) {
      const value = subject.execution && valueOf(subject.execution, subject);
      return value !== undefined && patterns.some((pattern) => matchesGlob(pattern, value));
    },
    why: (subject) => (subject.execution ? differs(what, valueOf(subject.execution, subject), patterns) : NO_EXECUTION),
  };
}

function differs(what: string, value: string | undefined, wanted: readonly string[]): string {
  const is = value === undefined ? `it has no ${what}` : `its ${what} is ${value}`;
  return `${is}, not ${wanted.join(' or ')}`;
}

/** Milliseconds that the execution took, or has taken until the event. */
export function elapsedSince({ event, execution }: MatchSubject): number | undefined {
  if (!execution) return undefined;
  const { status, durationMs, startedAt, endedAt } = execution;
  if (isFinal(status) && durationMs !== undefined) return durationMs;
  const until = isFinal(status) ? (endedAt ?? event.time) : event.time;
  return startedAt === undefined ? undefined : Date.parse(until) - Date.parse(startedAt);
}

function tookLonger(ms: number): Test {
  return {
    holds: (subject) => (elapsedSince(subject) ?? 0) > ms,
    why(subject) {
      const elapsed = elapsedSince(subject);
      const took = elapsed === undefined ? 'its duration is unknown' : `it took ${formatDuration(elapsed)}`;
      return `${took}, not longer than ${formatDuration(ms)}`;
    },
  };
}

/** An unmeasured value does not exceed a threshold. */
function uses(what: 'cpu' | 'rss', threshold: number): Test {
  const words = what === 'cpu' ? 'share of the processor' : 'memory';
  return {
    holds: ({ execution }) => (execution?.resources?.[what] ?? 0) > threshold,
    why: ({ execution }) => `its ${words} is ${execution?.resources?.[what] ?? 'unknown'}, not above ${threshold}`,
  };
}

/** Level of a message; a missing or unknown one is `info`. */
export function levelOf({ data }: ExecutionEvent): Level {
  return LEVELS.find((level) => level === toLevel(data['level'])) ?? 'info';
}

function isAtLeast(wanted: Level): Test {
  return {
    holds: ({ event }) => event.type === 'log' && levelRank(levelOf(event)) >= levelRank(wanted),
    why: ({ event }) =>
      event.type === 'log' ? `its level is ${levelOf(event)}, not ${wanted} or worse` : 'it is not a log message',
  };
}

function costs(usd: number): Test {
  return {
    holds: ({ execution }) => (execution?.usage?.costUsd ?? 0) > usd,
    why: ({ execution }) => `its cost is ${formatUsd(execution?.usage?.costUsd ?? 0)}, not above ${formatUsd(usd)}`,
  };
}

function usesTokens({ above, window }: TokenRate): Test {
  const rateOf = ({ tokenRate }: MatchSubject) => Math.round(tokenRate?.(window) ?? 0);
  return {
    holds: (subject) => rateOf(subject) > above,
    why: (subject) =>
      `it uses ${rateOf(subject)} tokens a minute over ${formatDuration(window)}, not more than ${above}`,
  };
}

function says(source: string): Test {
  const pattern = compilePattern(source, { code: 'bad_config' });
  return {
    holds: ({ event }) => outputLinesOf(event).some((line) => pattern.test(line)),
    why: ({ event }) => (outputLinesOf(event).length === 0 ? 'it prints nothing' : `no line of it matches ${source}`),
  };
}

/** Lines of output and messages, without debug output. */
export function outputLinesOf({ type, data }: ExecutionEvent): string[] {
  const text = type === 'log' ? textOf(data, 'message') : type === 'output' ? textOf(data, 'text') : undefined;
  if (text === undefined || data['stream'] === 'debug') return [];
  const plain = text.includes('\u001b') ? stripAnsi(text) : text;
  return plain.includes('\n') ? plain.split('\n') : [plain];
}

/** Step of an event. */
export function stepNameOf({ steps }: Execution, { step }: ExecutionEvent): Step | undefined {
  return step === undefined ? undefined : steps.get(step);
}
