/** Schema of the alert rules in the configuration, and the check that the channels they name exist. */
import type { Conditions, ResourceCondition, TokenRate } from '../api/conditions.js';
import * as v from 'valibot';
import {
  BUILTIN_CHANNELS,
  type ChannelConfig,
  isName,
  MAX_ALTERNATIVES,
  NAME_WANTED,
  unknownChannel,
} from './channel-schema.js';
import {
  choice,
  count,
  decimal,
  duration,
  either,
  group,
  type ValueType,
  listOf,
  mapping,
  oneOrMore,
  pattern,
  size,
  text,
  withDefault,
  wrong,
} from './value-types.js';
import type { Severity } from '../core/state/alerts.js';
import { SEVERITIES } from '../core/state/alerts.js';
import { toLevel } from '../core/events/conversions.js';
import { FINAL_STATUSES } from '../core/events/event.js';
import { EXECUTION_KINDS } from '../core/execution.js';
import { type Level, LEVELS } from '../core/events/filter.js';
import { isIdentifier, MAX_TYPE_CHARS } from '../core/events/identifier.js';
import { isObject } from '../core/events/fields.js';

/** Placeholder for the built-in items in a list of the configuration. */
export const BUILTIN = 'builtin';
/** Maximum number of rules: each is evaluated for each event of its types, so it bounds the cost of an event. */
const MAX_RULES = 500;
const MAX_PATTERN_CHARS = 256;

export interface RuleConfig {
  /** Unique among the rules. */
  readonly name: string;
  readonly when: Conditions;
  /** Names of channels. */
  readonly notify: readonly string[];
  /** Derived from the event if absent. */
  readonly severity?: Severity;
  /** Minimum milliseconds between alerts for one execution; 0: no minimum. */
  readonly throttle: number;
  /** `streak`: once for all executions of a name, until one of them succeeds. */
  readonly repeat: 'each' | 'streak';
}

function globs(description: string) {
  const wanted = 'a text with * and ?';
  return oneOrMore(glob(wanted, description), MAX_ALTERNATIVES, description);
}

function glob(wanted: string, description: string): ValueType<string> {
  return text(wanted, description, (value) => value.length <= MAX_PATTERN_CHARS);
}

function anyOf<Value>(item: ValueType<Value>, description: string) {
  return v.exactOptional(oneOrMore(item, MAX_ALTERNATIVES, description));
}

const RESOURCE: ValueType<ResourceCondition> = v.pipe(
  group({
    cpu: v.exactOptional(count(1, 1_000_000, 'More than this percentage of one core.')),
    memory: v.exactOptional(size('1KiB', '1024TiB', 'More memory than this.')),
    for: withDefault(duration('0s', '365d', 'The whole time.'), '1m'),
  }),
  v.check(({ cpu, memory }) => cpu !== undefined || memory !== undefined, 'needs cpu, memory or both'),
);

const LEVEL: ValueType<Level> = v.pipe(
  text(
    `one of ${LEVELS.join(', ')}, or a common alias`,
    'Messages of this level or a worse one.',
    (value) => toLevel(value) !== undefined,
  ),
  v.transform((value) => LEVELS.find((level) => level === toLevel(value)) ?? 'info'),
);

const TOKENS = count(1, 1_000_000_000, 'More tokens a minute than this.');
const TOKEN_WINDOW = '5m';
const TOKEN_GROUP: ValueType<TokenRate> = group({
  above: TOKENS,
  window: withDefault(duration('10s', '1d', 'On average over this time.'), TOKEN_WINDOW),
});
const TOKEN_RATE: ValueType<TokenRate> = v.pipe(
  either<number | TokenRate>([TOKENS, TOKEN_GROUP], (value) => (isObject(value) ? TOKEN_GROUP : TOKENS)),
  v.transform((value) => (typeof value === 'number' ? { above: value, window: 300_000 } : value)),
);

