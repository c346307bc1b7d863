/**
 * Evaluates which rules an event fires.
 *
 * It remembers what a single event does not show: since when a threshold is exceeded, the last question of each
 * execution, and durations that will be exceeded. Pure except for that memory: callers pass the time.
 *
 * A rule is a list of tests that can also explain why they do not hold, so `dry-run.ts` evaluates the same rules. Rules
 * are indexed by the type of an event and cached for an execution, so an event that no rule needs costs nothing.
 */
import type { AlertState } from '../core/state/alerts.js';
import { recoveredBy } from '../core/state/alerts.js';
import type { ExecutionEvent } from '../core/events/event.js';
import { EXECUTION_ENDS } from '../core/events/event.js';
import type { Execution } from '../core/execution.js';
import { isFinal } from '../core/execution.js';
import { STARTS } from '../core/events/event.js';
import { formatDuration } from '../core/text/format.js';
import { Deadlines } from './deadlines.js';
import type { MatchSubject, Test } from './matcher.js';
import { NO_EXECUTION } from './matcher.js';
import type { RuleIndex } from './rule-index.js';
import { createRuleIndex } from './rule-index.js';
import type { Moment } from './moment.js';
import type { Rule } from './rules.js';
import { StepFailures } from './step-failures.js';
import type { AlertText } from './alert-text.js';
import { alertText } from './alert-text.js';
import { RaisedAlerts } from './raised-alerts.js';
import { TokenRates } from './token-rate.js';

/** A rule that has fired. */
export interface Match {
  rule: Rule;
  execution: Execution | undefined;
  /** Event that has fired it; absent for a duration. */
  event?: ExecutionEvent;
  /** Seq of that event, or of the first one of the execution. */
  cause: number;
  /** Fires once for this execution. */
  once: boolean;
  text: AlertText;
}

/** Receives each rule that was evaluated and has not fired; `why` returns the reasons. */
export type OnSkipped = (rule: Rule, event: ExecutionEvent, why: () => string[]) => void;

/** Older events come from a backlog and raise no alerts. */
const MAX_AGE_MS = 5 * 60_000;

/** A match, or the reason for none; undefined if a test has the reason. */
type Evaluation = Match | string | undefined;

export class RuleEvaluator {
  readonly rules: readonly Rule[];
  readonly #alerts: () => AlertState;
  readonly #onSkipped: OnSkipped | undefined;
  readonly #index: RuleIndex;
  readonly #during: readonly Rule[];
  readonly #lasting: ReadonlySet<Rule>;
  readonly #streaks: readonly Rule[];
  readonly #tokens: TokenRates;
  readonly #raised: RaisedAlerts;
  readonly #deadlines = new Deadlines();
  readonly #failures = new StepFailures();
  /** Current question of each execution that needs attention. */
  readonly #questions = new Map<string, string>();
  /** Executions whose duration has deadlines. */
  readonly #timed = new Set<string>();

  /**
   * @param alerts Returns the current state of alerts.
   * @param onSkipped Called for each rule that was evaluated and has not fired.
   */
  constructor(rules: readonly Rule[], alerts: () => AlertState, onSkipped?: OnSkipped) {
    this.rules = rules;
    this.#alerts = alerts;
    this.#onSkipped = onSkipped;
    this.#index = createRuleIndex(rules);
    this.#during = rules.filter((rule) => rule.during !== undefined);
    this.#lasting = new Set(rules.filter(({ isLasting }) => isLasting));
    this.#streaks = rules.filter(({ repeat }) => repeat === 'streak');
    this.#tokens = new TokenRates(Math.max(0, ...rules.map(({ when }) => when.tokensPerMinute?.window ?? 0)));
    this.#raised = new RaisedAlerts(alerts);
  }

  /** Monotonic time of the next call of `due`. */
  get nextAt(): number | undefined {
    return this.#deadlines.nextAt;
  }

  /** Whether `take` must be called for events of this type. */
  needs(type: string): boolean {
    return this.#during.length > 0 || this.#index.rulesFor(type).length > 0 || TRACKED.has(type);
  }

