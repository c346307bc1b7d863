/**
 * Which rules an event fires. It remembers what a single event does not tell: since when something uses too much, which
 * question was asked last, what will have taken too long. Pure but for that memory: the time is given.
 *
 * A rule is a list of tests that can also say why they do not hold, so `dry-run.ts`, which explains, evaluates the
 * same rules. Rules are found by the type of an event, and those that fit an execution are cached, so an event that no
 * rule needs costs nothing.
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
import type { MatchSubject, Test } from './matcher.js';
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
  /** What it tells of; absent where only time has passed. */
  event?: ExecutionEvent;
  /** seq of that event, or of the first one of the execution. */
  cause: number;
  /** It tells of this execution once. */
  once: boolean;
  telling: AlertText;
}

/** Told of every rule that was asked and has not fired; `why` says why. */
export type OnSkipped = (rule: Rule, event: ExecutionEvent, why: () => string[]) => void;

/** What happened longer ago comes from a backlog, and is no news any more. */
const NEWS_MS = 5 * 60_000;

/** A match, or the reason for none; undefined where a test gives the reason. */
type Verdict = Match | string | undefined;

export class RuleEvaluator {
  readonly rules: readonly Rule[];
  readonly #alerts: () => AlertState;
  readonly #refused: OnSkipped | undefined;
  readonly #plans: RuleIndex;
  readonly #during: readonly Rule[];
  readonly #lasting: ReadonlySet<Rule>;
  readonly #streaks: readonly Rule[];
  readonly #tokens: TokenRates;
  readonly #told: RaisedAlerts;
  readonly #deadlines = new Deadlines();
  readonly #failures = new StepFailures();
  /** Of executions that wait: what for. */
  readonly #asked = new Map<string, string>();
  /** Executions whose time is watched. */
  readonly #timed = new Set<string>();

  /**
   * @param alerts returns what has been sent so far
   * @param refused is called for each rule that was asked and has not fired
   */
  constructor(rules: readonly Rule[], alerts: () => AlertState, refused?: OnSkipped) {
    this.rules = rules;
    this.#alerts = alerts;
    this.#refused = refused;
    this.#plans = createRuleIndex(rules);
    this.#during = rules.filter((rule) => rule.during !== undefined);
    this.#lasting = new Set(rules.filter(({ isLasting }) => isLasting));
    this.#streaks = rules.filter(({ repeat }) => repeat === 'streak');
    this.#tokens = new TokenRates(Math.max(0, ...rules.map(({ when }) => when.tokensPerMinute?.window ?? 0)));
    this.#told = new RaisedAlerts(alerts);
  }

  /** When to call `due` again, by `at`. */
  get nextAt(): number | undefined {
    return this.#deadlines.nextAt;
  }

  /** Whether events of this type need to be handed in at all. */
  isAskedAbout(type: string): boolean {
    return this.#during.length > 0 || this.#plans.rulesFor(type).length > 0 || MATTERS.has(type);
  }

