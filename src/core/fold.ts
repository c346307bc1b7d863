/**
 * Folds events into the state. The daemon, the terminal and the viewer run this same code.
 *
 * The result depends on the arguments only: no clock, no I/O, no randomness. For speed `state` is updated in place; it
 * shares nothing with other states.
 */
import { activityTail } from './activity.js';
import { countOutcome, foldAlert, foldCarriedAlerts } from './alerts.js';
import { evictOldest } from './evict.js';
import { assignNumber, assignText, assignValue, clip, clipAll, NAME_CHARS, TEXT_CHARS } from './fields.js';
import type { EventData, EventType, ExecutionEvent, FinalStatus } from './event.js';
import { executionEndOf, FINAL_STATUSES, GLOBAL_TYPES, numberOf, stepEndOf, textOf, textsOf } from './event.js';
import type { Execution, Progress, Resources, Step } from './execution.js';
import { executionFromJson, isFinal } from './execution.js';
import { countLines } from './log.js';
import { isSlots, settingsOf } from './queues.js';
import { closeSteps, condenseSteps, foldStep, stepOf, taskOfStep } from './steps.js';
import type { State } from './state.js';
import {
  addTask,
  asCarryNote,
  findExecution,
  forgetExecutions,
  forgetThrough,
  installExecution,
  openExecution,
  rememberId,
  rememberSource,
  retire,
} from './state.js';
import { aliasFamilyOf } from './event-alias-table.js';

/** Maximum number of enclosing steps that are considered for the depth of an activity. */
const MAX_DEPTH = 6;
/** Lines of output kept in memory for clients that connect later; the journal has them all. */
const TAIL_LINES = 12;
const TAIL_CHARS = 400;
const ARGV_CHARS = 4_096;
const AFTER_CHARS = 4_096;
const LABELS = 32;
const LABEL_KEY_CHARS = 64;
const LABEL_CHARS = 256;
/** Queues kept; the oldest are evicted. */
const MAX_QUEUES = 1_000;
/** Open executions remembered per source, for routing; older ones stay open but are no longer its default. */
const OPEN_PER_SOURCE = 16;

/** Applies one event. @returns The execution that the event belongs to, if any. */
export function fold(state: State, event: ExecutionEvent): Execution | undefined {
  state.seq = event.seq;
  if (event.type === 'journal_note') {
    foldNote(state, event);
    return undefined;
  }
  if (event.type === 'queue_changed') foldQueue(state, event.data);
  const execution = event.execution === undefined ? undefined : executionOf(state, event, event.execution);
  for (const name of namesOf(event)) foldSource(state, event, name, execution);
  rememberId(state, event);
  if (event.type === 'alert_triggered') foldAlert(state.alerts, event, execution);
  if (!execution) return undefined;

  execution.lastSeq = event.seq;
  const lines = countLines(event);
  if (lines > 0) execution.lines = (execution.lines ?? 0) + lines;
  const isEnd = executionEndOf(event.type) !== undefined;
  if (execution.summarised && isFinal(execution.status) && !isEnd) return execution;
  const change = CHANGES[event.type];
  if (change) change(execution, event, state);
  else if (event.type.startsWith('step_')) foldStep(execution, event);
  // keep a summary small
  if (execution.summarised && stepEndOf(event.type) !== undefined) condenseSteps(execution);
  // the invocation of an agent is what the execution waited for
  if (event.type === 'step_started' && event.data['kind'] === 'invocation') clearAttention(execution);
  if (event.type === 'step_started') noteTask(execution, event, state);
  if (!PASSIVE_TYPES.has(event.type)) noteActivity(execution, event.time);
  return execution;
}

/** Types of events about an execution rather than by it, which do not count as activity. */
export const PASSIVE_TYPES: ReadonlySet<string> = new Set([
  ...['resource_update', 'attention', 'alert_triggered', 'control'],
]);

