/** Defines executions and steps, the result of the fold. All times are RFC 3339 texts, all durations milliseconds. */
import type { FinalStatus } from './event.js';
import { FINAL_STATUSES } from './event.js';
import type { AliasFamily } from './event-alias-table.js';

export type Status = 'pending' | 'queued' | 'running' | 'paused' | FinalStatus;

/** Attention needed: `waiting` for a person, `silent` without activity for unusually long. */
export type Attention = 'waiting' | 'silent';

export interface Progress {
  current?: number;
  total?: number;
  unit?: string;
  message?: string;
}

/** Resources of the process tree: cpu in percent of one core, rss and peakRss in bytes, cpuSeconds in seconds. */
export interface Resources {
  cpu?: number;
  /** Highest cpu so far, kept after the end. */
  peakCpu?: number;
  rss?: number;
  processes?: number;
  peakRss?: number;
  cpuSeconds?: number;
}

export interface Step {
  id: string;
  /** Display name: the name given, else the id. */
  name: string;
  /** `step`, `story`, `criterion`, `tool`, `invocation`, `subagent`, or what the producer says. */
  kind: string;
  /** Type of the step in the producer's terms: `shell`, `agent`... */
  stepType?: string;
  status: Status;
  parent?: string;
  index?: number;
  /** Number of parts that the producer announced, such as criteria. */
  total?: number;
  /** Ids of the steps that must end before this one starts. */
  needs?: string[];
  role?: string;
  provider?: string;
  model?: string;
  /** Source whose clock `startedAt` is of. */
  source?: string;
  startedAt?: string;
  endedAt?: string;
  durationMs?: number;
  /** No start was observed: `startedAt` is computed from the end and the duration. */
  startDerived?: true;
  /** Number of starts, if more than one. */
  attempts?: number;
  error?: string;
  errorType?: string;
  /** As text; JSON where the producer sent something else. */
  input?: string;
  output?: string;
  retryable?: boolean;
  /** A failure of this step does not fail an execution whose producer states no outcome. */
  continueOnFailure?: true;
  commits?: string[];
  progress?: Progress;
}

/** Known kinds of executions; a producer may send others. */
export const EXECUTION_KINDS = ['command', 'run', 'agent', 'task', 'workflow'] as const;

export interface Execution {
  id: string;
  /** Display name: the name given, else the command line, else the id. */
  name: string;
  kind: string;
  status: Status;
  /** No start was observed, only other events. */
  implicit?: true;
  attention?: Attention;
  attentionReason?: string;
  /** ID of the step that needs attention, such as a sub-agent; absent if it is the execution itself. */
  attentionStep?: string;
  /** An alert was triggered for it. */
  alerted?: true;
  /** Rules that alert once per execution and already have. */
  alerts?: string[];
  argv?: string[];
  cwd?: string;
  pid?: number;
  /** Terminal that the command was typed in, and its tmux pane. */
  tty?: string;
  tmux?: string;
  host?: string;
  agent?: string;
  /** Model of the agent, and its own ID of this session. */
  model?: string;
  session?: string;
  /** Number of prompts. */
  turns?: number;
  /** Origin of the session's events, if not its own output: `hooks` or `transcript`. */
  via?: string;
  parent?: string;
  queue?: string;
  /** IDs of the executions that must complete before this one starts. */
  after?: string[];
  /** The runner has died but its processes are alive, so their outcome will not be known. */
  orphaned?: true;
  labels?: Record<string, string>;
  /** IDs of the tasks inside this run, which are aliases of it. The first task describes the run, the others are steps. */
  tasks?: string[];
  /** Outcome of the task that describes this run: the run cannot end better. */
  outcome?: { status: FinalStatus; error?: string };
  source?: string;
  /** Producer that started it, where `source` does not identify it. */
  sender?: string;
  /** Event format of its events: routing never mixes tasks of different formats. */
  vocabulary?: AliasFamily;
  queuedAt?: string;
  startedAt?: string;
  endedAt?: string;
  durationMs?: number;
  exitCode?: number;
  signal?: string;
  error?: string;
  errorType?: string;
  /** As text; JSON where the producer sent something else. */
  parameters?: string;
  input?: string;
  output?: string;
  summary?: string;
  /** Closed by a user, because the producer did not: a later end by the producer replaces this one. */
  dismissed?: true;
  /** Evidence of the end of a session that did not report it: `record`, `process` or `silence`. */
  endedBy?: string;
  /** Number of steps or stories that the producer announced. */
  total?: number;
  estimatedMs?: number;
  /** Completed percentage as reported by the producer, from 0 to 100. */
  percent?: number;
  /** The time of the newest event. */
  lastActivity: string;
  progress?: Progress;
  resources?: Resources;
  tokens?: number;
  costUsd?: number;
  /** Steps in order of appearance; a summary only keeps those that later events depend on. */
  steps: Map<string, Step>;
  /** Number of ended steps that were evicted from `steps`, by status. */
  droppedSteps?: Partial<Record<FinalStatus, number>>;
  /** The newest lines of output, oldest first. */
  tail: string[];
  /** Number of log lines so far, including those already removed from the journal. */
  lines?: number;
  /** A summary: only what lists and later events need is in memory, other steps and the tail are in the journal. */
  summarised?: true;
  /** ID of the execution that was started under the same ID after this one had ended. */
  successor?: string;
  /** seq of the first and of the newest event. */
  firstSeq: number;
  lastSeq: number;
  /** seq of the note that carries it over, after retention has removed its first events. */
  carriedSeq?: number;
}

/** JSON form of an execution: `steps` is a list. */
export type ExecutionJson = Omit<Execution, 'steps'> & { steps: Step[] };

const FINAL: ReadonlySet<string> = new Set(FINAL_STATUSES);

/** Whether it was started by `progress run`, so that its runner can control it; any other was only recorded. */
export function isRun({ id, kind, source }: Execution): boolean {
  return kind === 'run' || isRunner(source, id);
}

/** Whether a source is the runner of the execution with this ID. */
export function isRunner(source: string | undefined, id: string): boolean {
  return source?.startsWith('run-') === true && source.endsWith(`-${id}`);
}

/** Whether a status is final. */
export function isFinal(status: Status): status is FinalStatus {
  return FINAL.has(status);
}

/** Whether an outcome counts as a failure: an observed one, or `lost`. */
export function isFailure(status: Status): boolean {
  return isObservedFailure(status) || status === 'lost';
}

/** Whether a failure was observed, which excludes `lost`. */
export function isObservedFailure(status: Status): boolean {
  return status === 'failed' || status === 'timeout';
}

export function executionToJson(execution: Execution): ExecutionJson {
  return { ...execution, steps: [...execution.steps.values()] };
}

/** The inverse of `executionToJson`; copies the lists. */
export function executionFromJson(json: ExecutionJson): Execution {
  return {
    ...json,
    tail: [...json.tail],
    steps: new Map(json.steps.map((step) => [step.id, { ...step }])),
  };
}
