/** Rules: the built-in ones and those of the configuration, as tests in the order of their cost. */
import type { RuleConfig } from '../config/alert-schema.js';
import type { Conditions } from '../api/conditions.js';
import { BUILTIN } from '../config/alert-schema.js';
import { EXECUTION_ENDS } from '../core/event.js';
import type { Execution } from '../core/execution.js';
import { INTERACTIVE_PROGRAMS, isInteractive } from '../core/interactive.js';
import type { Test } from './matcher.js';
import { filterTests, momentTests } from './matcher.js';

export interface Rule extends RuleConfig {
  /** Of the events that it is asked about; none for one that is about time alone. */
  readonly types: ReadonlySet<string>;
  /** What an execution fulfils by what it is, or never. */
  readonly filters: readonly Test[];
  /** What depends on the event. */
  readonly moments: readonly Test[];
  /** It tells of what still runs after so many milliseconds. */
  readonly during?: number;
  /** It tells of one execution again, once what it tells of has ended in between. */
  readonly isRecurring: boolean;
  /** It is about a figure: it fires when that exceeds the threshold, and again once it has not in between. */
  readonly isLasting: boolean;
  readonly isBuiltin: boolean;
}

/** Whoever typed a command that ended sooner is still looking at it. */
const LONG_COMMAND_MS = 30_000;
/** A program prints or logs the same again and again: for one name not more often than this. */
const OUTPUT_THROTTLE_MS = 10_000;
/** Of what an alert is about; a rule about alerts would tell about itself. */
const UNTOLD = 'alert_triggered';

const NOT_TYPED = besides('it was typed at a prompt', ({ kind }) => kind === 'command');
/** What stands in another execution is for that one to tell. */
const INNER = besides('it runs in another one, which tells it', ({ parent }) => parent !== undefined);
/** Events that nobody began are lost to nobody. */
const UNBEGUN = besides('nobody has begun it', ({ status, implicit }) => status === 'lost' && implicit === true);

/** The rules that exist without a configuration. */
function createBuiltins(interactive: readonly string[]): Rule[] {
  const programs = interactive.flatMap((entry) => (entry === BUILTIN ? INTERACTIVE_PROGRAMS : [entry]));
  const operated = besides('it is an interactive program (alerts.interactive)', ({ argv, name }) =>
    isInteractive(argv?.join(' ') ?? name, programs),
  );
  return [
    builtin('failed', { status: ['failed', 'timeout', 'lost'] }, [NOT_TYPED, INNER, UNBEGUN]),
    builtin('waiting', { attention: ['waiting'] }, [NOT_TYPED]),
    builtin(
      'long_command',
      { kind: ['command'], status: ['completed', 'failed', 'timeout', 'lost'], longerThan: LONG_COMMAND_MS },
      [operated],
    ),
  ];
}

/**
 * Rules in the order of the configuration.
 * @param interactive The key `alerts.interactive`: programs that the rule `long_command` leaves out.
 */
export function createRules(
  configured: readonly (RuleConfig | typeof BUILTIN)[] = [BUILTIN],
  interactive: readonly string[] = [BUILTIN],
): Rule[] {
  return configured.flatMap((rule) => (rule === BUILTIN ? createBuiltins(interactive) : [compile(rule, false)]));
}

function builtin(name: string, when: Conditions, exceptions: readonly Test[]): Rule {
  const rule = compile({ name, when, notify: ['desktop'], throttle: 0, repeat: 'each' }, true);
  return { ...rule, moments: [...rule.moments, ...exceptions] };
}

function compile(config: RuleConfig, isBuiltin: boolean): Rule {
  const { when } = config;
  const types = typesOf(when);
  return {
    ...config,
    throttle: isAboutLines(when) ? Math.max(config.throttle, OUTPUT_THROTTLE_MS) : config.throttle,
    types: new Set(types.filter((type) => type !== UNTOLD)),
    filters: filterTests(when),
    moments: types.length === 0 ? [] : momentTests(when),
    ...(types.length === 0 && when.longerThan !== undefined && { during: when.longerThan }),
    isRecurring: when.resource !== undefined || when.tokensPerMinute !== undefined,
    isLasting: types.some((type) => MEASURED[type]?.some((key) => when[key] !== undefined)),
    isBuiltin,
  };
}

/** Types of events that report figures, with the conditions on them. */
const MEASURED: Readonly<Record<string, readonly (keyof Conditions)[]>> = {
  resource_update: ['resource'],
  activity: ['costUsd', 'tokensPerMinute'],
};

function isAboutLines({ output, level }: Conditions): boolean {
  return output !== undefined || level !== undefined;
}

/** Those that are given, else those that the other conditions are about; none for a time that passes. */
function typesOf(when: Conditions): string[] {
  const { type, status, exitStatus, attention, step, output, level, resource, longerThan, costUsd, tokensPerMinute } =
    when;
  if (type) return [...type];
  if (level) return ['log'];
  if (output !== undefined) return ['output', 'log'];
  if (attention) return ['attention'];
  if (step) return ['step_failed', 'step_timeout'];
  if (resource) return ['resource_update'];
  const isAboutEnds = status !== undefined || exitStatus !== undefined;
  if (!isAboutEnds && (costUsd !== undefined || tokensPerMinute)) return ['activity'];
  if (longerThan !== undefined && !isAboutEnds) return [];
  return Object.keys(EXECUTION_ENDS).filter(
    (end) => !status || status.some((one) => EXECUTION_ENDS[end] === (one === 'recovered' ? 'completed' : one)),
  );
}

/** Everything but this. */
function besides(why: string, is: (execution: Execution) => boolean): Test {
  return { holds: ({ execution }) => execution !== undefined && !is(execution), why: () => why };
}