/** Updates the last activity; an active execution is no longer silent. */
function noteActivity(execution: Execution, time: string): void {
  if (time > execution.lastActivity) execution.lastActivity = time;
  if (execution.attention === 'silent') clearAttention(execution);
}

function clearAttention(execution: Execution): void {
  delete execution.attention;
  delete execution.attentionReason;
  delete execution.attentionStep;
}

type Change = (execution: Execution, event: ExecutionEvent, state: State) => void;

/** Types that are folded elsewhere, or change nothing but the activity. */
type OtherType = `step_${string}` | 'control' | 'queue_changed' | 'alert_triggered' | 'journal_note';

/** Handlers by type. Without a prototype, since types are chosen by producers. */
const CHANGES: Readonly<Record<string, Change | undefined>> = Object.assign(
  Object.create(null) as Record<string, Change | undefined>,
  {
    execution_queued: queue,
    execution_started: start,
    execution_completed: endWith('completed'),
    execution_failed: endWith('failed'),
    execution_cancelled: endWith('cancelled'),
    execution_timeout: endWith('timeout'),
    execution_lost: endWith('lost'),
    execution_paused: pause,
    execution_resumed: resume,
    execution_orphaned: orphan,
    run_described: describeRun,
    outcome_stated: stateOutcome,
    progress: setProgress,
    output: foldOutput,
    log: foldError,
    activity: foldActivity,
    attention: setAttention,
    resource_update: setResources,
  } satisfies Record<Exclude<EventType, OtherType>, Change>,
);

/** Returns the execution of an event. An unknown one is created, except by events of global types. */
function executionOf(state: State, event: ExecutionEvent, id: string): Execution | undefined {
  const known = findExecution(state, id);
  return known || GLOBAL_TYPES.has(event.type) ? known : createImplicit(state, event, id);
}

function createImplicit(state: State, event: ExecutionEvent, id: string): Execution {
  const execution: Execution = {
    id,
    name: id,
    kind: 'task',
    status: 'running',
    implicit: true,
    startedAt: event.time,
    lastActivity: event.time,
    steps: new Map(),
    tail: [],
    firstSeq: event.seq,
    lastSeq: event.seq,
  };
  if (event.source !== undefined) execution.source = event.source;
  const vocabulary = aliasFamilyOf(event.data);
  if (vocabulary !== undefined) execution.vocabulary = vocabulary;
  const predecessor = findExecution(state, previousGeneration(id));
  if (predecessor) predecessor.successor = id;
  openExecution(state, execution);
  return execution;
}

/** Returns the ID for a restart of an ended execution: `id~2` follows `id`, `id~3` follows `id~2`. */
export function nextGeneration(id: string): string {
  const match = /^(.*)~(\d+)$/s.exec(id);
  return match ? `${match[1]}~${Number(match[2]) + 1}` : `${id}~2`;
}

function previousGeneration(id: string): string {
  const match = /^(.*)~(\d+)$/s.exec(id);
  if (!match) return '';
  return match[2] === '2' ? (match[1] ?? '') : `${match[1]}~${Number(match[2]) - 1}`;
}

/** Returns the names of the producer: the source, and the nearest sender. */
function namesOf({ source, sender }: ExecutionEvent): string[] {
  return [source, sender?.[0]].filter((name) => name !== undefined);
}

function foldSource(state: State, event: ExecutionEvent, name: string, execution: Execution | undefined): void {
  const starts = execution !== undefined && !isFinal(execution.status) && STARTS.has(event.type);
  const counts = event.n !== undefined && name === event.source;
  let source = state.sources.get(name);
  if (!source) {
    // nothing to remember of a source that has no counter and starts nothing
    if (!counts && !starts) return;
    source = { n: -1, open: [], firstSeq: event.seq, lastSeq: event.seq, time: event.time };
    rememberSource(state, name, source);
  }
  source.lastSeq = event.seq;
  source.time = event.time;
  if (counts) source.n = event.n ?? source.n;
  if (starts && !source.open.includes(execution.id)) {
    source.open.push(execution.id);
    if (source.open.length > OPEN_PER_SOURCE) source.open.shift();
  }
}