  /** Whether a rule depends on the resource usage of this execution. */
  needsResources(execution: Execution): boolean {
    if (this.#lasting.size === 0) return false;
    return this.#index.find('resource_update', execution).rules.some((rule) => this.#lasting.has(rule));
  }

  /** Takes over executions that exist already. */
  adopt(executions: Iterable<Execution>, moment: Moment): void {
    for (const execution of executions) {
      if (this.#during.length > 0) this.#watchTime(execution, moment);
      if (execution.attention !== undefined && !this.#questions.has(execution.id)) this.#noteAttention(execution);
    }
  }

  /** Returns matches of an event, which is folded into its execution already. */
  take(event: ExecutionEvent, execution: Execution | undefined, moment: Moment): Match[] {
    const { type } = event;
    if (this.#during.length > 0 && execution && !isFinal(execution.status) && !this.#timed.has(execution.id))
      this.#watchTime(execution, moment);
    const all = this.#index.rulesFor(type);
    if (all.length === 0 && !TRACKED.has(type)) return NONE;
    this.#tokens.note(event);
    const subject: MatchSubject = {
      ...{ event, execution, tokenRate: (windowMs: number) => this.#tokens.rate(event, windowMs) },
      recovered: execution && recoveredBy(this.#alerts(), execution, event.seq),
    };
    const isRepeated = this.#remember(subject);
    const matches = this.#evaluateAll(all, subject, moment, isRepeated);
    if (execution && isFinal(execution.status)) this.#forget(execution);
    if (matches.length < 2) return matches;
    return matches.sort((a, b) => this.rules.indexOf(a.rule) - this.rules.indexOf(b.rule));
  }

  /** Returns matches of deadlines that have passed. */
  due(moment: Moment, find: (id: string) => Execution | undefined): Match[] {
    const matches: Match[] = [];
    for (const deadline of this.#deadlines.due(moment.at)) {
      const { rule, id, dueAt, event } = deadline;
      const execution = find(id);
      if (!execution || isFinal(execution.status) || moment.at - dueAt > MAX_AGE_MS) continue;
      const subject = { event: event ?? startOf(execution), execution };
      if (![...rule.filters, ...rule.moments].every((test) => test.holds(subject))) {
        this.#deadlines.delete(deadline);
        continue;
      }
      const result = this.#decide(rule, subject, moment, true);
      if (typeof result === 'object') matches.push(result);
      else this.#onSkipped?.(rule, subject.event, () => [result]);
    }
    return matches;
  }

  /** Updates the memory. @returns Whether the event repeats a question. */
  #remember(subject: MatchSubject): boolean {
    const { event, execution } = subject;
    const { type } = event;
    if (Object.hasOwn(EXECUTION_ENDS, type) && execution?.status === 'completed')
      this.#raised.endStreak(this.#streaks, execution);
    // the state may already contain later events of the same write
    if (STARTS.has(type) && execution?.attention === undefined) this.#questions.delete(execution?.id ?? '');
    const isRepeated = type === 'attention' && !(execution && this.#noteAttention(execution));
    this.#failures.observe(subject);
    return isRepeated;
  }

  /** @param all Rules for this type of event, including those that do not fit the execution. */
  #evaluateAll(all: readonly Rule[], subject: MatchSubject, moment: Moment, isRepeated: boolean): Match[] {
    const { event, execution } = subject;
    const matches: Match[] = [];
    const candidates = this.#index.find(event.type, execution).candidates(event);
    for (const [rule, line] of candidates) {
      const result = this.#evaluate(rule, subject, moment, isRepeated, line);
      if (typeof result === 'object') matches.push(result);
      else this.#onSkipped?.(rule, event, () => (result === undefined ? reasonsOf(rule, subject) : [result]));
    }
    if (this.#onSkipped) {
      for (const rule of all) if (!candidates.has(rule)) this.#onSkipped(rule, event, () => reasonsOf(rule, subject));
    }
    return matches;
  }

  /** Evaluates one rule that fits the execution. */
  #evaluate(rule: Rule, subject: MatchSubject, moment: Moment, isRepeated: boolean, line?: string): Evaluation {
    const { event, execution } = subject;
    const isLasting = this.#lasting.has(rule) && FIGURES.has(event.type);
    if (!rule.moments.every((test) => test.holds(subject))) {
      if (isLasting) this.#deadlines.rearm(rule, execution?.id ?? '');
      return undefined;
    }
    if (!isRecent(event, moment)) return 'it is too old, from a backlog';
    if (isRepeated) return 'it repeats the last question';
    if (this.#failures.hasFired(rule.name, subject)) return 'the step had failed before in this attempt';
    if (isLasting) return this.#decideLasting(rule, subject, moment);
    return this.#decide(rule, subject, moment, Object.hasOwn(EXECUTION_ENDS, event.type), line);
  }

  /** Decides about an exceeded threshold: whether it has lasted long enough. */
  #decideLasting(rule: Rule, subject: MatchSubject, moment: Moment): Match | string {
    const { event, execution } = subject;
    if (!execution) return NO_EXECUTION;
    const { id } = execution;
    let deadline = this.#deadlines.get(rule, id);
    if (!deadline) {
      const fired = (execution.alerts?.includes(rule.name) ?? false) && !this.#deadlines.isRearmed(rule, id);
      const dueAt = moment.at + (rule.when.resource?.for ?? 0);
      deadline = this.#deadlines.set({ rule, id, since: moment.at, dueAt, event, fired });
    }
    if (deadline.fired) return 'it has fired before, and the value has not fallen below the threshold since';
    if (moment.at < deadline.dueAt) return `only for ${formatDuration(moment.at - deadline.since)} so far`;
    deadline.fired = true;
    return this.#decide(rule, { ...subject, event: deadline.event ?? event }, moment, true);
  }

  /** Decides when all tests hold: a match, or the reason for none. */
  #decide(rule: Rule, subject: MatchSubject, moment: Moment, once: boolean, line?: string): Match | string {
    const { event, execution } = subject;
    const why = this.#raised.whyNot(rule, execution, moment, once);
    if (why !== undefined) return why;
    this.#raised.note(rule, execution, moment, once);
    this.#failures.note(rule.name, subject);
    return { rule, execution, event, cause: event.seq, once, text: alertText(rule, subject, line) };
  }

  /** Records the question of an execution. @returns Whether it is new. */
  #noteAttention({ id, attention }: Execution): boolean {
    if (attention === undefined) {
      this.#questions.delete(id);
      return false;
    }
    const question = [attention.state, attention.step, attention.reason].join('\n');
    const isNew = this.#questions.get(id) !== question;
    this.#questions.set(id, question);
    return isNew;
  }

  #watchTime(execution: Execution, { at, now }: Moment): void {
    // a queued execution has no start
    const startedAt = Date.parse(execution.startedAt ?? '');
    if (Number.isNaN(startedAt)) return;
    const { id } = execution;
    this.#timed.add(id);
    // monotonic from here on
    const since = at - Math.max(0, now - startedAt);
    for (const rule of this.#during) {
      const fired = execution.alerts?.includes(rule.name) ?? false;
      this.#deadlines.set({ rule, id, since, dueAt: since + (rule.during ?? 0), event: undefined, fired });
    }
  }

  #forget({ id }: Execution): void {
    this.#questions.delete(id);
    this.#timed.delete(id);
    this.#tokens.forget(id);
    this.#deadlines.forget([...this.#lasting, ...this.#during], id);
  }
}

const NONE: Match[] = [];
const FIGURES: ReadonlySet<string> = new Set(['resource_update', 'activity']);
/** Types that change the memory, in addition to the types of rules. */
const TRACKED: ReadonlySet<string> = new Set(['attention', ...STARTS, ...Object.keys(EXECUTION_ENDS)]);

function isRecent({ time }: ExecutionEvent, { now }: Moment): boolean {
  return now - Date.parse(time) <= MAX_AGE_MS;
}

function reasonsOf({ filters, moments }: Rule, subject: MatchSubject): string[] {
  const failing = (test: Test) => !test.holds(subject);
  return [...filters, ...moments].filter(failing).map((test) => test.why(subject));
}

/** Placeholder event of a match of a duration. */
function startOf({ id, startedAt, lastActivity, firstSeq }: Execution): ExecutionEvent {
  return { type: 'execution_started', seq: firstSeq, time: startedAt ?? lastActivity, execution: id, data: {} };
}
