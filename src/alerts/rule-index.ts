/**
 * Which rules an event is worth asking: found by its type, and of those the ones that fit its execution, which are
 * remembered. So an event that no rule looks at costs nothing, and one that many look at little.
 */
import type { ExecutionEvent } from '../core/event.js';
import type { Execution } from '../core/execution.js';
import { compileSet } from '../platform/patterns.js';
import type { MatchSubject } from './matcher.js';
import { outputLinesOf } from './matcher.js';
import type { Rule } from './rules.js';

export interface RuleIndex {
  /** Of all executions. */
  rulesFor(type: string): readonly Rule[];
  find(type: string, execution: Execution | undefined): RulesOfType;
}

export interface RulesOfType {
  readonly rules: readonly Rule[];
  /** Those that are to be asked about this event, each with the line that it has found in it, if it looks for one. */
  ask(event: ExecutionEvent): ReadonlyMap<Rule, string | undefined>;
}

/** What an execution is, and by that the plans for it, by type of event. */
interface Known {
  name: string;
  kind: string;
  agent: string | undefined;
  queue: string | undefined;
  labels: object | undefined;
  plans: Map<string, RulesOfType>;
}

/** Combinations of rules that are kept: what runs is of a few kinds. */
const MAX_PLANS = 64;

export function createRuleIndex(rules: readonly Rule[]): RuleIndex {
  const byType = new Map<string, Rule[]>();
  for (const rule of rules) {
    for (const type of rule.types) byType.set(type, [...(byType.get(type) ?? []), rule]);
  }
  const rulesFor = (type: string): readonly Rule[] => byType.get(type) ?? NONE;
  const known = new WeakMap<Execution, Known>();
  const plans = new Map<string, RulesOfType>();

  /** The same for all executions that the same rules fit. */
  const planOf = (fitting: readonly Rule[]): RulesOfType => {
    const key = fitting.map(({ name }) => name).join('\n');
    let plan = plans.get(key);
    if (!plan) {
      if (plans.size >= MAX_PLANS) plans.clear();
      plans.set(key, (plan = createPlan(fitting)));
    }
    return plan;
  };

  return {
    rulesFor,
    find(type, execution) {
      const all = rulesFor(type);
      if (!execution) return planOf(all.filter(({ filters }) => filters.length === 0));
      const { name, kind, agent, queue, labels } = execution;
      let of = known.get(execution);
      const isSame =
        of?.name === name && of.kind === kind && of.agent === agent && of.queue === queue && of.labels === labels;
      if (!of || !isSame) known.set(execution, (of = { name, kind, agent, queue, labels, plans: new Map() }));
      let plan = of.plans.get(type);
      if (!plan) {
        const subject = { execution } as MatchSubject;
        plan = planOf(all.filter(({ filters }) => filters.every((test) => test.holds(subject))));
        of.plans.set(type, plan);
      }
      return plan;
    },
  };
}

const NONE: readonly Rule[] = [];

/** Patterns of several rules are looked for at once. */
function createPlan(rules: readonly Rule[]): RulesOfType {
  const looking = rules.filter(({ when }) => when.output !== undefined);
  const others = new Map(rules.filter((rule) => !looking.includes(rule)).map((rule) => [rule, undefined]));
  if (looking.length === 0) return { rules, ask: () => others };
  let find: ((text: string) => number[]) | undefined;
  return {
    rules,
    ask(event) {
      find ??= compileSet(looking.map(({ when }) => when.output ?? ''));
      let found: Map<Rule, string | undefined> | undefined;
      for (const line of outputLinesOf(event)) {
        for (const place of find(line)) {
          const rule = looking[place];
          found ??= new Map(others);
          if (rule && !found.has(rule)) found.set(rule, line);
        }
      }
      return found ?? others;
    },
  };
}
