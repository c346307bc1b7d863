/** Folds how executions come into being: implicitly, queued, started, described by a task. */
import { aliasFamilyOf } from '../events/event-alias-table.js';
import type { EventData, ExecutionEvent } from '../events/event.js';
import { textOf, textsOf } from '../events/event.js';
import type { Execution } from '../execution.js';
import { isFinal, updateGroup } from '../execution.js';
import { assignNumber, assignText, assignValue, clip, clipAll, NAME_CHARS, TEXT_CHARS } from '../events/fields.js';
import { previousGeneration } from '../state/generations.js';
import type { State } from '../state/state.js';
import { addTask, findExecution, openExecution } from '../state/state.js';
import { clearAttention } from './attention.js';
import { setDuration } from './end.js';

const ARGV_CHARS = 4_096;
const AFTER_CHARS = 4_096;
const LABELS = 32;
const LABEL_KEY_CHARS = 64;
const LABEL_CHARS = 256;

/** Creates the execution of an event that no start has preceded. */
export function createImplicit(state: State, event: ExecutionEvent, id: string): Execution {
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
  updateGroup(execution, 'producer', (producer) => {
    if (event.source !== undefined) producer.source = event.source;
    setVocabulary(producer, event.data);
  });
  const predecessor = findExecution(state, previousGeneration(id));
  if (predecessor) predecessor.successor = id;
  openExecution(state, execution);
  return execution;
}

function setVocabulary(producer: NonNullable<Execution['producer']>, data: EventData): void {
  const vocabulary = aliasFamilyOf(data);
  if (vocabulary !== undefined) producer.vocabulary = vocabulary;
}

export function queueExecution(execution: Execution, event: ExecutionEvent): void {
  describe(execution, event);
  if (execution.queuedAt === undefined || event.time < execution.queuedAt) execution.queuedAt = event.time;
  if (execution.implicit && execution.firstSeq === event.seq) {
    delete execution.implicit;
    delete execution.startedAt;
    execution.status = 'queued';
  }
}

/** Applies a start. A late one fills in missing fields and never reopens an ended execution. */
export function startExecution(execution: Execution, event: ExecutionEvent): void {
  const isFirst = execution.implicit !== undefined || execution.startedAt === undefined;
  describe(execution, event);
  delete execution.implicit;
  if (isFirst) execution.startedAt = event.time;
  updateGroup(execution, 'producer', (producer) => {
    if (isFirst) {
      if (event.source !== undefined) producer.source = event.source;
      const sender = event.sender?.[0];
      if (sender !== undefined) producer.sender = sender;
    }
    setVocabulary(producer, event.data);
  });
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
  // the runner's start may arrive after a task inside the run has named it
  const name = execution.tasks ? textOf(data, 'name') : nameIn(data);
  if (name) execution.name = clip(name, NAME_CHARS);
  assignText(execution, data, ['kind', 'parent', 'queue'], NAME_CHARS);
  updateGroup(execution, 'process', (process) => {
    const argv = textsOf(data, 'argv');
    if (argv) process.argv = clipAll(argv, ARGV_CHARS);
    assignText(process, data, ['cwd', 'tty', 'tmux', 'host'], NAME_CHARS);
    assignNumber(process, data, ['pid']);
  });
  updateGroup(execution, 'agent', (agent) => {
    setAgentName(agent, data);
    assignText(agent, data, ['session', 'via'], NAME_CHARS);
  });
  updateGroup(execution, 'announced', (announced) => {
    assignNumber(announced, data, ['total', 'estimatedMs', 'percent']);
  });
  updateGroup(execution, 'payload', (payload) => {
    assignValue(payload, data, ['parameters', 'input'], TEXT_CHARS);
  });
  const after = textsOf(data, 'after');
  if (after) execution.after = clipAll(after, AFTER_CHARS);
  addLabels(execution, data);
}

/** Applies the description of an agent session by its first activity. */
export function applySessionInit(execution: Execution, data: EventData): void {
  updateGroup(execution, 'agent', (agent) => {
    setAgentName(agent, data);
    assignText(agent, data, ['model', 'session', 'via'], NAME_CHARS);
  });
  updateGroup(execution, 'process', (process) => {
    assignNumber(process, data, ['pid']);
  });
}

function setAgentName(agent: NonNullable<Execution['agent']>, data: EventData): void {
  const name = textOf(data, 'agent');
  if (name !== undefined) agent.name = clip(name, NAME_CHARS);
}

/** Applies the description of a run by its first task; a name given by the user is kept. */
export function describeRun(execution: Execution, event: ExecutionEvent, state: State): void {
  const { data } = event;
  noteTask(execution, event, state);
  const name = textOf(data, 'name');
  const argv = execution.process?.argv;
  const isNamed = argv === undefined || execution.name !== clip(argv.join(' '), NAME_CHARS);
  if (name !== undefined && !isNamed) execution.name = clip(name, NAME_CHARS);
  updateGroup(execution, 'announced', (announced) => {
    assignNumber(announced, data, ['total', 'estimatedMs']);
  });
  addLabels(execution, data);
}

/** Makes the task that an event names an alias of its run. */
export function noteTask(execution: Execution, { data }: ExecutionEvent, state: State): void {
  const task = textOf(data, 'task');
  if (task !== undefined) addTask(state, execution, task);
}

function addLabels(execution: Execution, data: EventData): void {
  const labels = labelsOf(data);
  if (labels)
    execution.labels = Object.fromEntries([...Object.entries(execution.labels ?? {}), ...labels].slice(-LABELS));
}

function labelsOf(data: EventData): [string, string][] | undefined {
  const labels = data['labels'];
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) return undefined;
  return Object.entries(labels)
    .filter((entry): entry is [string, string] => typeof entry[1] === 'string')
    .map(([key, value]) => [clip(key, LABEL_KEY_CHARS), clip(value, LABEL_CHARS)]);
}
