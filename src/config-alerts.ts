/** What of the configuration is about alerts: rules, and the channels over which they tell. */
import * as v from 'valibot';
import {
  choice,
  count,
  duration,
  either,
  file,
  group,
  type Kind,
  list,
  looseGroup,
  mapping,
  type Naming,
  oneOrMore,
  pattern,
  shorten,
  size,
  text,
  variable,
  withDefault,
  wrong,
} from './config-kinds.js';
import { FINAL_STATUSES, type FinalStatus } from './core/event.js';
import { isIdentifier, MAX_TYPE_CHARS } from './core/identifier.js';
import { findNearest } from './core/nearest.js';

/** Stands in the list of rules for those that are there without a configuration. */
export const BUILTIN = 'builtin';
/** Channels that are there without being configured. */
export const BUILTIN_CHANNELS: readonly string[] = ['desktop', 'bell'];

/** Each rule is asked about each event of the types that it needs. */
const MAX_RULES = 500;
/** Whoever needs more of them wants a pattern. */
const MAX_ALTERNATIVES = 100;
const MAX_PATTERN_CHARS = 256;

export interface RuleConfig {
  /** Unique among the rules. */
  readonly name: string;
  readonly when: Conditions;
  /** Names of channels. */
  readonly notify: readonly string[];
  /** For one execution at most once in so many milliseconds; 0: each time. */
  readonly throttle: number;
  /** `streak`: of executions of one name once, until one of them succeeds. */
  readonly repeat: 'each' | 'streak';
}

/** All that is given must hold; of a list any. Patterns match whole texts, with `*` and `?`. */
export interface Conditions {
  /** Types of events. */
  readonly type?: readonly string[];
  /** Of the execution, at its end; `recovered`: the first success of its name after a failure. */
  readonly status?: readonly (FinalStatus | 'recovered')[];
  readonly attention?: readonly ('waiting' | 'silent')[];
  readonly kind?: readonly string[];
  /** A pattern, as are name, queue, step and the values of label. */
  readonly agent?: readonly string[];
  readonly name?: readonly string[];
  readonly label?: Readonly<Record<string, string>>;
  /** In milliseconds. */
  readonly longerThan?: number;
  readonly exitStatus?: readonly number[];
  readonly queue?: readonly string[];
  readonly resource?: ResourceCondition;
  /** A regular expression (RE2), on lines of output and messages of the log. */
  readonly output?: string;
  /** A step of this name failed or timed out. */
  readonly step?: readonly string[];
}

/** Above each of the given thresholds for so many milliseconds without a break. */
export interface ResourceCondition {
  /** Percent of one core. */
  readonly cpu?: number;
  /** In bytes. */
  readonly memory?: number;
  readonly for: number;
}

export type ChannelConfig = WebhookConfig | EmailConfig | CommandConfig;

/** Exactly one of url, urlEnv and urlFile is given. What ends with Env names a variable, what ends with File a file. */
export interface WebhookConfig {
  readonly type: 'webhook';
  readonly url?: string;
  readonly urlEnv?: string;
  readonly urlFile?: string;
  readonly secretEnv?: string;
  readonly secretFile?: string;
  readonly tokenEnv?: string;
  readonly tokenFile?: string;
  /** Certificates of authorities that are trusted besides those that Node knows. */
  readonly caFile?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly template: 'json' | 'slack' | 'ntfy';
  /** In milliseconds. */
  readonly timeout: number;
}

export interface EmailConfig {
  readonly type: 'email';
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'starttls' | 'none';
  readonly user?: string;
  readonly passwordEnv?: string;
  readonly passwordFile?: string;
  readonly caFile?: string;
  readonly from: string;
  readonly to: readonly string[];
  /** In milliseconds. */
  readonly timeout: number;
}

export interface CommandConfig {
  readonly type: 'command';
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** In milliseconds. */
  readonly timeout: number;
}

const NAME_WANTED = 'at most 64 of a-z, 0-9, _ and -';

function isName(value: string): boolean {
  return /^[a-z0-9_-]{1,64}$/.test(value);
}

function globs(description: string) {
  const wanted = 'a text with * and ?';
  return oneOrMore(glob(wanted, description), MAX_ALTERNATIVES, description);
}

function glob(wanted: string, description: string): Kind<string> {
  return text(wanted, description, (value) => value.length <= MAX_PATTERN_CHARS);
}

function anyOf<Value>(item: Kind<Value>, description: string) {
  return v.exactOptional(oneOrMore(item, MAX_ALTERNATIVES, description));
}

