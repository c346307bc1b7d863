/**
 * Schema of the configuration: every key with its bounds and default. A new key needs an item in progress-config(5).
 *
 * The validation of the file, `config get`, completion, the JSON Schema and the test of the manual use it.
 */
import * as v from 'valibot';
import { BUILTIN, RULES } from './alert-schema.js';
import { CHANNELS } from './channel-schema.js';
import {
  choice,
  count,
  duration,
  type Fallback,
  flag,
  group,
  insideOf,
  type ValueType,
  listOf,
  mapping,
  type ValueMeaning,
  meaningOf,
  pattern,
  size,
  text,
  withDefault,
} from './value-types.js';
import { type Agent, AGENT_NAMES, AGENTS } from '../core/agents.js';
import { isIdentifier } from '../core/events/identifier.js';
import { isProgramEntry } from '../core/text/interactive.js';
import { DEFAULT_SLOTS, MAX_SLOTS } from '../core/state/queues.js';

/** The same as in `runner/settings.ts`, which does not load the configuration. */
const OUTPUT_LIMIT = '64MiB';
/** Bounds the cost of an event: each mask is searched in every text. */
const MAX_MASKS = 100;
const PROGRAM_WANTED = 'a program with conditions on its arguments, like "git log", or builtin';
const MAX_PROGRAMS = 1_000;
/** Bounds the cost of a command: each pattern is compared with every command of a shell. */
const MAX_IGNORED = 1_000;

export const SCHEMA = group({
  journal: settings({
    segmentSize: withDefault(
      size('64KiB', '1GiB', 'A journal file of this size is closed and the next one begun.'),
      '16MiB',
    ),
    segmentAge: withDefault(
      duration('1m', '365d', 'A journal file of this age is closed and the next one begun.'),
      '24h',
    ),
    sync: withDefault(choice(['interval', 'always', 'never'], 'When written events are forced to disk.'), 'interval'),
    retainAge: withDefault(duration('1m', '3650d', 'Closed journal files older than this are removed.'), '7d'),
    retainSize: withDefault(
      size('1MiB', '1TiB', 'The oldest closed journal files beyond this total are removed.'),
      '1GiB',
    ),
  }),
  socket: settings({
    maxConnections: withDefault(count(8, 65_536, 'Connections that the daemon serves at a time.'), 512),
  }),
  memory: settings({
    open: withDefault(
      count(1, 100_000, 'Open executions that the daemon keeps in memory whole; it keeps summaries of the others.'),
      1_000,
    ),
    ended: withDefault(count(0, 100_000, 'Ended executions that the daemon keeps in memory whole.'), 1_000),
    summaries: withDefault(
      count(0, 1_000_000, 'Ended executions that the daemon keeps in memory as summaries.'),
      10_000,
    ),
  }),
  daemon: settings({
    logSize: withDefault(size('16KiB', '1GiB', "The daemon's own log is rotated at this size."), '1MiB'),
    startWithShell: withDefault(flag('Start the daemon when an interactive shell loads the hooks.'), true),
  }),
  alerts: settings({
    desktop: withDefault(flag('Show notifications on the desktop.'), true),
    rate: withDefault(
      count(1, 1_000, 'Maximum alerts per minute over one channel; of further ones only the number is sent.'),
      20,
    ),
    retryFor: withDefault(duration('1m', '30d', 'How long the delivery of an alert is retried.'), '24h'),
    interactive: withDefault(
      listOf(
        text(PROGRAM_WANTED, 'A program.', isProgramEntry),
        MAX_PROGRAMS,
        'Interactive programs, whose end triggers no alert if they were typed at a prompt.',
      ),
      [BUILTIN],
    ),
  }),
  rules: withDefault(RULES, [BUILTIN]),
  channels: withDefault(CHANNELS, {}),
  masks: withDefault(
    listOf(
      pattern('A regular expression (RE2).'),
      MAX_MASKS,
      'Patterns masked in command lines and output, in addition to secrets of known shapes.',
    ),
    [],
  ),
  ignore: settings({
    commands: withDefault(
      listOf(
        text('a text with * and ?', 'A pattern.'),
        MAX_IGNORED,
        'Patterns of command lines of a shell that are not recorded.',
      ),
      [],
    ),
    directories: withDefault(
      listOf(
        text('a text with * and ?', 'A pattern.'),
        MAX_IGNORED,
        'Patterns of directories in which no command of a shell is recorded.',
      ),
      [],
    ),
  }),
  queues: withDefault(
    mapping(
      group({
        slots: withDefault(count(1, MAX_SLOTS, 'Number of runs at a time.'), DEFAULT_SLOTS),
        paused: withDefault(flag('Start no runs.'), false),
      }),
      { isName: (name) => isIdentifier(name), wanted: 'the name of a queue' },
      'Queues with their slots, by their names.',
    ),
    {},
  ),
  runs: settings({
    outputLimit: withDefault(
      size('64KiB', '128MiB', 'Output kept of one run; beyond it the oldest part is dropped.'),
      OUTPUT_LIMIT,
    ),
  }),
  follow: settings({
    ...followedAgents(),
    backfill: withDefault(duration('1m', '365d', 'Session files that were modified within this time are read.'), '24h'),
    silence: withDefault(
      duration('1m', '365d', 'A session without a process counts as ended after this long without activity.'),
      '30m',
    ),
  }),
  silence: settings({
    after: withDefault(
      duration('10s', '30d', 'Minimum time without activity before an execution counts as silent.'),
      '2m',
    ),
    factor: withDefault(count(1, 1_000, 'Minimum multiple of the usual inactivity of executions of its name.'), 3),
  }),
  watch: settings({ rate: withDefault(count(1, 60, 'Updates per second of a display.'), 10) }),
  web: settings({
    enabled: withDefault(flag('The viewer listens whenever the daemon runs.'), false),
    port: withDefault(count(1_024, 65_535, 'Port of the viewer; if it is in use, the next free one.'), 7_878),
    maxStreams: withDefault(count(1, 10_000, 'HTTP streams that the daemon serves at a time.'), 100),
    heartbeat: withDefault(duration('1s', '10m', 'Interval of heartbeats on an idle HTTP stream.'), '30s'),
  }),
});