export const STARTS: ReadonlySet<string> = new Set(['execution_queued', 'execution_started']);

function queue(execution: Execution, event: ExecutionEvent): void {
  describe(execution, event);
  if (execution.queuedAt === undefined || event.time < execution.queuedAt) execution.queuedAt = event.time;
  if (execution.implicit && execution.firstSeq === event.seq) {
    delete execution.implicit;
    delete execution.startedAt;
    execution.status = 'queued';
  }
}

/** Applies a start. A late one fills in missing fields and never reopens an ended execution. */
function start(execution: Execution, event: ExecutionEvent): void {
  const first = execution.implicit !== undefined || execution.startedAt === undefined;
  describe(execution, event);
  delete execution.implicit;
  if (first) {
    execution.startedAt = event.time;
    if (event.source !== undefined) execution.source = event.source;
    const [sender] = event.sender ?? [];
    if (sender !== undefined) execution.sender = sender;
  }
  const vocabulary = aliasFamilyOf(event.data);
  if (vocabulary !== undefined) execution.vocabulary = vocabulary;
  if (execution.status === 'queued' || execution.status === 'pending') execution.status = 'running';
  // an execution that starts, or starts again, no longer waits
  clearAttention(execution);
  if (isFinal(execution.status)) setDuration(execution, event, execution.endedAt);
}

/** Returns the name in the data of `execution_started` or `execution_queued`. */
export function nameIn(data: EventData): string | undefined {
  return textOf(data, 'name') ?? textsOf(data, 'argv')?.join(' ');
}

/** Copies the descriptive fields of a start; known values are replaced only by given ones. */
function describe(execution: Execution, event: ExecutionEvent): void {
  const { data } = event;
  const argv = textsOf(data, 'argv');
  // the runner's start may arrive after a task inside the run has named it
  const name = execution.tasks ? textOf(data, 'name') : nameIn(data);
  if (name) execution.name = clip(name, NAME_CHARS);
  if (argv) execution.argv = clipAll(argv, ARGV_CHARS);
  assignText(execution, data, ['kind', 'cwd', 'tty', 'tmux', 'host', 'agent', 'parent', 'queue'], NAME_CHARS);
  assignText(execution, data, ['session', 'via'], NAME_CHARS);
  assignNumber(execution, data, ['pid', 'total', 'estimatedMs', 'percent']);
  assignValue(execution, data, ['parameters', 'input'], TEXT_CHARS);
  const after = textsOf(data, 'after');
  if (after) execution.after = clipAll(after, AFTER_CHARS);
  addLabels(execution, data);
}

function addLabels(execution: Execution, data: EventData): void {
  const labels = labelsOf(data);
  if (labels)
    execution.labels = Object.fromEntries([...Object.entries(execution.labels ?? {}), ...labels].slice(-LABELS));
}

/** Applies the description of a run by its first task; a name given by the user is kept. */
function describeRun(execution: Execution, event: ExecutionEvent, state: State): void {
  const { data } = event;
  noteTask(execution, event, state);
  const name = textOf(data, 'name');
  const isNamed = execution.argv === undefined || execution.name !== clip(execution.argv.join(' '), NAME_CHARS);
  if (name !== undefined && !isNamed) execution.name = clip(name, NAME_CHARS);
  assignNumber(execution, data, ['total', 'estimatedMs']);
  addLabels(execution, data);
}

function noteTask(execution: Execution, { data }: ExecutionEvent, state: State): void {
  const task = textOf(data, 'task');
  if (task !== undefined) addTask(state, execution, task);
}

