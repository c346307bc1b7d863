/**
 * Which rules an event fires. It remembers what a single event does not tell: since when something uses too much, which
 * question was asked last, what will have taken too long. Pure but for that memory: the time is given.
 */
import type { AlertState } from '../core/alerts.js';
import { spokeKey } from '../core/alerts.js';
import type { ExecutionEvent } from '../core/event.js';
import { EXECUTION_ENDS } from '../core/event.js';
import type { Execution } from '../core/execution.js';
import { isFinal } from '../core/execution.js';
import { STARTS } from '../core/fold.js';
import { formatDuration } from '../core/format.js';
import { compileSet } from '../patterns.js';
import type { Subject, Test } from './matcher.js';
import { linesOf } from './matcher.js';
import type { Rule } from './rules.js';
import type { Telling } from './telling.js';
import { tell } from './telling.js';

/** A rule that has fired. */
export interface Match {
  rule: Rule;
  execution: Execution | undefined;
  /** What it tells of; absent where only time has passed. */
  event?: ExecutionEvent;
  /** seq of that event, or of the first one of the execution. */
  cause: number;
  /** It tells of this execution once. */
  once: boolean;
  telling: Telling;
}

/** `at`: milliseconds that never go back. `now`: milliseconds since 1970, which somebody may set. */
export interface Moment {
  at: number;
  now: number;
}

/** Told of every rule that was asked and has not fired; `why` says why. */
export type Refused = (rule: Rule, event: ExecutionEvent, why: () => string[]) => void;

export interface Judge {
  readonly rules: readonly Rule[];
  /** Whether events of this type need to be handed in at all. */
  isAskedAbout(type: string): boolean;
  /** The event is folded into its execution. */
  take(event: ExecutionEvent, execution: Execution | undefined, moment: Moment): Match[];
  /** Takes what was there before it. */
  adopt(executions: Iterable<Execution>, moment: Moment): void;
  /** What time alone has brought about. */
  due(moment: Moment, find: (id: string) => Execution | undefined): Match[];
  /** When to ask that again, by `at`. */
  readonly nextAt: number | undefined;
  /** Does a rule depend on what this execution uses? */
  isAskedForResources(execution: Execution): boolean;
}

/** What happened longer ago comes from a backlog, and is no news any more. */
const NEWS_MS = 5 * 60_000;
/** Combinations of patterns that are kept compiled. */
const MAX_SETS = 64;

/** Something that is true since a moment, and matters when it has been for long enough. */
interface Deadline {
  rule: Rule;
  id: string;
  /** When it began, and when it matters, by `at`. */
  since: number;
  dueAt: number;
  event: ExecutionEvent | undefined;
  fired: boolean;
}

/** What an execution is, and by that the rules for it, by type of event. */
interface Candidates {
  name: string;
  kind: string;
  agent: string | undefined;
  queue: string | undefined;
  labels: object | undefined;
  byType: Map<string, readonly Rule[]>;
}

