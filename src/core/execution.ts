/** Executions and steps: what a fold of the events yields. All times are RFC 3339 texts, all durations milliseconds. */
import type { FinalStatus } from './event.js';
import { FINAL_STATUSES } from './event.js';
import type { AliasFamily } from './event-alias-table.js';

export type Status = 'pending' | 'queued' | 'running' | 'paused' | FinalStatus;

/** Beside the status: `waiting` needs a person, `silent` shows no activity for too long. */
export type Attention = 'waiting' | 'silent';

export interface Progress {
  current?: number;
  total?: number;
  unit?: string;
  message?: string;
}

/** Of the whole process tree: cpu in percent of one core, rss and peakRss in bytes, cpuSeconds in seconds. */
export interface Resources {
  cpu?: number;
  /** The highest cpu so far, kept after the end. */
  peakCpu?: number;
  rss?: number;
  processes?: number;
  peakRss?: number;
  cpuSeconds?: number;
}

export interface Step {
  id: string;
  /** What a face shows: the name given, else the id. */
  name: string;
  /** `step`, `story`, `criterion`, `tool`, `invocation`, `subagent`, or what the producer says. */
  kind: string;
  /** What the producer calls the type of this step: `shell`, `agent`... */
  stepType?: string;
  status: Status;
  parent?: string;
  index?: number;
  /** Parts that the producer announced, such as criteria. */
  total?: number;
  /** Ids of the steps that must end before this one starts. */
  needs?: string[];
  role?: string;
  provider?: string;
  model?: string;
  /** Whose clock `startedAt` is of. */
  source?: string;
  startedAt?: string;
  endedAt?: string;
  durationMs?: number;
  /** No start was seen: `startedAt` follows from the end and the duration. */
  startDerived?: true;
  /** Times that it started, if more than one. */
  attempts?: number;
  error?: string;
  errorType?: string;
  /** As text; JSON where the producer sent something else. */
  input?: string;
  output?: string;
  retryable?: boolean;
  /** Its failure does not fail an execution whose producer states no outcome. */
  continueOnFailure?: true;
  commits?: string[];
  progress?: Progress;
}

/** What executions are, as this program and the vocabularies that it translates name it; a producer may send others. */
export const EXECUTION_KINDS = ['command', 'run', 'agent', 'task', 'workflow'] as const;

export interface Execution {
  id: string;
  /** What a face shows: the name given, else the command line, else the id. */
  name: string;
  kind: string;
  status: Status;
  /** No start was seen, only other events. */
  implicit?: true;
  attention?: Attention;
  attentionReason?: string;
  /** Whose it is, if not that of the whole: a sub-agent's. */
  attentionStep?: string;
  /** An alert was raised about it. */
  alerted?: true;
  /** The rules that tell of it once and have. */
  alerts?: string[];
  argv?: string[];
  cwd?: string;
  pid?: number;
  /** The terminal that it was typed in, and its pane of tmux. */
  tty?: string;
  tmux?: string;
  host?: string;
  agent?: string;
  /** Of the agent: its model, and what it calls this session. */
  model?: string;
  session?: string;
  /** Prompts that it was given. */
  turns?: number;
  /** Who tells the session, if not its own output: `hooks` or `transcript`. */
  via?: string;
  parent?: string;
  queue?: string;
  /** Ids of those that must have completed before this one starts. */
  after?: string[];
  /** The runner is gone, its processes are not: how it ends will not be known. */
  orphaned?: true;
  labels?: Record<string, string>;
  /** IDs of the tasks inside this run: they name it as well. The first describes it, the others are steps. */
  tasks?: string[];
  /** What the task that describes this run stated: the run ends no better. */
  outcome?: { status: FinalStatus; error?: string };
  source?: string;
  /** The producer that started it, where `source` does not tell who that is. */
  sender?: string;
  /** Whose names its events have: routing keeps the tasks of one vocabulary from those of another. */
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
  /** A user closed it, because its producer did not: an end by the producer replaces this one. */
  dismissed?: true;
  /** What told the end, of a session that does not tell it itself: `record`, `process` or `silence`. */
  endedBy?: string;
  /** Steps or stories that the producer announced. */
  total?: number;
  estimatedMs?: number;
  /** How much is done as the producer says, from 0 to 100. */
  percent?: number;
  /** The time of the newest event. */
  lastActivity: string;
  progress?: Progress;
  resources?: Resources;
  tokens?: number;
  costUsd?: number;
  /** In order of appearance. In a summary only those that matter for what may come. */
  steps: Map<string, Step>;
  /** Ended steps that are no longer in `steps`, by status. */
  droppedSteps?: Partial<Record<FinalStatus, number>>;
  /** The newest lines of output, oldest first. */
  tail: string[];
  /** Lines of its log so far, those that have left the journal too. */
  lines?: number;
  /** Only what a list and later events need is in memory: other steps and the tail are in the journal alone. */
  summarised?: true;
  /** The id was started again after this one had ended: what runs under it now. */
  successor?: string;
  /** seq of its first event and of its newest. */
  firstSeq: number;
  lastSeq: number;
  /** seq of the note that tells it again, since retention has taken its first events. */
  carriedSeq?: number;
}

/** The same as JSON: `steps` is a list. */
export type ExecutionJson = Omit<Execution, 'steps'> & { steps: Step[] };

const FINAL: ReadonlySet<string> = new Set(FINAL_STATUSES);

/** Was it started by `progress run`? Then its runner can control it; anything else was only recorded. */
export function isRun({ id, kind, source }: Execution): boolean {
  return kind === 'run' || isRunner(source, id);
}

/** Is this source the runner of the execution with this ID? */
export function isRunner(source: string | undefined, id: string): boolean {
  return source?.startsWith('run-') === true && source.endsWith(`-${id}`);
}

/** Is it over? */
export function isFinal(status: Status): status is FinalStatus {
  return FINAL.has(status);
}

/** Whether an outcome is a failure; what a user cancelled is none. */
export function isFailure(status: Status): boolean {
  return status === 'failed' || status === 'timeout' || status === 'lost';
}

export function executionToJson(execution: Execution): ExecutionJson {
  return { ...execution, steps: [...execution.steps.values()] };
}

/** The reverse of `executionToJson`; the result shares nothing with the argument's lists. */
export function executionFromJson(json: ExecutionJson): Execution {
  return {
    ...json,
    tail: [...json.tail],
    steps: new Map(json.steps.map((step) => [step.id, { ...step }])),
  };
}