/** Creates the flag of each agent. */
function followedAgents() {
  const flags = AGENTS.map((agent) => {
    const { title } = AGENT_NAMES[agent];
    return [agent, withDefault(flag(`Follow the session files of ${title}.`), false)] as const;
  });
  return Object.fromEntries(flags) as Record<Agent, (typeof flags)[number][1]>;
}

/** Creates the schema of an optional group. */
function settings<const Entries extends v.ObjectEntries>(entries: Entries) {
  const schema: ValueType<v.InferOutput<v.ObjectSchema<Entries, undefined>>> = group(entries);
  return v.nullish(schema, {});
}

type Parsed = v.InferOutput<typeof SCHEMA>;

/** The configuration; sizes are in bytes, durations in milliseconds. */
export type Config = { readonly [Key in keyof Parsed]: Readonly<Parsed[Key]> };

export interface ConfigKey extends ValueMeaning {
  /** Full key: `journal.segmentSize`. */
  key: string;
  /** Default as written in the file; lists and mappings as JSON. */
  default: string;
}

/** Returns every key that has a default, in the order of the manual. */
export function configKeys(): ConfigKey[] {
  return Object.entries<ValueType<unknown>>(SCHEMA.entries).flatMap(([name, schema]) => keysOf(name, schema));
}

function keysOf(key: string, schema: ValueType<unknown>): ConfigKey[] {
  const { wrapped, default: fallback } = schema as unknown as v.OptionalSchema<ValueType<unknown>, Fallback>;
  const meaning = meaningOf(wrapped);
  if (meaning)
    return [{ ...meaning, key, default: typeof fallback === 'object' ? JSON.stringify(fallback) : String(fallback) }];
  return Object.entries(insideOf(wrapped, {}).entries ?? {}).flatMap(([name, entry]) =>
    keysOf(`${key}.${name}`, entry),
  );
}
