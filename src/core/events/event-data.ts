/**
 * Describes the data of each event type, for the types of the library. See progress-events(7).
 *
 * Producers choose their data, of which only part is validated. So these types state what a field means, and that it may
 * be absent; any other field is `unknown`.
 */
import type { AlertOutcome, Severity } from '../state/alerts.js';
import type { EventData, EventType, ExecutionEvent, FinalStatus } from './event.js';
import { EVENT_TYPES } from './event.js';
import type { Level } from './filter.js';

/** Fields that any event may have. */
interface CommonData {
  labels?: Record<string, string>;
  message?: string;
  /** Type of the event as sent, if it was translated from another event format. */
  as?: string;
}

interface StartData {
  name?: string;
  /** `command`, `run`, `agent`, `task`, `workflow`, or what the producer says. */
  kind?: string;
  argv?: string[];
  cwd?: string;
  pid?: number;
  tty?: string;
  tmux?: string;
  host?: string;
  agent?: string;
  session?: string;
  via?: string;
  /** ID of the execution that this one runs in, and of the step of that one. */
  parent?: string;
  parentStep?: string;
  queue?: string;
  /** IDs of the executions that must complete before this one starts. */
  after?: string[];
  /** ID of the execution that this one repeats. */
  rerunOf?: string;
  /** Number of steps or stories to come. */
  total?: number;
  estimatedMs?: number;
  percent?: number;
  parameters?: unknown;
  input?: unknown;
}

interface EndData {
  exitCode?: number;
  signal?: string;
  error?: string;
  errorType?: string;
  output?: unknown;
  summary?: string;
  durationMs?: number;
  cpuSeconds?: number;
  /** Bytes. */
  peakRss?: number;
  /** Evidence of the end of a session that did not report it: `record`, `process` or `silence`. */
  endedBy?: string;
  /** The producer stated no outcome. */
  inferred?: boolean;
  /** A user closed what its producer did not. */
  dismissed?: boolean;
}

interface StepStartData {
  name?: string;
  /** `step`, `story`, `criterion`, `tool`, `invocation`, `subagent`, or what the producer says. */
  kind?: string;
  /** ID of the enclosing step. */
  parent?: string;
  index?: number;
  /** IDs of the steps that must end before this one starts. */
  needs?: string[];
  stepType?: string;
  criteria?: string[];
  /** Number of parts. */
  total?: number;
  input?: unknown;
  role?: string;
  provider?: string;
  model?: string;
  continueOnFailure?: boolean;
  /** ID of the task inside a run that the step is. */
  task?: string;
}

interface StepEndData {
  error?: string;
  errorType?: string;
  output?: unknown;
  retryable?: boolean;
  durationMs?: number;
  commits?: string[];
}

interface OutputData {
  /** `stdout`, `stderr`, `debug`, `system`. */
  stream?: string;
  text?: string;
  /** Bytes that are not UTF-8, instead of `text`. */
  base64?: string;
  /** Number of the first line. */
  line?: number;
  /** The last line has no newline. */
  unterminated?: boolean;
  /** Another event continues the text. */
  continued?: boolean;
}

interface LogData {
  level?: Level;
  /** The level as sent, if it carries more information. */
  levelGiven?: string | number;
  errorType?: string;
  fields?: unknown;
}

interface ActivityData {
  /** `init`, `prompt`, `assistant-text`, `thinking`, `tool-call`, `tool-result`, `result`, `usage`, or another. */
  kind?: string;
  tool?: string;
  input?: unknown;
  title?: string;
  /** ID of the tool call. */
  call?: string;
  text?: string;
  isError?: boolean;
  tokens?: number;
  costUsd?: number;
  durationMs?: number;
  /** The line that the activity was read from. */
  raw?: string;
  agent?: string;
  model?: string;
  session?: string;
  via?: string;
  pid?: number;
}

interface AlertData {
  outcome?: AlertOutcome;
  id?: string;
  rule?: string;
  rules?: string[];
  channel?: string;
  /** seq of the event that triggered the alert. */
  cause?: number;
  title?: string;
  body?: string;
  urgency?: string;
  severity?: Severity;
  once?: boolean;
  streak?: string[];
  suppressed?: number;
  releases?: number;
  held?: number;
  alerts?: unknown;
  /** seq of the alert that this event settles, with all before it over this channel. */
  of?: number;
  attempts?: number;
  error?: string;
  count?: number;
}

/** A type without an entry here does not compile. */
type OfAllTypes<Shapes extends Record<EventType, object>> = Shapes;

/** Fields of the data, by event type. */
type Shapes = OfAllTypes<{
  execution_queued: StartData;
  execution_started: StartData;
  execution_completed: EndData;
  execution_failed: EndData;
  execution_cancelled: EndData;
  execution_timeout: EndData;
  execution_lost: EndData;
  execution_paused: { by?: string };
  execution_resumed: { by?: string };
  execution_orphaned: { pid?: number; error?: string };
  run_described: { task?: string; name?: string; total?: number; estimatedMs?: number };
  outcome_stated: EndData & { task?: string; status?: FinalStatus };
  step_planned: StepStartData;
  step_started: StepStartData;
  step_completed: StepEndData;
  step_failed: StepEndData;
  step_skipped: StepEndData;
  step_cancelled: StepEndData;
  step_timeout: StepEndData;
  progress: { current?: number; total?: number; unit?: string };
  output: OutputData;
  log: LogData;
  activity: ActivityData;
  attention: { state?: 'waiting' | 'silent' | 'none'; reason?: string };
  /** CPU in percent of one core, memory in bytes, of the process tree. */
  resource_update: { cpu?: number; rss?: number; processes?: number; peakRss?: number; cpuSeconds?: number };
  control: { action?: string; signal?: string; graceMs?: number; by?: string; error?: string; code?: string };
  queue_changed: {
    name?: string;
    slots?: number;
    paused?: boolean;
    /** Of the execution that the event names, among the waiting ones; 1 starts next. */
    position?: number;
    removed?: boolean;
    declared?: boolean;
    by?: string;
  };
  alert_triggered: AlertData;
  journal_note: { kind?: string };
}>;

/** Data of each event type. Fields that are not listed are `unknown`. */
export type EventDataByType = { [Type in EventType]: Shapes[Type] & CommonData & EventData };

/** An event of one of the given types; `event.type` narrows `event.data`. */
export type EventOf<Types extends EventType> = {
  [Type in Types]: Omit<ExecutionEvent, 'type' | 'data'> & { type: Type; data: EventDataByType[Type] };
}[Types];

/** An event of a type that this version knows. */
export type KnownEvent = EventOf<EventType>;

const KNOWN_TYPES: ReadonlySet<string> = new Set(EVENT_TYPES);

/** Whether the type of an event is known to this version, so that its data has a type. */
export function isKnownEvent(event: ExecutionEvent): event is KnownEvent {
  return KNOWN_TYPES.has(event.type);
}