const RESOURCE: Kind<ResourceCondition> = v.pipe(
  group({
    cpu: v.exactOptional(count(1, 1_000_000, 'More than so many percent of one core.')),
    memory: v.exactOptional(size('1KiB', '1024TiB', 'More memory than this.')),
    for: withDefault(duration('0s', '365d', 'The whole time.'), '1m'),
  }),
  v.check(({ cpu, memory }) => cpu !== undefined || memory !== undefined, 'needs cpu, memory or both'),
);

const CONDITIONS: Kind<Conditions> = v.pipe(
  group({
    type: anyOf(
      text('a type of events', 'Types of events.', (value) => isIdentifier(value, MAX_TYPE_CHARS)),
      'Types of events.',
    ),
    status: anyOf(choice([...FINAL_STATUSES, 'recovered'], 'A status.'), 'How the execution ended.'),
    attention: anyOf(choice(['waiting', 'silent'], 'A kind of attention.'), 'What the execution needs attention for.'),
    kind: anyOf(choice(['command', 'run', 'agent', 'task'], 'A kind.'), 'Kinds of executions.'),
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
    resource: v.exactOptional(RESOURCE),
    output: v.exactOptional(pattern('A regular expression (RE2) on lines of output and messages of the log.')),
    step: v.exactOptional(globs('Patterns of the name of a step that failed or timed out.')),
  }),
  v.check((conditions) => Object.keys(conditions).length > 0, 'needs at least one condition'),
);

const RULE: Kind<RuleConfig> = group({
  name: text(NAME_WANTED, 'The name of the rule.', (value) => isName(value) && value !== BUILTIN),
  when: CONDITIONS,
  notify: withDefault(
    oneOrMore(text('the name of a channel', 'A channel.'), MAX_ALTERNATIVES, 'The channels that are told.'),
    'desktop',
  ),
  throttle: withDefault(duration('0s', '30d', 'For one execution at most once in so long; 0s: each time.'), '0s'),
  repeat: withDefault(
    choice(['each', 'streak'], 'Each time, or once for a name until an execution of that name succeeds.'),
    'each',
  ),
});

const BUILTIN_ENTRY = v.literal(BUILTIN, wrong(`a rule, or ${BUILTIN} for those that are there without configuration`));

export const RULES = list(
  either<RuleConfig | typeof BUILTIN>([RULE, BUILTIN_ENTRY], (value) => (isMapping(value) ? RULE : BUILTIN_ENTRY)),
  MAX_RULES,
  'Which events are told, and over which channels.',
);

const URL_WANTED = 'a URL with http or https, and without user and password';

function isUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '';
}

/** These are secrets, or belong to the protocol. */
const REFUSED_HEADERS = new Set(
  'authorization cookie proxy-authorization host connection content-length transfer-encoding'.split(' '),
);

