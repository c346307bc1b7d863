/** The configuration: its keys with their bounds and defaults, and the reader of the one YAML file. */
import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import * as v from 'valibot';
import { type ErrorCode, isMap, isNode, isScalar, isSeq, Lexer, parseDocument, Parser, visit } from 'yaml';
import {
  choice,
  count,
  duration,
  flag,
  type ConfigKey,
  type Meaning,
  type Plain,
  shorten,
  size,
  wrong,
} from './config-kinds.js';
import { findNearest } from './core/nearest.js';
import { errnoOf, ProgressError } from './errors.js';

/** The file is read whole, and a hostile one costs up to a second; a full real one has some 4 KiB. */
const MAX_FILE_BYTES = 64 * 1024;
/** Of the parser's stack, two entries a level. Its next stage recurses, and kills the process when that goes deep. */
const MAX_DEPTH = 32;
/** A wrong file may have thousands; nobody reads more at once. */
const MAX_PROBLEMS_SHOWN = 20;
/** In place of the parser's own words, where those speak to a programmer. */
const SYNTAX_ERRORS: Partial<Record<ErrorCode, string>> = {
  NON_STRING_KEY: 'is no key; wanted a name',
  MULTIPLE_DOCS: 'begins a second document; wanted one',
};

const group = wrong('a mapping of keys');

/** As `runner/settings.ts` has it, which needs no configuration for it. */
const OUTPUT_LIMIT = '64MiB';

/** Every key of the file. A new one needs a line here and an item in progress-config(5). */
const SCHEMA = v.object(
  {
    journal: v.nullish(
      v.object(
        {
          segmentSize: size('16MiB', '64KiB', '1GiB', 'A journal file of this size is closed and the next one begun.'),
          segmentAge: duration('24h', '1m', '365d', 'A journal file of this age is closed and the next one begun.'),
          sync: choice(['interval', 'always', 'never'], 'interval', 'When written events are forced to disk.'),
          retainAge: duration('7d', '1m', '3650d', 'Closed journal files older than this are removed.'),
          retainSize: size('1GiB', '1MiB', '1TiB', 'The oldest closed journal files beyond this total are removed.'),
        },
        group,
      ),
      {},
    ),
    socket: v.nullish(
      v.object({ maxConnections: count(512, 8, 65_536, 'Connections that the daemon serves at a time.') }, group),
      {},
    ),
    memory: v.nullish(
      v.object(
        {
          ended: count(1_000, 0, 100_000, 'Ended executions that the daemon keeps in memory whole.'),
          summaries: count(10_000, 0, 1_000_000, 'Ended executions that the daemon keeps in memory as a summary.'),
        },
        group,
      ),
      {},
    ),
    daemon: v.nullish(
      v.object(
        {
          logSize: size('1MiB', '16KiB', '1GiB', "The daemon's own log is rotated at this size."),
          startWithShell: flag(true, 'Start the daemon when an interactive shell loads the hooks.'),
        },
        group,
      ),
      {},
    ),
    alerts: v.nullish(
      v.object({ desktop: flag(true, 'Show a desktop notification when something fails.') }, group),
      {},
    ),
    runs: v.nullish(
      v.object(
        {
          outputLimit: size(
            OUTPUT_LIMIT,
            '64KiB',
            '128MiB',
            "Of one run's output: beyond it only the last part is kept.",
          ),
        },
        group,
      ),
      {},
    ),
    follow: v.nullish(
      v.object(
        {
          claude: flag(false, 'Follow the sessions of Claude Code through the files that it keeps of them.'),
          codex: flag(false, 'Follow the sessions of Codex through the files that it keeps of them.'),
          gemini: flag(false, 'Follow the sessions of Gemini CLI through the files that it keeps of them.'),
          backfill: duration('24h', '1m', '365d', 'Session files that were written to within this time are read.'),
          silence: duration('30m', '1m', '365d', 'A session without a process is over when it was silent this long.'),
        },
        group,
      ),
      {},
    ),
    watch: v.nullish(v.object({ rate: count(10, 1, 60, 'Updates a second that a display asks for.') }, group), {}),
    web: v.nullish(
      v.object(
        {
          enabled: flag(false, 'The viewer listens whenever the daemon runs.'),
          port: count(7_878, 1_024, 65_535, 'Where the viewer listens, or on the next free port.'),
          maxStreams: count(100, 1, 10_000, 'Streams over HTTP that the daemon serves at a time.'),
        },
        group,
      ),
      {},
    ),
  },
  group,
);

