/** Schema of the alert channels in the configuration. */
import * as v from 'valibot';
import {
  choice,
  commandLine,
  count,
  duration,
  either,
  file,
  group,
  type ValueType,
  looseGroup,
  mapping,
  type Naming,
  oneOrMore,
  shorten,
  text,
  variable,
  withDefault,
} from './value-types.js';
import type { Severity } from '../core/state/alerts.js';
import { SEVERITIES } from '../core/state/alerts.js';
import { isObject } from '../core/events/fields.js';
import { suggest } from '../core/text/suggest.js';
import { parseQuietHours, type QuietHours } from '../core/text/quiet-hours.js';

/** Channels that exist without configuration. */
export const BUILTIN_CHANNELS: readonly string[] = ['desktop', 'bell'];

/** Maximum length of a list of alternatives; a pattern replaces longer ones. */
export const MAX_ALTERNATIVES = 100;

/** Settings of channels of all types. */
export interface ChannelBase {
  /** Alerts of a lower severity are not sent. */
  readonly severity?: Severity;
  /** Hours in which alerts are held, except critical ones. */
  readonly quiet?: readonly QuietHours[];
}

export type ChannelConfig = WebhookConfig | EmailConfig | CommandConfig | LocalConfig;

/** Exactly one of url, urlEnv and urlFile is given. Keys in -Env name a variable, keys in -File a file. */
export interface WebhookConfig extends ChannelBase {
  readonly type: 'webhook';
  readonly url?: string;
  readonly urlEnv?: string;
  readonly urlFile?: string;
  readonly secretEnv?: string;
  readonly secretFile?: string;
  readonly tokenEnv?: string;
  readonly tokenFile?: string;
  /** Certificates that are trusted in addition to those of Node. */
  readonly caFile?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly template: 'json' | 'slack' | 'ntfy';
  /** In milliseconds. */
  readonly timeout: number;
}

export interface EmailConfig extends ChannelBase {
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

export interface CommandConfig extends ChannelBase {
  readonly type: 'command';
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** In milliseconds. */
  readonly timeout: number;
}

/** Desktop notifications and the bell of terminals, which need no settings. */
export interface LocalConfig extends ChannelBase {
  readonly type: 'desktop' | 'bell';
}

export const NAME_WANTED = 'at most 64 of a-z, 0-9, _ and -';

export function isName(value: string): boolean {
  return /^[a-z0-9_-]{1,64}$/.test(value);
}

const QUIET_WANTED = 'hours like "22:00-07:00" or "mon-fri 22:00-07:00"';
const QUIET: ValueType<QuietHours> = v.pipe(
  text(QUIET_WANTED, 'Hours of the day.', (value) => parseQuietHours(value) !== undefined),
  v.transform((value) => parseQuietHours(value) ?? { from: 0, to: 0, days: [] }),
);
const MAX_QUIET = 20;

const BASE = {
  quiet: v.exactOptional(oneOrMore(QUIET, MAX_QUIET, 'Hours in which alerts are held, except critical ones.')),
  severity: v.exactOptional(choice(SEVERITIES, 'Minimum severity of alerts that are sent.')),
};

const URL_WANTED = 'a URL with http or https, and without user and password';

function isUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '';
}

/** Headers that are secrets, or belong to the protocol. */
const REFUSED_HEADERS = new Set(
  'authorization cookie proxy-authorization host connection content-length transfer-encoding'.split(' '),
);