/** Applies the outcome of the task that describes a run: closes its steps, not the run. */
function stateOutcome(execution: Execution, { data, time }: ExecutionEvent): void {
  const status = FINAL_STATUSES.find((one) => one === data['status']);
  if (status === undefined) return;
  execution.outcome = { status };
  assignText(execution.outcome, data, ['error'], TEXT_CHARS);
  const own = [...execution.steps.values()].filter((step) => taskOfStep(execution, step) === undefined);
  closeSteps(own, status, time);
}

function endWith(status: FinalStatus): Change {
  return (execution, event, state) => {
    const { data } = event;
    const before = execution.status;
    const wasOver = isFinal(before);
    if (wasOver) {
      // the producer's observation wins over `lost` and over a dismissal
      const isReplaced = execution.dismissed ? data['dismissed'] !== true : execution.status === 'lost';
      if (!isReplaced || status === 'lost') return;
      delete execution.error;
    }
    if (data['dismissed'] === true) execution.dismissed = true;
    else delete execution.dismissed;
    execution.status = status;
    execution.endedAt = event.time;
    // an error that was recovered from remains in the log
    if (status === 'completed') delete execution.error;
    if (status === 'completed' || data['error'] !== undefined) delete execution.errorType;
    assignNumber(execution, data, ['exitCode']);
    assignText(execution, data, ['signal', 'error', 'errorType', 'summary', 'endedBy'], TEXT_CHARS);
    assignValue(execution, data, ['output'], TEXT_CHARS);
    setDuration(execution, event, event.time);
    endResources(execution, data);
    clearAttention(execution);
    delete execution.orphaned;
    closeSteps(execution.steps.values(), status, event.time);
    countOutcome(state.alerts, execution, event.seq, wasOver ? before : undefined);
    if (wasOver) return;
    retire(state, execution);
    for (const name of new Set([execution.source, event.source, execution.sender])) {
      if (name !== undefined) closeAt(state, name, execution.id);
    }
  };
}

/** Removes an ended execution from a source; forgets a source without counter and open executions. */
function closeAt(state: State, name: string, id: string): void {
  const source = state.sources.get(name);
  if (!source) return;
  source.open = source.open.filter((open) => open !== id);
  if (source.n === -1 && source.open.length === 0) state.sources.delete(name);
}

/** Sets the duration: the producer's value, else the difference of two times of the same clock. */
function setDuration(execution: Execution, event: ExecutionEvent, endedAt: string | undefined): void {
  const given = numberOf(event.data, 'durationMs');
  if (given !== undefined) execution.durationMs = Math.max(0, given);
  else if (execution.implicit) return;
  else if (execution.startedAt !== undefined && endedAt !== undefined && execution.source === event.source) {
    execution.durationMs ??= Math.max(0, Date.parse(endedAt) - Date.parse(execution.startedAt));
  }
}

function pause(execution: Execution): void {
  if (execution.status === 'running') execution.status = 'paused';
}

function resume(execution: Execution): void {
  if (execution.status === 'paused') execution.status = 'running';
}

function orphan(execution: Execution): void {
  if (!isFinal(execution.status)) execution.orphaned = true;
}

/** Applies progress to the step that the event names, else to the execution. */
function setProgress(execution: Execution, event: ExecutionEvent): void {
  const owner = event.step === undefined ? execution : (stepOf(execution, event) ?? execution);
  owner.progress = { ...owner.progress, ...progressOf(event.data) };
}

function progressOf(data: EventData): Progress {
  const progress: Progress = {};
  assignNumber(progress, data, ['current', 'total']);
  assignText(progress, data, ['unit', 'message'], NAME_CHARS);
  return progress;
}

function foldOutput(execution: Execution, { data }: ExecutionEvent): void {
  const text = textOf(data, 'text');
  // debug output is not shown in the tail
  if (text !== undefined && data['stream'] !== 'debug') appendTail(execution, text);
}

