/**
 * Index of rules: by type of event, and by the constant properties of its execution, whose result is
 * cached. An event that no rule is about costs nothing.
 */
import type { ExecutionEvent } from '../core/events/event.js';
import type { Execution } from '../core/execution.js';
import { compileSet } from '../platform/patterns.js';
import type { MatchSubject } from './matcher.js';
import { outputLinesOf } from './matcher.js';
import type { Rule } from './rules.js';

export interface RuleIndex {
  /** Rules for a type of event, for any execution. */
  rulesFor(type: string): readonly Rule[];
  find(type: string, execution: Execution | undefined): RulesOfType;
}

export interface RulesOfType {
  readonly rules: readonly Rule[];
  /** Rules to evaluate for this event, with the line that matched, if a rule has a pattern. */
  candidates(event: ExecutionEvent): ReadonlyMap<Rule, string | undefined>;
}

/** Constant properties of an execution, and its rules by type of event. */
interface Cached {
  name: string;
  kind: string;
  agent: string | undefined;
  queue: string | undefined;
  labels: object | undefined;
  byType: Map<string, RulesOfType>;
}

/** Bound of cached combinations of rules. */
const MAX_COMBINATIONS = 64;

export function createRuleIndex(rules: readonly Rule[]): RuleIndex {
  const byType = new Map<string, Rule[]>();
  for (const rule of rules) {
    for (const type of rule.types) byType.set(type, [...(byType.get(type) ?? []), rule]);
  }
  const rulesFor = (type: string): readonly Rule[] => byType.get(type) ?? NONE;
  const known = new WeakMap<Execution, Cached>();
  const combinations = new Map<string, RulesOfType>();

  /** Shared by all executions with the same rules. */
  const combinationOf = (fitting: readonly Rule[]): RulesOfType => {
    const key = fitting.map(({ name }) => name).join('\n');
    let combination = combinations.get(key);
    if (!combination) {
      if (combinations.size >= MAX_COMBINATIONS) combinations.clear();
      combinations.set(key, (combination = createRulesOfType(fitting)));
    }
    return combination;
  };

  return {
    rulesFor,
    find(type, execution) {
      const all = rulesFor(type);
      if (!execution) return combinationOf(all.filter(({ filters }) => filters.length === 0));
      const { name, kind, agent: { name: agent } = {}, queue, labels } = execution;
      let of = known.get(execution);
      const isSame =
        of?.name === name && of.kind === kind && of.agent === agent && of.queue === queue && of.labels === labels;
      if (!of || !isSame) known.set(execution, (of = { name, kind, agent, queue, labels, byType: new Map() }));
      let combination = of.byType.get(type);
      if (!combination) {
        const subject = { execution } as MatchSubject;
        combination = combinationOf(all.filter(({ filters }) => filters.every((test) => test.holds(subject))));
        of.byType.set(type, combination);
      }
      return combination;
    },
  };
}

const NONE: readonly Rule[] = [];

/** Matches the patterns of all rules in one pass. */
function createRulesOfType(rules: readonly Rule[]): RulesOfType {
  const withPattern = rules.filter(({ when }) => when.output !== undefined);
  const others = new Map(rules.filter((rule) => !withPattern.includes(rule)).map((rule) => [rule, undefined]));
  if (withPattern.length === 0) return { rules, candidates: () => others };
  let find: ((text: string) => number[]) | undefined;
  return {
    rules,
    candidates(event) {
      find ??= compileSet(withPattern.map(({ when }) => when.output ?? ''));
      let found: Map<Rule, string | undefined> | undefined;
      for (const line of outputLinesOf(event)) {
        for (const place of find(line)) {
          const rule = withPattern[place];
          found ??= new Map(others);
          if (rule && !found.has(rule)) found.set(rule, line);
        }
      }
      return found ?? others;
    },
  };
}
