/** Rules: the built-in ones and those of the configuration, as tests ordered by cost. */
import type { RuleConfig } from '../config/alert-schema.js';
import type { Conditions } from '../api/conditions.js';
import { BUILTIN } from '../config/alert-schema.js';
import { EXECUTION_ENDS } from '../core/events/event.js';
import type { Execution } from '../core/execution.js';
import { INTERACTIVE_PROGRAMS, isInteractive } from '../core/text/interactive.js';
import type { Test } from './matcher.js';
import { filterTests, momentTests } from './matcher.js';

export interface Rule extends RuleConfig {
  /** Types of events that it is evaluated for; none if only time decides. */
  readonly types: ReadonlySet<string>;
  /** Tests of constant properties of the execution. */
  readonly filters: readonly Test[];
  /** Tests that depend on the event. */
  readonly moments: readonly Test[];
  /** Fires for what still runs after this time, in milliseconds. */
  readonly during?: number;
  /** Fires again for an execution when its condition has not held in between. */
  readonly isRecurring: boolean;
  /** Is about a measurement: fires when it exceeds the threshold, and again when it has not in between. */
  readonly isLasting: boolean;
  readonly isBuiltin: boolean;
}

/** The user still watches a command that ends sooner. */
const LONG_COMMAND_MS = 30_000;
/** Minimum interval of alerts about output and messages, for each name. */
const OUTPUT_THROTTLE_MS = 10_000;
/** No rule is evaluated for alerts, which would raise alerts about themselves. */
const EXCLUDED = 'alert_triggered';

const NOT_TYPED = unless('it was typed at a prompt', ({ kind }) => kind === 'command');
/** The outer execution raises the alert. */
const INNER = unless('it runs within another execution, which raises the alert', ({ parent }) => parent !== undefined);
/** An execution without a start is not lost. */
const NOT_STARTED = unless('it has no start', ({ status, implicit }) => status === 'lost' && implicit === true);

/** The rules that exist without a configuration. */
function createBuiltins(interactive: readonly string[]): Rule[] {
  const programs = interactive.flatMap((entry) => (entry === BUILTIN ? INTERACTIVE_PROGRAMS : [entry]));
  const operated = unless('it is an interactive program (alerts.interactive)', ({ process: { argv } = {}, name }) =>
    isInteractive(argv?.join(' ') ?? name, programs),
  );
  return [
    builtin('failed', { status: ['failed', 'timeout', 'lost'] }, [NOT_TYPED, INNER, NOT_STARTED]),
    builtin('waiting', { attention: ['waiting'] }, [NOT_TYPED]),
    builtin(
      'long_command',
      { kind: ['command'], status: ['completed', 'failed', 'timeout', 'lost'], longerThan: LONG_COMMAND_MS },
      [operated],
    ),
  ];
}

/**
 * Creates rules in the order of the configuration.
 * @param interactive - `alerts.interactive`: programs that the rule `long_command` excludes
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
    types: new Set(types.filter((type) => type !== EXCLUDED)),
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

/** Types of events: those given, else those of the other conditions; none for a duration alone. */
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

/** Test that holds for all other executions. */
function unless(why: string, is: (execution: Execution) => boolean): Test {
  return { holds: ({ execution }) => execution !== undefined && !is(execution), why: () => why };
}