const GROUPS = Object.keys(SCHEMA.entries);
const KEYS = configKeys().map(({ key }) => key);

type Parsed = v.InferOutput<typeof SCHEMA>;

/** Sizes are bytes, durations milliseconds. */
export type Config = { readonly [Group in keyof Parsed]: Readonly<Parsed[Group]> };

/** What `configKeys` reads of a key's schema. */
interface Setting {
  default: Plain;
  wrapped: { pipe: readonly [unknown, { metadata: Meaning }] };
}

/** Something wrong in the text, at this offset. */
interface Problem {
  offset: number;
  message: string;
}

/** The configuration in `file`; the defaults if there is no such file. */
export function loadConfig(file: string): Config {
  const bytes = readBounded(file);
  const text = bytes.toString();
  if (isUtf8(bytes)) return parseConfig(text, file);
  throw refuse([{ offset: text.indexOf('\uFFFD'), message: 'is not UTF-8; save the file as UTF-8' }], text, file);
}

/** `file` stands in the messages only. */
export function parseConfig(text: string, file: string): Config {
  const check = (problems: Problem[]): void => {
    if (problems.length > 0) throw refuse(problems, text, file);
  };
  check(findOversize(text));
  check(findDeepNesting(text));
  // uniqueKeys: findWrongKeys names the key, and does not compare each with all others
  const document = parseDocument(text, { prettyErrors: false, stringKeys: true, uniqueKeys: false });
  check(
    [...document.errors, ...document.warnings].map(({ code, pos, message }) => ({
      offset: pos[0],
      message: SYNTAX_ERRORS[code] ?? message,
    })),
  );
  check(findAliases(document.contents));

  const wrongKeys = findWrongKeys(document.contents);
  const result = v.safeParse(SCHEMA, document.toJS() ?? {});
  if (result.success && wrongKeys.length === 0) return freeze(result.output);
  const wrongValues = (result.issues ?? []).map(({ path = [], message }) => {
    const keys = path.map((item) => String(item.key));
    return problemAt(document.getIn(keys, true), keys, message);
  });
  throw refuse([...wrongKeys, ...wrongValues], text, file);
}

/** Every key, in the order of the manual. */
export function configKeys(): ConfigKey[] {
  return Object.entries(SCHEMA.entries).flatMap(([name, { wrapped }]) =>
    Object.entries<Setting>({ ...wrapped.entries }).map(([key, setting]) => ({
      key: `${name}.${key}`,
      default: String(setting.default),
      ...setting.wrapped.pipe[1].metadata,
    })),
  );
}

/** The value of a dotted key. */
export function getConfigValue(config: Config, key: string): Plain {
  for (const [name, settings] of Object.entries(config)) {
    for (const [setting, value] of Object.entries<Plain>(settings)) {
      if (key === `${name}.${setting}`) return value;
    }
  }
  throw new ProgressError('usage', `${quoteKey(key)}: is no configuration key${hint(key)}`);
}

