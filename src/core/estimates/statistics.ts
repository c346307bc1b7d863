/** Computes statistics of the finished executions of a name: outcomes, durations, steps, resources, failures. Pure. */
import type { FinalStatus } from '../events/event.js';
import type { Execution } from '../execution.js';
import { isFailure, isFinal } from '../execution.js';
import { failedSteps } from '../steps.js';
import { ascending, quantile } from './forecast.js';
import { workedMsOf } from './estimate.js';
import { workedOf } from './history.js';
import type { EstimateAccuracy } from './replay.js';
import { accuracyOf } from './replay.js';
import { countedSteps } from './work.js';

/** Statistics of the finished executions of one name and kind. */
export interface NameStatistics {
  name: string;
  kind: string;
  /** Number of finished executions. */
  runs: number;
  /** Number of finished executions by status. */
  outcomes: Partial<Record<FinalStatus, number>>;
  /** Share of the completed ones, from 0 to 1; cancelled ones do not count. Absent if all were cancelled. */
  successRate?: number;
  /** Durations of the completed ones without their pauses; absent if there are none. */
  duration?: Distribution;
  /** Durations of the newest completed ones in milliseconds, at most 20, the oldest first. */
  recentMs: number[];
  /** The execution that ended last. */
  last: LastExecution;
  /** Only if one name was requested. */
  details?: StatisticsDetails;
}

export interface LastExecution {
  id: string;
  status: FinalStatus;
  /** Time of its end. */
  endedAt?: string;
  durationMs?: number;
}

/** Where values lie, in the unit of the values; durations are in milliseconds. */
export interface Distribution {
  /** Median. */
  median: number;
  /** 90th percentile. */
  p90: number;
}

export interface StatisticsDetails {
  /** The ten slowest steps, by their share of the time. */
  steps: StepStatistics[];
  /** Highest memory of the completed ones, in bytes. */
  peakRss?: Distribution;
  /** Processor time of the completed ones, in seconds. */
  cpuSeconds?: Distribution;
  /** The ten most frequent reasons of failures. */
  failures: FailureReason[];
  /** How good estimates of the remaining time were, at points of the duration; empty if there were none. */
  estimates: EstimateAccuracy[];
}

/** Statistics of a step in the completed executions that are in memory with their steps. */
export interface StepStatistics {
  name: string;
  runs: number;
  /** In milliseconds, without pauses. */
  duration: Distribution;
  /** Its time as a share of the time of these executions, from 0 to 1; steps that run at the same time add up to more. */
  share: number;
}

export interface FailureReason {
  /** Name of the step that failed. */
  step?: string;
  /** First line of the error, else the exit code or signal. */
  error?: string;
  runs: number;
  /** ID of the newest of these executions. */
  execution: string;
}

const MAX_RECENT = 20;
const MAX_STEPS = 10;
const MAX_FAILURES = 10;
const ERROR_CHARS = 200;

/** Returns the statistics of the finished ones of these executions, for each name and kind; the last one to end first. */
export function statisticsOf(executions: Iterable<Execution>): NameStatistics[] {
  return groupsOf(executions).map(summarise);
}

/** Returns the same with the details. */
export function detailedStatistics(executions: Iterable<Execution>): NameStatistics[] {
  return groupsOf(executions).map((group) => ({ ...summarise(group), details: detailsOf(group) }));
}

/** Finished executions of one name and kind, the last one to end first. */
type Group = readonly [Finished, ...Finished[]];
type Finished = Execution & { status: FinalStatus };

function groupsOf(executions: Iterable<Execution>): Group[] {
  const groups = new Map<string, [Finished, ...Finished[]]>();
  const finished = [...executions].filter(isFinished).sort((a, b) => b.lastSeq - a.lastSeq);
  for (const execution of finished) {
    const key = JSON.stringify([execution.kind, execution.name]);
    const group = groups.get(key);
    if (group) group.push(execution);
    else groups.set(key, [execution]);
  }
  return [...groups.values()];
}

function isFinished(execution: Execution): execution is Finished {
  return isFinal(execution.status);
}