const HEADER: Naming = {
  isName: (name) => /^[!#$%&'*+.^`|~\w-]{1,128}$/.test(name) && !REFUSED_HEADERS.has(name.toLowerCase()),
  wanted: 'the name of a header; for Authorization use tokenEnv or tokenFile',
};

const CA_FILE = 'A file of certificates (PEM) that are trusted, besides those of public authorities.';
const TIMEOUT = 'An attempt that takes longer has failed.';

const WEBHOOK: Kind<WebhookConfig> = v.pipe(
  group({
    type: v.literal('webhook'),
    url: v.exactOptional(text(URL_WANTED, 'Where the alert is sent.', isUrl, `is not ${URL_WANTED}`)),
    urlEnv: v.exactOptional(variable('A variable that holds the URL, which may be a secret.')),
    urlFile: v.exactOptional(file('A file that holds the URL.')),
    secretEnv: v.exactOptional(variable('A variable that holds the secret to sign with.')),
    secretFile: v.exactOptional(file('A file that holds the secret to sign with.')),
    tokenEnv: v.exactOptional(variable('A variable that holds the token, sent as `Authorization: Bearer`.')),
    tokenFile: v.exactOptional(file('A file that holds the token.')),
    caFile: v.exactOptional(file(CA_FILE)),
    headers: withDefault(
      mapping(
        text('a text of ASCII', 'A value.', (value) => /^[\x20-\x7e]*$/.test(value)),
        HEADER,
        'Headers that are sent, besides.',
      ),
      {},
    ),
    template: withDefault(choice(['json', 'slack', 'ntfy'], 'What the body looks like.'), 'json'),
    timeout: withDefault(duration('1s', '5m', TIMEOUT), '10s'),
  }),
  v.check((channel) => countOf(channel, 'url', 'urlEnv', 'urlFile') === 1, 'needs one of url, urlEnv and urlFile'),
  v.check((channel) => countOf(channel, 'secretEnv', 'secretFile') < 2, 'takes one of secretEnv and secretFile'),
  v.check((channel) => countOf(channel, 'tokenEnv', 'tokenFile') < 2, 'takes one of tokenEnv and tokenFile'),
);

/** Where servers listen for each kind of security. */
const PORTS = { tls: 465, starttls: 587, none: 25 };

const ADDRESS_WANTED = 'an address like name@example.org, or Name <name@example.org>';

/** One address; what it is good for only the server knows. */
function isAddress(value: string): boolean {
  const [, named] = /^[^<>@",;:\\]* <([^<>]+)>$/.exec(value) ?? [];
  return /^[^\s@<>()[\],;:\\"]{1,64}@[^\s@<>()[\],;:\\"]{1,255}$/.test(named ?? value);
}

const EMAIL: Kind<EmailConfig> = v.pipe(
  group({
    type: v.literal('email'),
    host: text('the name of a server', 'The SMTP server.', (value) => /^[\w.:-]{1,255}$/.test(value)),
    port: v.exactOptional(count(1, 65_535, 'Its port: 465 with tls, 587 with starttls, 25 with none.')),
    security: withDefault(choice(['tls', 'starttls', 'none'], 'How the connection is encrypted.'), 'starttls'),
    user: v.exactOptional(text('a name', 'Who logs in.')),
    passwordEnv: v.exactOptional(variable('A variable that holds the password.')),
    passwordFile: v.exactOptional(file('A file that holds the password.')),
    caFile: v.exactOptional(file(CA_FILE)),
    from: text(ADDRESS_WANTED, 'The sender.', isAddress),
    to: oneOrMore(text(ADDRESS_WANTED, 'An address.', isAddress), MAX_ALTERNATIVES, 'The recipients.'),
    timeout: withDefault(duration('1s', '5m', TIMEOUT), '30s'),
  }),
  v.check(
    (channel) => countOf(channel, 'passwordEnv', 'passwordFile') === countOf(channel, 'user'),
    'needs one of passwordEnv and passwordFile for user, and none without',
  ),
  v.transform(({ port, ...channel }) => ({ ...channel, port: port ?? PORTS[channel.security] })),
);

const COMMAND: Kind<CommandConfig> = group({
  type: v.literal('command'),
  command: oneOrMore(text('a word', 'A word.'), MAX_ALTERNATIVES, 'The program and its arguments.'),
  timeout: withDefault(duration('1s', '5m', TIMEOUT), '30s'),
});

function countOf(channel: object, ...keys: string[]): number {
  return keys.filter((key) => key in channel).length;
}

const TYPES = { webhook: WEBHOOK, email: EMAIL, command: COMMAND };

/** What is said of a channel without one of these types. */
const NO_TYPE: Kind<never> = v.pipe(
  looseGroup({ type: choice(Object.keys(TYPES), 'The kind of channel.') }),
  v.never(),
);

export const CHANNELS = mapping(
  either<ChannelConfig>(Object.values(TYPES), (value) => {
    const type = isMapping(value) && 'type' in value ? value.type : undefined;
    return Object.entries(TYPES).find(([name]) => name === type)?.[1] ?? NO_TYPE;
  }),
  {
    isName: (name) => isName(name) && !BUILTIN_CHANNELS.includes(name),
    wanted: `${NAME_WANTED}, and not ${BUILTIN_CHANNELS.join(' or ')}, which are there without configuration`,
  },
  'Over which rules may tell, by their names.',
);

function isMapping(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is wrong between rules and channels that are right each for itself. */
export function findWrongReferences({ rules, channels }: AlertsConfig): Problem[] {
  const known = [...BUILTIN_CHANNELS, ...Object.keys(channels)];
  const names = rules.map((rule) => (rule === BUILTIN ? rule : rule.name));
  return rules.flatMap((rule, at) => {
    const path = ['rules', at, ...(rule === BUILTIN ? [] : ['name'])];
    const isSecond = names.indexOf(names[at] ?? '') < at;
    const twice = isSecond ? [{ path, message: `is the second rule ${names[at] ?? ''}` }] : [];
    const notify = rule === BUILTIN ? [] : rule.notify;
    const unknown = notify.flatMap((channel, index) => {
      if (known.includes(channel)) return [];
      const nearest = findNearest(channel, known);
      const advice = nearest === undefined ? `there are ${known.join(', ')}` : `did you mean ${nearest}?`;
      const message = `there is no channel ${JSON.stringify(shorten(channel))}; ${advice}`;
      return [{ path: ['rules', at, 'notify', index], message }];
    });
    return [...twice, ...unknown];
  });
}

interface Problem {
  path: (string | number)[];
  message: string;
}

export interface AlertsConfig {
  readonly rules: readonly (RuleConfig | typeof BUILTIN)[];
  readonly channels: Readonly<Record<string, ChannelConfig>>;
}