/** The file's content, nothing where there is no file, and at most one byte more than is accepted. */
function readBounded(file: string): Buffer {
  try {
    // a pipe would keep the daemon waiting
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!fstatSync(descriptor).isFile()) throw new ProgressError('bad_config', `${file}: is not a regular file`);
      const buffer = Buffer.alloc(MAX_FILE_BYTES + 1);
      return buffer.subarray(0, readSync(descriptor, buffer));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (error instanceof ProgressError) throw error;
    if (errnoOf(error) === 'ENOENT') return Buffer.alloc(0);
    throw new ProgressError('bad_config', `${file}: cannot be read (${errnoOf(error) ?? 'unknown error'})`, {
      cause: error,
    });
  }
}

function findOversize(text: string): Problem[] {
  const message = `the file is longer than ${MAX_FILE_BYTES} bytes`;
  return Buffer.byteLength(text) > MAX_FILE_BYTES ? [{ offset: 0, message }] : [];
}

function findDeepNesting(text: string): Problem[] {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    const offset = parser.offset;
    Array.from(parser.next(lexeme));
    if (parser.stack.length > MAX_DEPTH) return [{ offset, message: 'is nested too deeply' }];
  }
  return [];
}

/** They save nothing here, and a few of them can stand for gigabytes. */
function findAliases(root: unknown): Problem[] {
  const problems: Problem[] = [];
  if (isNode(root)) {
    visit(root, {
      Alias: (_, node) => void problems.push(problemAt(node, [], 'aliases are not supported; write the value out')),
    });
  }
  return problems;
}

/** Keys that are unknown or given twice, in the document and in its groups. */
function findWrongKeys(node: unknown, parents: string[] = []): Problem[] {
  if (isSeq(node)) return [problemAt(node, parents, group({ input: [] }))]; // an object too, for valibot
  if (!isMap(node)) return [];
  const seen = new Set<string>();
  return node.items.flatMap(({ key, value }) => {
    const name = isScalar(key) ? String(key.value) : '';
    const path = [...parents, name];
    if (seen.has(name)) return [problemAt(key, path, 'is given twice; remove one')];
    seen.add(name);
    const dotted = path.join('.');
    if (GROUPS.includes(dotted)) return findWrongKeys(value, path);
    if (!KEYS.includes(dotted)) return [problemAt(key, path, `is no configuration key${hint(dotted)}`)];
    return name === dotted ? [problemAt(key, path, 'must be nested: what follows the dot goes below the group')] : [];
  });
}

function problemAt(node: unknown, path: string[], message: string): Problem {
  const offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  return { offset, message: path.length === 0 ? message : `${quoteKey(path.join('.'))}: ${message}` };
}

/** As it is if it is plain, else as a JSON text: what stands in the file may be anything. */
function quoteKey(key: string): string {
  return /^[\w.]+$/.test(key) ? shorten(key) : JSON.stringify(shorten(key));
}

/** The key that was probably meant, be its group given or forgotten. */
function hint(key: string): string {
  const unprefixed = KEYS.map((known) => known.slice(known.indexOf('.') + 1));
  const forgotten = KEYS[unprefixed.indexOf(findNearest(key, unprefixed) ?? '')];
  const meant =
    findNearest(
      key,
      [...KEYS, ...GROUPS].filter((known) => known !== key),
    ) ?? forgotten;
  return meant === undefined ? '; progress-config(5) lists them' : `; did you mean ${meant}?`;
}

/** One line for each problem, in the order of the file. */
function refuse(problems: Problem[], text: string, file: string): ProgressError {
  const sorted = problems.sort((a, b) => a.offset - b.offset);
  const lines = sorted.slice(0, MAX_PROBLEMS_SHOWN).map(({ offset, message }) => {
    const before = text.slice(0, offset).split('\n');
    return `${file}:${before.length}:${(before.at(-1) ?? '').length + 1}: ${message}`;
  });
  const hidden = sorted.length - lines.length;
  return new ProgressError('bad_config', [...lines, ...(hidden > 0 ? [`and ${hidden} more`] : [])].join('\n'));
}

function freeze(config: Parsed): Config {
  Object.values(config).forEach((settings) => Object.freeze(settings));
  return Object.freeze(config);
}