/** Applies an error message. One with an error type becomes the error of the step or execution, others are log lines only. */
function foldError(execution: Execution, event: ExecutionEvent): void {
  const { data } = event;
  const error = textOf(data, 'message');
  if (data['level'] !== 'error' || error === undefined || isFinal(execution.status)) return;
  if (textOf(data, 'errorType') === undefined && data['as'] !== 'error_occurred') return;
  const step = event.step === undefined ? undefined : execution.steps.get(event.step);
  const owner = step && !isFinal(step.status) ? step : execution;
  delete owner.errorType;
  owner.error = clip(error, TEXT_CHARS);
  assignText(owner, data, ['errorType'], NAME_CHARS);
  if (step && typeof data['retryable'] === 'boolean') step.retryable = data['retryable'];
}

function appendTail({ status, tail, summarised }: Execution, text: string): void {
  if (isFinal(status) || summarised) return;
  const lines = text.includes('\n') ? lastLines(text) : [text];
  for (const line of lines) tail.push(clip(line, TAIL_CHARS));
  while (tail.length > TAIL_LINES) tail.shift();
}

/** Returns the last lines of a text, scanning from its end. */
function lastLines(text: string): string[] {
  const lines: string[] = [];
  let end = text.endsWith('\n') ? text.length - 1 : text.length;
  while (lines.length < TAIL_LINES && end >= 0) {
    const begin = end === 0 ? -1 : text.lastIndexOf('\n', end - 1);
    lines.push(text.slice(begin + 1, end));
    end = begin;
  }
  return lines.reverse();
}

function foldActivity(execution: Execution, event: ExecutionEvent): void {
  const { data } = event;
  if (data['kind'] === 'init') assignText(execution, data, ['agent', 'model', 'session', 'via'], NAME_CHARS);
  if (data['kind'] === 'init') assignNumber(execution, data, ['pid']);
  if (data['kind'] === 'prompt' && event.step === undefined) execution.turns = (execution.turns ?? 0) + 1;
  const text = activityTail(data, depthOf(execution, event.step));
  if (text !== undefined) appendTail(execution, text);
  countUsage(execution, event);
}

/** Returns the number of sub-agents that enclose a step. */
function depthOf({ steps }: Execution, step: string | undefined): number {
  let depth = 0;
  // bounded, since parents may form a cycle
  for (let level = 0; step !== undefined && level < MAX_DEPTH; level++) {
    const { kind, parent } = steps.get(step) ?? {};
    if (kind === 'subagent') depth += 1;
    step = parent;
  }
  return depth;
}

function countUsage(execution: Execution, event: ExecutionEvent): void {
  const tokens = numberOf(event.data, 'tokens');
  const costUsd = numberOf(event.data, 'costUsd');
  if (tokens !== undefined) execution.tokens = (execution.tokens ?? 0) + tokens;
  if (costUsd !== undefined) execution.costUsd = (execution.costUsd ?? 0) + costUsd;
}

function setAttention(execution: Execution, event: ExecutionEvent): void {
  if (isFinal(execution.status)) return;
  const state = textOf(event.data, 'state');
  clearAttention(execution);
  if (state !== 'waiting' && state !== 'silent') return;
  execution.attention = state;
  const reason = textOf(event.data, 'reason');
  if (reason !== undefined) execution.attentionReason = clip(reason, TEXT_CHARS);
  if (event.step !== undefined) execution.attentionStep = clip(event.step, NAME_CHARS);
}

function setResources(execution: Execution, { data }: ExecutionEvent): void {
  // a late sample was measured before the end, which carried the final figures
  if (isFinal(execution.status)) return;
  const resources: Resources = { ...execution.resources };
  assignNumber(resources, data, ['cpu', 'rss', 'processes']);
  if (resources.cpu !== undefined) resources.peakCpu = Math.max(resources.cpu, resources.peakCpu ?? 0);
  setUsed(resources, data);
  execution.resources = resources;
}

