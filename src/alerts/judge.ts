/**
 * Which rules an event fires. It remembers what a single event does not tell: since when something uses too much, which
 * question was asked last, what will have taken too long. Pure but for that memory: the time is given.
 */
import type { AlertState } from '../core/alerts.js';
import { recoveredBy } from '../core/alerts.js';
import type { ExecutionEvent } from '../core/event.js';
import { EXECUTION_ENDS } from '../core/event.js';
import type { Execution } from '../core/execution.js';
import { isFinal } from '../core/execution.js';
import { STARTS } from '../core/fold.js';
import { formatDuration } from '../core/format.js';
import { Deadlines } from './deadlines.js';
import type { Subject, Test } from './matcher.js';
import { createPlans } from './plans.js';
import type { Rule } from './rules.js';
import { StepFailures } from './step-failures.js';
import type { Telling } from './telling.js';
import { tell } from './telling.js';
import { Told } from './told.js';
import { TokenRates } from './token-rate.js';

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

/** `alerts` is what has been told, as it is at the moment. */
export function createJudge(rules: readonly Rule[], alerts: () => AlertState, refused?: Refused): Judge {
  const plans = createPlans(rules);
  const during = rules.filter((rule) => rule.during !== undefined);
  const lasting = new Set(rules.filter(({ isLasting }) => isLasting));
  const tokens = new TokenRates(Math.max(0, ...rules.map(({ when }) => when.tokensPerMinute?.window ?? 0)));

  const deadlines = new Deadlines();
  const told = new Told(alerts);
  const failures = new StepFailures();
  const streaks = rules.filter(({ repeat }) => repeat === 'streak');
  /** Of executions that wait: what for. */
  const asked = new Map<string, string>();
  /** Executions whose time is watched. */
  const timed = new Set<string>();

  /** Is this a question that was not asked before? */
  const noteAttention = ({ execution }: Subject): boolean => {
    if (!execution) return false;
    const { id, attention, attentionReason, attentionStep } = execution;
    if (attention === undefined) {
      asked.delete(id);
      return false;
    }
    const question = [attention, attentionStep, attentionReason].join('\n');
    const isNew = asked.get(id) !== question;
    asked.set(id, question);
    return isNew;
  };

  const forget = (execution: Execution) => {
    asked.delete(execution.id);
    timed.delete(execution.id);
    tokens.forget(execution.id);
    deadlines.forget([...lasting, ...during], execution.id);
  };

  const watchTime = (execution: Execution, { at, now }: Moment) => {
    // one that waits in a queue has not begun
    const startedAt = Date.parse(execution.startedAt ?? '');
    if (Number.isNaN(startedAt)) return;
    const { id } = execution;
    timed.add(id);
    // by the clock that does not jump from here on
    const since = at - Math.max(0, now - startedAt);
    for (const rule of during) {
      const fired = execution.alerts?.includes(rule.name) ?? false;
      deadlines.set({ rule, id, since, dueAt: since + (rule.during ?? 0), event: undefined, fired });
    }
  };

  /** All tests hold: a match, or why it is none all the same. */
  const decide = (rule: Rule, subject: Subject, moment: Moment, once: boolean, line?: string): Match | string => {
    const { event, execution } = subject;
    const why = told.whyNot(rule, execution, moment, once);
    if (why !== undefined) return why;
    told.note(rule, execution, moment, once);
    failures.note(rule.name, subject);
    return { rule, execution, event, cause: event.seq, once, telling: tell(rule, subject, line) };
  };

  /** Of something that is above its threshold: has it been for long enough? */
  const decideLasting = (rule: Rule, subject: Subject, moment: Moment): Match | string => {
    const { event, execution } = subject;
    if (!execution) return 'it is about no execution';
    const { id } = execution;
    let deadline = deadlines.get(rule, id);
    if (!deadline) {
      const fired = (execution.alerts?.includes(rule.name) ?? false) && !deadlines.isRearmed(rule, id);
      const dueAt = moment.at + (rule.when.resource?.for ?? 0);
      deadline = deadlines.set({ rule, id, since: moment.at, dueAt, event, fired });
    }
    if (deadline.fired) return 'it has told of this before, and it has not fallen below since';
    if (moment.at < deadline.dueAt) return `only for ${formatDuration(moment.at - deadline.since)} so far`;
    deadline.fired = true;
    return decide(rule, { ...subject, event: deadline.event ?? event }, moment, true);
  };

  const isNews = ({ time }: ExecutionEvent, { now }: Moment) => now - Date.parse(time) <= NEWS_MS;

  /** One rule that fits the execution: a match, or why it is none; undefined where a test says that. */
  const ask = (
    rule: Rule,
    subject: Subject,
    moment: Moment,
    isRepeated: boolean,
    line?: string,
  ): Match | string | undefined => {
    const { event, execution } = subject;
    const isLasting = lasting.has(rule) && FIGURES.has(event.type);
    if (!rule.moments.every((test) => test.holds(subject))) {
      if (isLasting) deadlines.rearm(rule, execution?.id ?? '');
      return undefined;
    }
    if (!isNews(event, moment)) return 'it is no news any more';
    if (isRepeated) return 'it was asked before';
    if (failures.hasTold(rule.name, subject)) return 'the step had failed before in this attempt';
    if (isLasting) return decideLasting(rule, subject, moment);
    return decide(rule, subject, moment, Object.hasOwn(EXECUTION_ENDS, event.type), line);
  };

  const take: Judge['take'] = (event, execution, moment) => {
    const { type } = event;
    if (during.length > 0 && execution && !isFinal(execution.status) && !timed.has(execution.id))
      watchTime(execution, moment);
    const all = plans.rulesFor(type);
    if (all.length === 0 && !MATTERS.has(type)) return NONE;
    tokens.note(event);
    const subject: Subject = {
      ...{ event, execution, tokenRate: (windowMs: number) => tokens.rate(event, windowMs) },
      recovered: execution && recoveredBy(alerts(), execution, event.seq),
    };
    if (Object.hasOwn(EXECUTION_ENDS, type) && execution?.status === 'completed') told.endStreak(streaks, execution);
    // at a start the state may have what comes after it in the same write
    if (STARTS.has(type) && execution?.attention === undefined) asked.delete(execution?.id ?? '');
    const isRepeated = type === 'attention' && !noteAttention(subject);
    failures.saw(subject);
    const matches: Match[] = [];
    const candidates = plans.find(type, execution).ask(event);
    for (const [rule, line] of candidates) {
      const verdict = ask(rule, subject, moment, isRepeated, line);
      if (typeof verdict === 'object') matches.push(verdict);
      else refused?.(rule, event, () => (verdict === undefined ? reasonsOf(rule, subject) : [verdict]));
    }
    if (refused) {
      for (const rule of all) if (!candidates.has(rule)) refused(rule, event, () => reasonsOf(rule, subject));
    }
    if (execution && isFinal(execution.status)) forget(execution);
    return matches.length < 2 ? matches : matches.sort((a, b) => rules.indexOf(a.rule) - rules.indexOf(b.rule));
  };

  const due: Judge['due'] = (moment, find) => {
    const matches: Match[] = [];
    for (const deadline of deadlines.due(moment.at)) {
      const { rule, id, dueAt, event } = deadline;
      const execution = find(id);
      if (!execution || isFinal(execution.status) || moment.at - dueAt > NEWS_MS) continue;
      const subject = { event: event ?? beginningOf(execution), execution };
      if (![...rule.filters, ...rule.moments].every((test) => test.holds(subject))) {
        deadlines.delete(deadline);
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
    isAskedAbout: (type) => during.length > 0 || plans.rulesFor(type).length > 0 || MATTERS.has(type),
    take,
    due,
    adopt(executions, moment) {
      for (const execution of executions) {
        if (during.length > 0) watchTime(execution, moment);
        if (execution.attention !== undefined && !asked.has(execution.id)) noteAttention({ execution } as Subject);
      }
    },
    get nextAt() {
      return deadlines.nextAt;
    },
    isAskedForResources: (execution) =>
      lasting.size > 0 && plans.find('resource_update', execution).rules.some((rule) => lasting.has(rule)),
  };
}

const NONE: Match[] = [];
const FIGURES: ReadonlySet<string> = new Set(['resource_update', 'activity']);
/** Types that change what is remembered, besides those that rules ask for. */
const MATTERS: ReadonlySet<string> = new Set(['attention', ...STARTS, ...Object.keys(EXECUTION_ENDS)]);

function reasonsOf({ filters, moments }: Rule, subject: Subject): string[] {
  const failing = (test: Test) => !test.holds(subject);
  return [...filters, ...moments].filter(failing).map((test) => test.why(subject));
}

/** In place of an event, where time alone is told of. */
function beginningOf({ id, startedAt, lastActivity, firstSeq }: Execution): ExecutionEvent {
  return { type: 'execution_started', seq: firstSeq, time: startedAt ?? lastActivity, execution: id, data: {} };
}