  /** Whether a rule depends on what this execution uses. */
  isAskedForResources(execution: Execution): boolean {
    if (this.#lasting.size === 0) return false;
    return this.#plans.find('resource_update', execution).rules.some((rule) => this.#lasting.has(rule));
  }

  /** Takes over executions that were there before it. */
  adopt(executions: Iterable<Execution>, moment: Moment): void {
    for (const execution of executions) {
      if (this.#during.length > 0) this.#watchTime(execution, moment);
      if (execution.attention !== undefined && !this.#asked.has(execution.id)) this.#noteAttention(execution);
    }
  }

  /** Matches of an event, which is folded into its execution already. */
  take(event: ExecutionEvent, execution: Execution | undefined, moment: Moment): Match[] {
    const { type } = event;
    if (this.#during.length > 0 && execution && !isFinal(execution.status) && !this.#timed.has(execution.id))
      this.#watchTime(execution, moment);
    const all = this.#plans.rulesFor(type);
    if (all.length === 0 && !MATTERS.has(type)) return NONE;
    this.#tokens.note(event);
    const subject: MatchSubject = {
      ...{ event, execution, tokenRate: (windowMs: number) => this.#tokens.rate(event, windowMs) },
      recovered: execution && recoveredBy(this.#alerts(), execution, event.seq),
    };
    const isRepeated = this.#remember(subject);
    const matches = this.#askAll(all, subject, moment, isRepeated);
    if (execution && isFinal(execution.status)) this.#forget(execution);
    if (matches.length < 2) return matches;
    return matches.sort((a, b) => this.rules.indexOf(a.rule) - this.rules.indexOf(b.rule));
  }

  /** What time alone has brought about. */
  due(moment: Moment, find: (id: string) => Execution | undefined): Match[] {
    const matches: Match[] = [];
    for (const deadline of this.#deadlines.due(moment.at)) {
      const { rule, id, dueAt, event } = deadline;
      const execution = find(id);
      if (!execution || isFinal(execution.status) || moment.at - dueAt > NEWS_MS) continue;
      const subject = { event: event ?? beginningOf(execution), execution };
      if (![...rule.filters, ...rule.moments].every((test) => test.holds(subject))) {
        this.#deadlines.delete(deadline);
        continue;
      }
      const verdict = this.#decide(rule, subject, moment, true);
      if (typeof verdict === 'object') matches.push(verdict);
      else this.#refused?.(rule, subject.event, () => [verdict]);
    }
    return matches;
  }

  /** Keeps what later events are compared with; returns whether this one repeats a question. */
  #remember(subject: MatchSubject): boolean {
    const { event, execution } = subject;
    const { type } = event;
    if (Object.hasOwn(EXECUTION_ENDS, type) && execution?.status === 'completed')
      this.#told.endStreak(this.#streaks, execution);
    // at a start the state may have what comes after it in the same write
    if (STARTS.has(type) && execution?.attention === undefined) this.#asked.delete(execution?.id ?? '');
    const isRepeated = type === 'attention' && !(execution && this.#noteAttention(execution));
    this.#failures.saw(subject);
    return isRepeated;
  }

  /** `all`: the rules for this type of event, of which only some fit the execution. */
  #askAll(all: readonly Rule[], subject: MatchSubject, moment: Moment, isRepeated: boolean): Match[] {
    const { event, execution } = subject;
    const matches: Match[] = [];
    const candidates = this.#plans.find(event.type, execution).ask(event);
    for (const [rule, line] of candidates) {
      const verdict = this.#ask(rule, subject, moment, isRepeated, line);
      if (typeof verdict === 'object') matches.push(verdict);
      else this.#refused?.(rule, event, () => (verdict === undefined ? reasonsOf(rule, subject) : [verdict]));
    }
    if (this.#refused) {
      for (const rule of all) if (!candidates.has(rule)) this.#refused(rule, event, () => reasonsOf(rule, subject));
    }
    return matches;
  }

  /** One rule that fits the execution. */
  #ask(rule: Rule, subject: MatchSubject, moment: Moment, isRepeated: boolean, line?: string): Verdict {
    const { event, execution } = subject;
    const isLasting = this.#lasting.has(rule) && FIGURES.has(event.type);
    if (!rule.moments.every((test) => test.holds(subject))) {
      if (isLasting) this.#deadlines.rearm(rule, execution?.id ?? '');
      return undefined;
    }
    if (!isNews(event, moment)) return 'it is no news any more';
    if (isRepeated) return 'it was asked before';
    if (this.#failures.hasTold(rule.name, subject)) return 'the step had failed before in this attempt';
    if (isLasting) return this.#decideLasting(rule, subject, moment);
    return this.#decide(rule, subject, moment, Object.hasOwn(EXECUTION_ENDS, event.type), line);
  }

  /** Of something that is above its threshold: has it been for long enough? */
  #decideLasting(rule: Rule, subject: MatchSubject, moment: Moment): Match | string {
    const { event, execution } = subject;
    if (!execution) return 'it is about no execution';
    const { id } = execution;
    let deadline = this.#deadlines.get(rule, id);
    if (!deadline) {
      const fired = (execution.alerts?.includes(rule.name) ?? false) && !this.#deadlines.isRearmed(rule, id);
      const dueAt = moment.at + (rule.when.resource?.for ?? 0);
      deadline = this.#deadlines.set({ rule, id, since: moment.at, dueAt, event, fired });
    }
    if (deadline.fired) return 'it has told of this before, and it has not fallen below since';
    if (moment.at < deadline.dueAt) return `only for ${formatDuration(moment.at - deadline.since)} so far`;
    deadline.fired = true;
    return this.#decide(rule, { ...subject, event: deadline.event ?? event }, moment, true);
  }

  /** All tests hold: a match, or why it is none all the same. */
  #decide(rule: Rule, subject: MatchSubject, moment: Moment, once: boolean, line?: string): Match | string {
    const { event, execution } = subject;
    const why = this.#told.whyNot(rule, execution, moment, once);
    if (why !== undefined) return why;
    this.#told.note(rule, execution, moment, once);
    this.#failures.note(rule.name, subject);
    return { rule, execution, event, cause: event.seq, once, telling: alertText(rule, subject, line) };
  }

  /** Is this a question that was not asked before? */
  #noteAttention({ id, attention, attentionReason, attentionStep }: Execution): boolean {
    if (attention === undefined) {
      this.#asked.delete(id);
      return false;
    }
    const question = [attention, attentionStep, attentionReason].join('\n');
    const isNew = this.#asked.get(id) !== question;
    this.#asked.set(id, question);
    return isNew;
  }

  #watchTime(execution: Execution, { at, now }: Moment): void {
    // one that waits in a queue has not begun
    const startedAt = Date.parse(execution.startedAt ?? '');
    if (Number.isNaN(startedAt)) return;
    const { id } = execution;
    this.#timed.add(id);
    // by the clock that does not jump from here on
    const since = at - Math.max(0, now - startedAt);
    for (const rule of this.#during) {
      const fired = execution.alerts?.includes(rule.name) ?? false;
      this.#deadlines.set({ rule, id, since, dueAt: since + (rule.during ?? 0), event: undefined, fired });
    }
  }

  #forget({ id }: Execution): void {
    this.#asked.delete(id);
    this.#timed.delete(id);
    this.#tokens.forget(id);
    this.#deadlines.forget([...this.#lasting, ...this.#during], id);
  }
}

const NONE: Match[] = [];
const FIGURES: ReadonlySet<string> = new Set(['resource_update', 'activity']);
/** Types that change what is remembered, besides those that rules ask for. */
const MATTERS: ReadonlySet<string> = new Set(['attention', ...STARTS, ...Object.keys(EXECUTION_ENDS)]);

function isNews({ time }: ExecutionEvent, { now }: Moment): boolean {
  return now - Date.parse(time) <= NEWS_MS;
}

function reasonsOf({ filters, moments }: Rule, subject: MatchSubject): string[] {
  const failing = (test: Test) => !test.holds(subject);
  return [...filters, ...moments].filter(failing).map((test) => test.why(subject));
}

/** In place of an event, where time alone is told of. */
function beginningOf({ id, startedAt, lastActivity, firstSeq }: Execution): ExecutionEvent {
  return { type: 'execution_started', seq: firstSeq, time: startedAt ?? lastActivity, execution: id, data: {} };
}