/** Drops the current usage at the end; keeps the totals and peaks. */
function endResources(execution: Execution, data: EventData): void {
  const { cpu: _cpu, rss: _rss, processes: _processes, ...resources } = execution.resources ?? {};
  setUsed(resources, data);
  if (Object.keys(resources).length > 0) execution.resources = resources;
  else delete execution.resources;
}

function setUsed(resources: Resources, data: EventData): void {
  assignNumber(resources, data, ['cpuSeconds']);
  // samples come from several observers, so a peak never decreases
  const peakRss = Math.max(numberOf(data, 'peakRss') ?? 0, numberOf(data, 'rss') ?? 0);
  if (peakRss > (resources.peakRss ?? 0)) resources.peakRss = peakRss;
}

function foldQueue(state: State, data: EventData): void {
  const given = textOf(data, 'name');
  if (given === undefined) return;
  const name = clip(given, NAME_CHARS);
  if (data['removed'] === true) {
    state.queues.delete(name);
    return;
  }
  const queue = state.queues.get(name) ?? { name };
  const slots = numberOf(data, 'slots');
  if (slots !== undefined && isSlots(slots)) queue.slots = slots;
  if (typeof data['paused'] === 'boolean') queue.paused = data['paused'];
  if (data['declared'] === true) queue.declared = settingsOf(queue);
  if (data['declared'] === false) delete queue.declared;
  state.queues.set(name, queue);
  evictOldest(state.queues, MAX_QUEUES);
}

/** Applies a note of the daemon: state carried over from events that are removed from the journal, or a removal. */
function foldNote(state: State, event: ExecutionEvent): void {
  const note = asCarryNote(event.data);
  switch (note.kind) {
    case 'carried_steps':
      if (event.execution !== undefined) foldCarriedSteps(state, event, event.execution, note.steps);
      return;
    case 'carried_execution': {
      const steps = findExecution(state, note.execution.id)?.steps ?? new Map<string, Step>();
      const execution = { ...executionFromJson(note.execution), steps, carriedSeq: event.seq };
      installExecution(state, execution, isFinal(execution.status));
      // the predecessor may be newer, if the ID was reused after its old executions were forgotten
      const predecessor = findExecution(state, previousGeneration(execution.id));
      if (predecessor && predecessor.firstSeq > execution.firstSeq) delete predecessor.successor;
      return;
    }
    case 'carried_sources':
      for (const [name, source] of note.sources)
        rememberSource(state, name, { ...source, firstSeq: event.seq, lastSeq: event.seq });
      return;
    case 'carried_queues':
      for (const queue of note.queues) {
        state.queues.delete(queue.name);
        state.queues.set(queue.name, { ...queue });
      }
      return;
    case 'carried_alerts':
      foldCarriedAlerts(state.alerts, note);
      return;
    case 'removed':
      forgetThrough(state, note.through);
      return;
    case 'pruned':
      forgetExecutions(state, note.executions);
      for (const id of note.executions) forgetSuccessor(state, id);
  }
}

/** Removes the link from a predecessor to a pruned execution. */
function forgetSuccessor(state: State, id: string): void {
  const predecessor = findExecution(state, previousGeneration(id));
  if (predecessor?.successor === id && !findExecution(state, id)) delete predecessor.successor;
}

/** Applies carried steps, in the order of their appearance. */
function foldCarriedSteps(state: State, event: ExecutionEvent, id: string, steps: readonly Step[]): void {
  const execution = findExecution(state, id) ?? createImplicit(state, event, id);
  for (const step of steps) {
    execution.steps.delete(step.id);
    execution.steps.set(step.id, { ...step });
  }
}

function labelsOf(data: EventData): [string, string][] | undefined {
  const labels = data['labels'];
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) return undefined;
  return Object.entries(labels)
    .filter((entry): entry is [string, string] => typeof entry[1] === 'string')
    .map(([key, value]) => [clip(key, LABEL_KEY_CHARS), clip(value, LABEL_CHARS)]);
}