const HEADER: Naming = {
  isName: (name) => /^[!#$%&'*+.^`|~\w-]{1,128}$/.test(name) && !REFUSED_HEADERS.has(name.toLowerCase()),
  wanted: 'the name of a header; for Authorization use tokenEnv or tokenFile',
};

const CA_FILE = 'A file of certificates (PEM) that are trusted, in addition to public authorities.';
const TIMEOUT = 'Timeout of an attempt.';

const URL_KEYS = ['url', 'urlEnv', 'urlFile'];
const WEBHOOK: ValueType<WebhookConfig> = v.pipe(
  group({
    type: v.literal('webhook'),
    ...BASE,
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
        'Additional headers.',
      ),
      {},
    ),
    template: withDefault(choice(['json', 'slack', 'ntfy'], 'Format of the body.'), 'json'),
    timeout: withDefault(duration('1s', '5m', TIMEOUT), '10s'),
  }),
  v.check((channel) => givenOf(channel, URL_KEYS).length > 0, 'needs one of url, urlEnv and urlFile'),
  atMostOne(URL_KEYS),
  atMostOne(['secretEnv', 'secretFile']),
  atMostOne(['tokenEnv', 'tokenFile']),
);

/** Default ports by kind of security. */
const PORTS = { tls: 465, starttls: 587, none: 25 };

const ADDRESS_WANTED = 'an address like name@example.org, or Name <name@example.org>';

/** Whether a text has the form of an address; only the server can tell whether it exists. */
function isAddress(value: string): boolean {
  const [, named] = /^[^<>@",;:\\]* <([^<>]+)>$/.exec(value) ?? [];
  return /^[^\s@<>()[\],;:\\"]{1,64}@[^\s@<>()[\],;:\\"]{1,255}$/.test(named ?? value);
}

const PASSWORD_KEYS = ['passwordEnv', 'passwordFile'];
const EMAIL: ValueType<EmailConfig> = v.pipe(
  group({
    type: v.literal('email'),
    ...BASE,
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
  atMostOne(PASSWORD_KEYS),
  v.check(
    (channel) => givenOf(channel, PASSWORD_KEYS).length > 0 === 'user' in channel,
    'needs one of passwordEnv and passwordFile for user, and none without',
  ),
  v.transform(({ port, ...channel }) => ({ ...channel, port: port ?? PORTS[channel.security] })),
);

const COMMAND: ValueType<CommandConfig> = group({
  type: v.literal('command'),
  ...BASE,
  command: commandLine(MAX_ALTERNATIVES, 'The program and its arguments.'),
  timeout: withDefault(duration('1s', '5m', TIMEOUT), '30s'),
});

const DESKTOP: ValueType<LocalConfig> = group({ type: v.literal('desktop'), ...BASE });
const BELL: ValueType<LocalConfig> = group({ type: v.literal('bell'), ...BASE });

function givenOf(channel: unknown, keys: readonly string[]): string[] {
  return isObject(channel) ? keys.filter((key) => key in channel) : [];
}

/** Checks that at most one of several alternative keys is given. */
function atMostOne<Channel extends object>(keys: readonly string[]) {
  return v.check<Channel, (issue: { input: unknown }) => string>(
    (channel) => givenOf(channel, keys).length < 2,
    ({ input }) => {
      const given = givenOf(input, keys);
      return `${given.slice(0, -1).join(', ')} and ${given.at(-1) ?? ''} are given: keep one of them`;
    },
  );
}

const TYPES = { webhook: WEBHOOK, email: EMAIL, command: COMMAND, desktop: DESKTOP, bell: BELL };

/** Schema of a channel of an unknown type, for its error message. */
const NO_TYPE: ValueType<never> = v.pipe(
  looseGroup({ type: choice(Object.keys(TYPES), 'The kind of channel.') }),
  v.never(),
);

export const CHANNELS = mapping(
  either<ChannelConfig>(Object.values(TYPES), (value) => {
    const type = isObject(value) ? value['type'] : undefined;
    return Object.entries(TYPES).find(([name]) => name === type)?.[1] ?? NO_TYPE;
  }),
  { isName, wanted: NAME_WANTED },
  'Channels of alerts, by their names.',
);

/** Message about a channel that does not exist, with a suggestion. */
export function unknownChannel(name: string, known: readonly string[]): string {
  const nearest = suggest(name, known);
  const advice = nearest === undefined ? `there are ${known.join(', ')}` : `did you mean ${nearest}?`;
  return `there is no channel ${JSON.stringify(shorten(name))}; ${advice}`;
}