const CONDITIONS: ValueType<Conditions> = v.pipe(
  group({
    type: anyOf(
      text('a type of events', 'Types of events.', (value) => isIdentifier(value, MAX_TYPE_CHARS)),
      'Types of events.',
    ),
    status: anyOf(choice([...FINAL_STATUSES, 'recovered'], 'A status.'), 'How the execution ended.'),
    attention: anyOf(choice(['waiting', 'silent'], 'A kind of attention.'), 'What the execution needs attention for.'),
    kind: anyOf(choice(EXECUTION_KINDS, 'A kind.'), 'Kinds of executions.'),
    agent: v.exactOptional(globs('Patterns of the name of the agent.')),
    name: v.exactOptional(globs('Patterns of the name of the execution.')),
    label: v.exactOptional(
      mapping(
        glob('a text with * and ?', 'A pattern of the value.'),
        { isName: (name) => isIdentifier(name), wanted: 'the name of a label' },
        'Patterns of the values of labels, by their names.',
      ),
    ),
    longerThan: v.exactOptional(duration('1ms', '365d', 'The execution took longer than this.')),
    exitStatus: anyOf(count(0, 255, 'An exit status.'), 'Exit statuses of the execution.'),
    queue: v.exactOptional(globs('Patterns of the name of the queue.')),
    level: v.exactOptional(LEVEL),
    costUsd: v.exactOptional(decimal(0.01, 1_000_000, 'The execution has cost more US dollars than this.')),
    tokensPerMinute: v.exactOptional(TOKEN_RATE),
    resource: v.exactOptional(RESOURCE),
    output: v.exactOptional(pattern('A regular expression (RE2) on lines of output and messages of the log.')),
    step: v.exactOptional(globs('Patterns of the name of a step that failed or timed out.')),
  }),
  v.check((conditions) => Object.keys(conditions).length > 0, 'needs at least one condition'),
);

const RULE: ValueType<RuleConfig> = group({
  name: text(NAME_WANTED, 'The name of the rule.', (value) => isName(value) && value !== BUILTIN),
  when: CONDITIONS,
  notify: withDefault(
    oneOrMore(text('the name of a channel', 'A channel.'), MAX_ALTERNATIVES, 'Channels to send the alerts over.'),
    'desktop',
  ),
  severity: v.exactOptional(choice(SEVERITIES, 'Severity of the alerts.')),
  throttle: withDefault(duration('0s', '30d', 'Minimum time between alerts for one execution; 0s: none.'), '0s'),
  repeat: withDefault(
    choice(['each', 'streak'], 'Each time, or once for a name until an execution of that name succeeds.'),
    'each',
  ),
});

const BUILTIN_ENTRY = v.literal(BUILTIN, wrong(`a rule, or ${BUILTIN} for the built-in rules`));

export const RULES = listOf(
  either<RuleConfig | typeof BUILTIN>([RULE, BUILTIN_ENTRY], (value) => (isObject(value) ? RULE : BUILTIN_ENTRY)),
  MAX_RULES,
  'Which events are alerted, and over which channels.',
);

/** Finds errors between valid rules and channels: duplicate rules, unknown channels, built-in channels of another type. */
export function findWrongReferences({ rules, channels }: AlertsConfig): Problem[] {
  const known = [...new Set([...BUILTIN_CHANNELS, ...Object.keys(channels)])];
  const names = rules.map((rule) => (rule === BUILTIN ? rule : rule.name));
  const mistyped = BUILTIN_CHANNELS.filter((name) => (channels[name]?.type ?? name) !== name);
  const ofRules = rules.flatMap((rule, at) => {
    const path = ['rules', at, ...(rule === BUILTIN ? [] : ['name'])];
    const isSecond = names.indexOf(names[at] ?? '') < at;
    const twice = isSecond ? [{ path, message: `is the second rule ${names[at] ?? ''}` }] : [];
    const notify = rule === BUILTIN ? [] : rule.notify;
    const unknown = notify.flatMap((channel, index) => {
      if (known.includes(channel)) return [];
      return [{ path: ['rules', at, 'notify', index], message: unknownChannel(channel, known) }];
    });
    return [...twice, ...unknown];
  });
  const ofChannels = mistyped.map((name) => ({ path: ['channels', name, 'type'], message: `must be ${name} here` }));
  return [...ofRules, ...ofChannels];
}

interface Problem {
  path: (string | number)[];
  message: string;
}

export interface AlertsConfig {
  readonly rules: readonly (RuleConfig | typeof BUILTIN)[];
  readonly channels: Readonly<Record<string, ChannelConfig>>;
}