function summarise(group: Group): NameStatistics {
  const [last] = group;
  const outcomes: Partial<Record<FinalStatus, number>> = {};
  for (const { status } of group) outcomes[status] = (outcomes[status] ?? 0) + 1;
  const completed = outcomes.completed ?? 0;
  const judged = completed + group.filter(({ status }) => isFailure(status)).length;
  const durations = group.flatMap((one) => (one.status === 'completed' ? (workedOf(one) ?? []) : []));
  const duration = distributionOf(durations);
  return {
    name: last.name,
    kind: last.kind,
    runs: group.length,
    outcomes,
    ...(judged > 0 && { successRate: completed / judged }),
    ...(duration && { duration }),
    recentMs: durations.slice(0, MAX_RECENT).reverse(),
    last: lastOf(last),
  };
}

function lastOf(execution: Finished): LastExecution {
  const { id, status, endedAt } = execution;
  const durationMs = workedOf(execution);
  return { id, status, ...(endedAt !== undefined && { endedAt }), ...(durationMs !== undefined && { durationMs }) };
}

function detailsOf(group: Group): StatisticsDetails {
  const completed = group.filter(({ status }) => status === 'completed');
  const peakRss = distributionOf(completed.flatMap(({ resources }) => resources?.peakRss ?? []));
  const cpuSeconds = distributionOf(completed.flatMap(({ resources }) => resources?.cpuSeconds ?? []));
  return {
    steps: stepStatistics(completed),
    ...(peakRss && { peakRss }),
    ...(cpuSeconds && { cpuSeconds }),
    failures: failureReasons(group),
    estimates: accuracyOf(group),
  };
}

function stepStatistics(completed: readonly Execution[]): StepStatistics[] {
  const whole = completed.filter(({ summarised }) => !summarised);
  const totalMs = sum(whole.map((run) => workedOf(run) ?? 0));
  const durations = new Map<string, number[]>();
  for (const run of whole) {
    for (const step of countedSteps(run)) {
      if (step.status !== 'completed') continue;
      const known = durations.get(step.name);
      if (known) known.push(workedMsOf(run, step, 0));
      else durations.set(step.name, [workedMsOf(run, step, 0)]);
    }
  }
  return [...durations]
    .flatMap(([name, times]): StepStatistics[] => {
      const duration = distributionOf(times);
      const share = totalMs > 0 ? sum(times) / totalMs : 0;
      return duration ? [{ name, runs: times.length, duration, share }] : [];
    })
    .sort((a, b) => b.share - a.share)
    .slice(0, MAX_STEPS);
}

function failureReasons(group: Group): FailureReason[] {
  const reasons = new Map<string, FailureReason>();
  for (const execution of group) {
    if (!isFailure(execution.status)) continue;
    const reason = reasonOf(execution);
    const key = JSON.stringify(reason);
    const known = reasons.get(key);
    if (known) known.runs += 1;
    else reasons.set(key, { ...reason, runs: 1, execution: execution.id });
  }
  // sorting is stable: of equally frequent ones the newest is first
  return [...reasons.values()].sort((a, b) => b.runs - a.runs).slice(0, MAX_FAILURES);
}

/** Returns the innermost failed step, and its error, else that of the execution. */
function reasonOf(execution: Finished): Pick<FailureReason, 'step' | 'error'> {
  const { status, outcome: { error: stated, exitCode, signal } = {} } = execution;
  const step = failedSteps(execution).at(-1);
  const text = step?.error ?? stated ?? (status === 'failed' ? signal : status);
  const error = text?.trimStart().split('\n', 1)[0]?.slice(0, ERROR_CHARS);
  const code = exitCode === undefined || exitCode === 0 ? undefined : `exit ${exitCode}`;
  const shown = error || code;
  return { ...(step && { step: step.name }), ...(shown !== undefined && { error: shown }) };
}

/** Returns undefined for no values. */
function distributionOf(values: readonly number[]): Distribution | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort(ascending);
  return { median: quantile(sorted, 0.5), p90: quantile(sorted, 0.9) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
