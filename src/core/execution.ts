/** Defines executions and steps, the result of the fold. All times are RFC 3339 texts, all durations milliseconds. */
import type { FinalStatus } from './events/event.js';
import { FINAL_STATUSES } from './events/event.js';
import type { AliasFamily } from './events/event-alias-table.js';
import type { Expectation, RemainingTime } from './estimates/forecast.js';

export type Status = 'pending' | 'queued' | 'running' | 'paused' | FinalStatus;

/** `waiting` for a person, or `silent`: without activity for unusually long. */
export type AttentionState = 'waiting' | 'silent';

export interface Attention {
  state: AttentionState;
  reason?: string;
  /** ID of the step that needs attention, such as a sub-agent; absent if it is the execution itself. */
  step?: string;
  /** When it began to wait; absent if it is silent. */
  since?: string;
}

export interface WorkProgress {
  current?: number;
  total?: number;
  unit?: string;
  message?: string;
  /** Earlier counts, the oldest first, for the recent rate: Unix milliseconds and count. */
  points?: [at: number, current: number][];
}

/** A pause; `to` is absent while it lasts. */
export interface Pause {
  from: string;
  to?: string;
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
  progress?: WorkProgress;
}

/** Known kinds of executions; a producer may send others. */
export const EXECUTION_KINDS = ['command', 'run', 'agent', 'task', 'workflow'] as const;

/** The command and where it runs. */
export interface ExecutionProcess {
  argv?: string[];
  cwd?: string;
  pid?: number;
  host?: string;
  /** Terminal that the command was typed in, and its tmux pane. */
  tty?: string;
  tmux?: string;
}

/** Where the events of an execution come from. */
export interface ExecutionProducer {
  source?: string;
  /** Producer that started it, where `source` does not identify it. */
  sender?: string;
  /** Event format of its events: routing never mixes tasks of different formats. */
  vocabulary?: AliasFamily;
}

/** Session of a coding agent. */
export interface ExecutionAgent {
  name?: string;
  model?: string;
  /** The agent's own ID of this session. */
  session?: string;
  /** Number of prompts. */
  turns?: number;
  /** Origin of the session's events, if not its own output: `hooks` or `transcript`. */
  via?: string;
}

/** Use of language models. */
export interface ModelUsage {
  tokens?: number;
  costUsd?: number;
}

/** Values that an execution was started with and ended with. As text; JSON where the producer sent something else. */
export interface Payload {
  parameters?: string;
  input?: string;
  output?: string;
}

/** What the producer announced of the length of the work. */
export interface Announced {
  /** Number of steps or stories. */
  total?: number;
  estimatedMs?: number;
  /** Completed percentage, from 0 to 100. */
  percent?: number;
}

/** What is known of the end, besides the status; an error may be reported before it. */
export interface Outcome {
  exitCode?: number;
  signal?: string;
  error?: string;
  errorType?: string;
  summary?: string;
  /** Evidence of the end of a session that did not report it: `record`, `process` or `silence`. */
  endedBy?: string;
  /** Closed by a user, because the producer did not: a later end by the producer replaces this one. */
  dismissed?: true;
}

/** An execution. An optional group is absent if it has no field. */
export interface Execution {
  id: string;
  /** Display name: the name given, else the command line, else the id. */
  name: string;
  kind: string;
  status: Status;
  attention?: Attention;
  /** No start was observed, only other events. */
  implicit?: true;
  /** The runner has died but its processes are alive, so their outcome will not be known. */
  orphaned?: true;

  queuedAt?: string;
  startedAt?: string;
  endedAt?: string;
  durationMs?: number;
  /** The time of the newest event. */
  lastActivity: string;
  pauses?: Pause[];
  outcome?: Outcome;

  process?: ExecutionProcess;
  producer?: ExecutionProducer;
  agent?: ExecutionAgent;
  payload?: Payload;
  labels?: Record<string, string>;
  parent?: string;
  queue?: string;
  /** Place among the moved runs of its queue, while it is queued: those start in this order, before all others. */
  queueRank?: number;
  /** IDs of the executions that must complete before this one starts. */
  after?: string[];
  /** ID of the execution that was started under the same ID after this one had ended. */
  successor?: string;
  /** IDs of the tasks inside this run, which are aliases of it. The first task describes the run, the others are steps. */
  tasks?: string[];
  /** Outcome of the task that describes this run: the run cannot end better. */
  taskOutcome?: { status: FinalStatus; error?: string };

  announced?: Announced;
  /** What earlier executions of the same thing took. The daemon adds it to replies; it is no part of its state. */
  expectation?: Expectation;
  progress?: WorkProgress;
  resources?: Resources;
  usage?: ModelUsage;
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

  /** An alert was triggered for it. */
  alerted?: true;
  /** Rules that alert once per execution and already have. */
  alerts?: string[];

  /** seq of the first and of the newest event. */
  firstSeq: number;
  lastSeq: number;
  /** seq of the note that carries it over, after retention has removed its first events. */
  carriedSeq?: number;
}

/** Groups of an execution whose fields the fold sets one by one. */
const OPEN_GROUPS = ['outcome', 'process', 'producer', 'agent', 'payload', 'announced', 'usage'] as const;
type OpenGroup = (typeof OPEN_GROUPS)[number];

/** Changes the fields of a group; a group without fields is absent. */
export function updateGroup<G extends OpenGroup>(
  execution: Pick<Execution, G>,
  name: G,
  update: (group: Required<Execution>[G]) => void,
): void {
  const group = (execution[name] ?? {}) as Required<Execution>[G];
  update(group);
  if (Object.keys(group).length > 0) execution[name] = group;
  else if (execution[name] !== undefined) Reflect.deleteProperty(execution, name);
}

/** JSON form of an execution: `steps` is a list. */
export type ExecutionJson = Omit<Execution, 'steps'> & {
  steps: Step[];
  /** Estimate of the remaining time when the reply was made. */
  estimate?: RemainingTime;
};

const FINAL: ReadonlySet<string> = new Set(FINAL_STATUSES);

/** Whether it was started by `progress run`, so that its runner can control it; any other was only recorded. */
export function isRun({ id, kind, producer }: Execution): boolean {
  return kind === 'run' || isRunner(producer?.source, id);
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
  return copyGroups({ ...execution, steps: [...execution.steps.values()] });
}

/** The inverse of `executionToJson`; copies the lists, and drops the estimate, which is out of date at once. */
export function executionFromJson({ estimate: _estimate, ...json }: ExecutionJson): Execution {
  return copyGroups({
    ...json,
    tail: [...json.tail],
    steps: new Map(json.steps.map((step) => [step.id, { ...step }])),
  });
}

/** Replaces the groups, which the fold changes in place, by copies. */
function copyGroups<T extends Pick<Execution, OpenGroup>>(execution: T): T {
  for (const name of OPEN_GROUPS) if (execution[name] !== undefined) execution[name] = { ...execution[name] };
  return execution;
}
