/**
 * Every key of the configuration with its bounds and its default. A new one needs an item in progress-config(5).
 *
 * The file is validated by it; the test of the manual, completion, `config get` and the JSON Schema are derived from
 * it.
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
import { isIdentifier } from '../core/identifier.js';
import { isProgramEntry } from '../core/interactive.js';
import { DEFAULT_SLOTS, MAX_SLOTS } from '../core/queues.js';

/** As `runner/settings.ts` has it, which needs no configuration for it. */
const OUTPUT_LIMIT = '64MiB';
/** Each is looked for in all that is written. */
const MAX_MASKS = 100;
const PROGRAM_WANTED = 'a program and what its command line must have, like "git log", or builtin';
const MAX_PROGRAMS = 1_000;
/** Each is compared with every command of a shell. */
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
      count(1, 100_000, 'Open executions that the daemon keeps in memory whole; the others are there as a summary.'),
      1_000,
    ),
    ended: withDefault(count(0, 100_000, 'Ended executions that the daemon keeps in memory whole.'), 1_000),
    summaries: withDefault(
      count(0, 1_000_000, 'Ended executions that the daemon keeps in memory as a summary.'),
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
      count(1, 1_000, 'Alerts a minute over one channel; of those beyond it only the number is told.'),
      20,
    ),
    giveUp: withDefault(duration('1m', '30d', 'An alert that cannot be delivered is tried again for so long.'), '24h'),
    interactive: withDefault(
      listOf(
        text(PROGRAM_WANTED, 'A program.', isProgramEntry),
        MAX_PROGRAMS,
        'Interactive programs, whose end raises no alert when they were typed at a prompt.',
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
      'What is masked in command lines and output, besides secrets that are known by their shape.',
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
        slots: withDefault(count(1, MAX_SLOTS, 'How many may run at a time.'), DEFAULT_SLOTS),
        paused: withDefault(flag('Start nothing.'), false),
      }),
      { isName: (name) => isIdentifier(name), wanted: 'the name of a queue' },
      'Queues with their slots, by their names.',
    ),
    {},
  ),
  runs: settings({
    outputLimit: withDefault(
      size('64KiB', '128MiB', "Of one run's output: beyond it only the last part is kept."),
      OUTPUT_LIMIT,
    ),
  }),
  follow: settings({
    claude: withDefault(flag('Follow the sessions of Claude Code through the files that it keeps of them.'), false),
    codex: withDefault(flag('Follow the sessions of Codex through the files that it keeps of them.'), false),
    gemini: withDefault(flag('Follow the sessions of Gemini CLI through the files that it keeps of them.'), false),
    backfill: withDefault(
      duration('1m', '365d', 'Session files that were written to within this time are read.'),
      '24h',
    ),
    silence: withDefault(
      duration('1m', '365d', 'A session without a process is over when it was silent this long.'),
      '30m',
    ),
  }),
  silence: settings({
    after: withDefault(
      duration('10s', '30d', 'An execution without activity for this long counts as silent, not sooner.'),
      '2m',
    ),
    factor: withDefault(
      count(1, 1_000, 'And not before it was inactive this many times as long as usual for its name.'),
      3,
    ),
  }),
  watch: settings({ rate: withDefault(count(1, 60, 'Updates a second that a display asks for.'), 10) }),
  web: settings({
    enabled: withDefault(flag('The viewer listens whenever the daemon runs.'), false),
    port: withDefault(count(1_024, 65_535, 'Where the viewer listens, or on the next free port.'), 7_878),
    maxStreams: withDefault(count(1, 10_000, 'Streams over HTTP that the daemon serves at a time.'), 100),
    heartbeat: withDefault(
      duration('1s', '10m', 'A stream over HTTP that has nothing to tell says so this often.'),
      '30s',
    ),
  }),
});

/** A group that need not be there. */
function settings<const Entries extends v.ObjectEntries>(entries: Entries) {
  const schema: ValueType<v.InferOutput<v.ObjectSchema<Entries, undefined>>> = group(entries);
  return v.nullish(schema, {});
}

type Parsed = v.InferOutput<typeof SCHEMA>;

/** Sizes are bytes, durations milliseconds. */
export type Config = { readonly [Key in keyof Parsed]: Readonly<Parsed[Key]> };

export interface ConfigKey extends ValueMeaning {
  /** With its group: `journal.segmentSize`. */
  key: string;
  /** As one would write it; of lists and mappings in JSON. */
  default: string;
}

/** Every key that has a default, in the order of the manual. */
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