/** `alerts` is what has been told, as it is at the moment. */
export function createJudge(rules: readonly Rule[], alerts: () => AlertState, refused?: Refused): Judge {
  const byType = new Map<string, Rule[]>();
  for (const rule of rules) {
    for (const type of rule.types) byType.set(type, [...(byType.get(type) ?? []), rule]);
  }
  const during = rules.filter((rule) => rule.during !== undefined);
  const lasting = rules.filter(({ when, types }) => when.resource !== undefined && types.has('resource_update'));

  const deadlines = new Map<string, Deadline>();
  let nextAt: number | undefined;
  /** Of executions that wait: what for. */
  const asked = new Map<string, string>();
  /** Executions whose time is watched. */
  const timed = new Set<string>();
  /** What rules have told of, until the state says so. */
  const told = new Map<string, number>();
  /** Resources that have fallen below the threshold since. */
  const rearmed = new Set<string>();
  const candidates = new WeakMap<Execution, Candidates>();
  const sets = new Map<string, (text: string) => number[]>();

  const candidatesFor = (type: string, execution: Execution | undefined): readonly Rule[] => {
    const all = byType.get(type) ?? [];
    if (!execution) return all.filter(({ filters }) => filters.length === 0);
    const { name, kind, agent, queue, labels } = execution;
    let known = candidates.get(execution);
    const isSame =
      known?.name === name &&
      known.kind === kind &&
      known.agent === agent &&
      known.queue === queue &&
      known.labels === labels;
    if (!known || !isSame) candidates.set(execution, (known = { name, kind, agent, queue, labels, byType: new Map() }));
    const found = known.byType.get(type);
    if (found) return found;
    const subject = { execution } as Subject;
    const fitting = all.filter(({ filters }) => filters.every((test) => test.holds(subject)));
    known.byType.set(type, fitting);
    return fitting;
  };

  /** Which of these rules find something in the text, and where; more than one are looked for at once. */
  const findLines = (event: ExecutionEvent, looking: readonly Rule[]): Map<Rule, string> => {
    const found = new Map<Rule, string>();
    const [first] = looking;
    if (!first) return found;
    const key = looking.map(({ name }) => name).join('\n');
    let find = sets.get(key);
    if (!find) {
      if (sets.size >= MAX_SETS) sets.clear();
      sets.set(key, (find = compileSet(looking.map(({ when }) => when.output ?? ''))));
    }
    for (const line of linesOf(event)) {
      for (const place of find(line)) {
        const rule = looking[place];
        if (rule && !found.has(rule)) found.set(rule, line);
      }
    }
    return found;
  };

  const setDeadline = (key: string, deadline: Deadline) => {
    deadlines.set(key, deadline);
    if (!deadline.fired) nextAt = Math.min(nextAt ?? Infinity, deadline.dueAt);
  };

  /** Is this a question that was not asked before? */
  const noteAttention = ({ event, execution }: Subject): boolean => {
    if (!execution) return false;
    const { id, attention, attentionReason, attentionStep } = execution;
    if (attention === undefined) {
      asked.delete(id);
      return false;
    }
    const question = [attention, attentionStep, attentionReason].join('\n');
    const isNew = asked.get(id) !== question;
    asked.set(id, question);
    return isNew || event.type !== 'attention';
  };

  const forget = (id: string) => {
    asked.delete(id);
    timed.delete(id);
    for (const { name } of [...lasting, ...during]) {
      deadlines.delete(keyOf(name, id));
      rearmed.delete(keyOf(name, id));
    }
  };

  const watchTime = (execution: Execution, { at, now }: Moment) => {
    // one that waits in a queue has not begun
    const startedAt = Date.parse(execution.startedAt ?? '');
    if (Number.isNaN(startedAt)) return;
    timed.add(execution.id);
    // by the clock that does not jump from here on
    const since = at - Math.max(0, now - startedAt);
    for (const rule of during) {
      const fired = execution.alerts?.includes(rule.name) ?? false;
      const dueAt = since + (rule.during ?? 0);
      setDeadline(keyOf(rule.name, execution.id), { rule, id: execution.id, since, dueAt, event: undefined, fired });
    }
  };

  /** Milliseconds that a rule is still to be quiet about executions of this name. */
  const quietFor = (rule: Rule, execution: Execution | undefined, { at, now }: Moment): number => {
    if (rule.throttle === 0) return 0;
    const key = spokeKey(rule.name, execution);
    const here = told.get(key);
    const there = alerts().spoke.get(key);
    // a clock that was set back makes nobody wait for longer than once
    const elapsed =
      here !== undefined ? at - here : there === undefined ? Infinity : Math.max(0, now - Date.parse(there));
    return Math.max(0, rule.throttle - elapsed);
  };

  /** All tests hold: a match, or why it is none all the same. */
  const decide = (rule: Rule, subject: Subject, moment: Moment, once: boolean, line?: string): Match | string => {
    const { event, execution } = subject;
    if (once && execution && rule.when.resource === undefined) {
      if (execution.alerts?.includes(rule.name) || told.has(keyOf(rule.name, execution.id)))
        return 'it has told of this execution before';
    }
    const quiet = quietFor(rule, execution, moment);
    if (quiet > 0) return `it is to be quiet for ${formatDuration(quiet)} more (throttle)`;
    if (rule.throttle > 0) remember(spokeKey(rule.name, execution), moment);
    if (once && execution) remember(keyOf(rule.name, execution.id), moment);
    return { rule, execution, event, cause: event.seq, once, telling: tell(rule, subject, line) };
  };

  const remember = (key: string, { at }: Moment) => {
    told.delete(key);
    told.set(key, at);
    const [oldest] = told.keys();
    if (told.size > MAX_TOLD && oldest !== undefined) told.delete(oldest);
  };

  /** Of something that is above its threshold: has it been for long enough? */
  const decideLasting = (rule: Rule, subject: Subject, moment: Moment): Match | string => {
    const { event, execution } = subject;
    if (!execution) return 'it is about no execution';
    const key = keyOf(rule.name, execution.id);
    const wanted = rule.when.resource?.for ?? 0;
    let deadline = deadlines.get(key);
    if (!deadline) {
      const fired = (execution.alerts?.includes(rule.name) ?? false) && !rearmed.has(key);
      deadline = { rule, id: execution.id, since: moment.at, dueAt: moment.at + wanted, event, fired };
      setDeadline(key, deadline);
    }
    if (deadline.fired) return 'it has told of this before, and it has not fallen below since';
    if (moment.at < deadline.dueAt) return `only for ${formatDuration(moment.at - deadline.since)} so far`;
    deadline.fired = true;
    return decide(rule, { event: deadline.event ?? event, execution }, moment, true);
  };

  const isNews = ({ time }: ExecutionEvent, { now }: Moment) => now - Date.parse(time) <= NEWS_MS;

  const take: Judge['take'] = (event, execution, moment) => {
    const { type } = event;
    if (during.length > 0 && execution && !isFinal(execution.status) && !timed.has(execution.id))
      watchTime(execution, moment);
    const isAsked = byType.has(type);
    if (!isAsked && !MATTERS.has(type)) return NONE;
    const subject = { event, execution };
    const isNewQuestion = type === 'attention' || STARTS.has(type) ? noteAttention(subject) : true;
    const matches: Match[] = [];
    if (isAsked) {
      const asking = candidatesFor(type, execution);
      const looking = asking.filter(({ when }) => when.output !== undefined);
      const lines = findLines(event, looking);
      for (const rule of asking) {
        const key = keyOf(rule.name, execution?.id ?? '');
        if (rule.when.output !== undefined && !lines.has(rule) && !refused) continue;
        const failing = rule.moments.find((test) => !test.holds(subject));
        if (failing && deadlines.delete(key)) rearmed.add(key);
        let verdict: Match | string | undefined;
        if (!failing) {
          if (!isNews(event, moment)) verdict = 'it is no news any more';
          else if (type === 'attention' && !isNewQuestion) verdict = 'it was asked before';
          else if (lasting.includes(rule) && type === 'resource_update') verdict = decideLasting(rule, subject, moment);
          else verdict = decide(rule, subject, moment, Object.hasOwn(EXECUTION_ENDS, type), lines.get(rule));
        }
        if (typeof verdict === 'object') matches.push(verdict);
        else if (typeof verdict === 'string') refused?.(rule, event, () => [verdict]);
        else refused?.(rule, event, () => reasonsOf(rule, subject));
      }
      if (refused) {
        for (const rule of byType.get(type) ?? []) {
          if (!asking.includes(rule)) refused(rule, event, () => reasonsOf(rule, subject));
        }
      }
    }
    if (execution && isFinal(execution.status)) forget(execution.id);
    return matches;
  };

  const due: Judge['due'] = (moment, find) => {
    const matches: Match[] = [];
    nextAt = undefined;
    for (const [key, deadline] of deadlines) {
      const { rule, id, dueAt, event } = deadline;
      if (deadline.fired) continue;
      if (dueAt > moment.at) {
        nextAt = Math.min(nextAt ?? Infinity, dueAt);
        continue;
      }
      deadline.fired = true;
      const execution = find(id);
      if (!execution || isFinal(execution.status) || moment.at - dueAt > NEWS_MS) continue;
      const subject = { event: event ?? beginningOf(execution), execution };
      const tests = [...rule.filters, ...rule.moments];
      if (!tests.every((test) => test.holds(subject))) {
        deadlines.delete(key);
        continue;
      }
      const verdict = decide(rule, subject, moment, true);
      if (typeof verdict === 'object') matches.push(verdict);
      else refused?.(rule, subject.event, () => [verdict]);
    }
    return matches;
  };

  return {
    rules,
    isAskedAbout: (type) => during.length > 0 || byType.has(type) || MATTERS.has(type),
    take,
    due,
    adopt(executions, moment) {
      for (const execution of executions) {
        if (during.length > 0) watchTime(execution, moment);
        if (execution.attention !== undefined && !asked.has(execution.id)) noteAttention({ execution } as Subject);
      }
    },
    get nextAt() {
      return nextAt;
    },
    isAskedForResources: (execution) =>
      lasting.length > 0 && candidatesFor('resource_update', execution).some(({ when }) => when.resource !== undefined),
  };
}

const NONE: Match[] = [];
/** For one rule and execution, or name. */
const MAX_TOLD = 10_000;
/** Types that change what is remembered, besides those that rules ask for. */
const MATTERS: ReadonlySet<string> = new Set(['attention', ...STARTS, ...Object.keys(EXECUTION_ENDS)]);

function keyOf(rule: string, id: string): string {
  return `${rule}\n\n${id}`;
}

function reasonsOf({ filters, moments }: Rule, subject: Subject): string[] {
  const failing = (test: Test) => !test.holds(subject);
  return [...filters, ...moments].filter(failing).map((test) => test.why(subject));
}

/** In place of an event, where time alone is told of. */
function beginningOf({ id, startedAt, lastActivity, firstSeq }: Execution): ExecutionEvent {
  return { type: 'execution_started', seq: firstSeq, time: startedAt ?? lastActivity, execution: id, data: {} };
}
