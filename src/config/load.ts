/** Reads and validates the configuration file (YAML), and looks up the values of its keys. */
import { isUtf8 } from 'node:buffer';
import { closeSync, constants, readSync } from 'node:fs';
import * as v from 'valibot';
import {
  type Document,
  type ErrorCode,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  Lexer,
  parseDocument,
  Parser,
  visit,
} from 'yaml';
import { findWrongReferences } from './alert-schema.js';
import { insideOf, type ValueType, type Naming, wrong } from './value-types.js';
import { formatPath, type KeyPath, parsePath } from './path.js';
import { type Config, SCHEMA } from './schema.js';
import { suggest } from '../core/text/suggest.js';
import { errnoOf, ProgressError } from '../core/base/errors.js';
import { NotRegularFile, openRegularSync } from '../platform/regular-file.js';

export type { Config } from './schema.js';
export { configKeys } from './schema.js';

/** Maximum size: a hostile file of this size takes up to a second; a complete real one has about 4 KiB. */
const MAX_FILE_BYTES = 64 * 1024;
/** Maximum depth of the parser's stack, two entries per level; its next stage recurses and would overflow. */
const MAX_SYNTAX_DEPTH = 32;
/** Maximum number of errors shown of an invalid file. */
const MAX_PROBLEMS_SHOWN = 20;
/** Replacements for messages of the parser that are meant for programmers. */
const SYNTAX_ERRORS: Partial<Record<ErrorCode, string>> = {
  NON_STRING_KEY: 'is no key; wanted a name',
  MULTIPLE_DOCS: 'begins a second document; wanted one',
};

/** An error in the text, at an offset. */
interface Problem {
  offset: number;
  message: string;
}

/** Loads the configuration; the defaults if there is no such file. @throws {ProgressError} `bad_config`. */
export function loadConfig(file: string): Config {
  return parseConfig(readConfigFile(file), file);
}

/** Reads the text of the file, bounded but unparsed; empty if there is no such file. */
export function readConfigFile(file: string): string {
  const bytes = readBounded(file);
  const text = bytes.toString();
  if (isUtf8(bytes)) return text;
  throw refuse([{ offset: text.indexOf('\uFFFD'), message: 'is not UTF-8; save the file as UTF-8' }], text, file);
}

/** Parses and validates a configuration. @param file For messages. @throws {ProgressError} `bad_config`, with all errors. */
export function parseConfig(text: string, file: string): Config {
  return parseConfigDocument(text, file).config;
}

/** Parses a configuration and also returns the document, which preserves comments. */
export function parseConfigDocument(text: string, file: string): { config: Config; document: Document.Parsed } {
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

  const values: unknown = document.toJS() ?? {};
  const wrongKeys = findWrongKeys(document.contents, values, SCHEMA);
  const result = v.safeParse(SCHEMA, values);
  const wrongValues = (result.issues ?? []).map(({ path = [], message }) => {
    const keys = path.map((item) => item.key as string | number);
    return problemIn(document.contents, keys, message);
  });
  check([...wrongKeys, ...wrongValues]);
  const config = result.output as Config;
  check(findWrongReferences(config).map(({ path, message }) => problemIn(document.contents, path, message)));
  return { config: freeze(config), document };
}

/** Returns the value of a key, a group, or an item: `rules[0].name`. @throws {ProgressError} `usage` for an unknown key. */
export function getConfigValue(config: Config, key: string): unknown {
  const path = parsePath(key) ?? [key];
  return path.reduce<unknown>((value, step, at) => {
    const entries = entriesOf(value);
    if (entries.has(String(step))) return entries.get(String(step));
    const renamed = RENAMED.get(key);
    if (renamed !== undefined) throw new ProgressError('usage', `${key}: was renamed to ${renamed}`);
    const names = [...entries].map(([name, entry]): Names => [name, isList(entry) ? [] : [...entriesOf(entry).keys()]]);
    const message = `is no configuration key${hint(path.slice(0, at), String(step), names)}`;
    throw new ProgressError('usage', `${formatPath(path.slice(0, at + 1))}: ${message}`);
  }, config);
}

/** Reads at most one byte more than is accepted; empty if there is no file. */
function readBounded(file: string): Buffer {
  try {
    const descriptor = openRegularSync(file, constants.O_RDONLY);
    try {
      const buffer = Buffer.alloc(MAX_FILE_BYTES + 1);
      return buffer.subarray(0, readSync(descriptor, buffer));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (error instanceof NotRegularFile) throw new ProgressError('bad_config', `${file}: is not a regular file`);
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
    if (parser.stack.length > MAX_SYNTAX_DEPTH) return [{ offset, message: 'is nested too deeply' }];
  }
  return [];
}

/** Finds aliases, of which a few can expand to gigabytes. */
function findAliases(root: unknown): Problem[] {
  const problems: Problem[] = [];
  if (isNode(root)) {
    visit(root, {
      Alias: (_, node) => void problems.push(problemAt(node, [], 'aliases are not supported; write the value out')),
    });
  }
  return problems;
}

/** Finds unknown and duplicate keys, and invalid names, at all levels of the document. */
function findWrongKeys(node: unknown, value: unknown, schema: ValueType<unknown>, path: KeyPath = []): Problem[] {
  const { entries, value: each, naming, item } = insideOf(schema, value);
  const childOf = (key: string | number) => entriesOf(value).get(String(key));
  if (isSeq(node)) {
    // for valibot a list is an object too
    if (entries ?? each) return [problemAt(node, path, wrong('a mapping of keys')({ input: [] }))];
    return node.items.flatMap((inner, at) => (item ? findWrongKeys(inner, childOf(at), item, [...path, at]) : []));
  }
  if (!isMap(node)) return [];
  const seen = new Set<string>();
  return node.items.flatMap(({ key, value: inner }) => {
    const name = isScalar(key) ? String(key.value) : '';
    const here = [...path, name];
    const isTwice = seen.has(name);
    seen.add(name);
    if (isTwice) return [problemAt(key, here, 'is given twice; remove one')];
    const message = entries ? whyUnknown(path, name, entries) : whyNoName(name, naming);
    if (message !== undefined) return [problemAt(key, here, message)];
    const known = entries?.[name] ?? each;
    return known ? findWrongKeys(inner, childOf(name), known, here) : [];
  });
}

function entriesOf(value: unknown): Map<string, unknown> {
  return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
}

function isList(value: unknown): boolean {
  return Array.isArray(value);
}

function whyUnknown(
  parents: KeyPath,
  name: string,
  entries: Readonly<Record<string, ValueType<unknown>>>,
): string | undefined {
  if (Object.hasOwn(entries, name)) return undefined;
  const renamed = RENAMED.get(formatPath([...parents, name]));
  if (renamed !== undefined) return `was renamed to ${renamed}`;
  if (Object.hasOwn(entries, `${name}Env`)) {
    return `is a secret, which this file does not hold; ${name}Env names a variable that does, ${name}File a file`;
  }
  const names = Object.entries(entries).map(([key, entry]): Names => [
    key,
    Object.keys(insideOf(entry, {}).entries ?? {}),
  ]);
  if (names.some(([key, within]) => within.some((inner) => name === `${key}.${inner}`))) {
    return 'must be nested: write the part after the dot below the group';
  }
  return `is no configuration key${hint(parents, name, names)}`;
}

/** Explains why a name is invalid, among them names that would be lost in an object, such as `__proto__`. */
function whyNoName(name: string, naming: Naming | undefined): string | undefined {
  const isLost = name === '__proto__' || name === 'constructor' || name === 'prototype';
  return !naming || (!isLost && naming.isName(name)) ? undefined : `is no name here; wanted ${naming.wanted}`;
}

/** Locates a problem at the node of `path`, or at its nearest existing parent. A single value may replace a list. */
function problemIn(root: unknown, path: KeyPath, message: string): Problem {
  let node = root;
  for (const [at, step] of path.entries()) {
    if (isScalar(node)) return problemAt(node, path.slice(0, at), message);
    const inner: unknown = isCollection(node) ? node.get(step, true) : undefined;
    if (inner === undefined) break;
    node = inner;
  }
  return problemAt(node, path, message);
}

function problemAt(node: unknown, path: KeyPath, message: string): Problem {
  const offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  return { offset, message: path.length === 0 ? message : `${formatPath(path)}: ${message}` };
}

/** Keys of former versions. */
const RENAMED: ReadonlyMap<string, string> = new Map([['alerts.giveUp', 'alerts.retryFor']]);

/** A name with the names below it. */
type Names = readonly [name: string, within: readonly string[]];

/** Suggests a similar key, also if its group was omitted. */
function hint(parents: KeyPath, name: string, names: readonly Names[]): string {
  const nested = names.flatMap(([key, within]) => within.map((inner) => ({ inner, dotted: `${key}.${inner}` })));
  const known = [...nested.map(({ dotted }) => dotted), ...names.map(([key]) => key)];
  const forgotten = suggest(
    name,
    nested.map(({ inner }) => inner),
  );
  const meant =
    suggest(
      name,
      known.filter((key) => key !== name),
    ) ?? nested.find(({ inner }) => inner === forgotten)?.dotted;
  if (meant === undefined) return '; progress-config(5) lists them';
  return `; did you mean ${[formatPath(parents), meant].filter((part) => part !== '').join('.')}?`;
}

/** Creates the error with one line for each problem, in the order of the file. */
function refuse(problems: Problem[], text: string, file: string): ProgressError {
  const sorted = problems.sort((a, b) => a.offset - b.offset);
  const lines = sorted.slice(0, MAX_PROBLEMS_SHOWN).map(({ offset, message }) => {
    const before = text.slice(0, offset).split('\n');
    return `${file}:${before.length}:${(before.at(-1) ?? '').length + 1}: ${message}`;
  });
  const hidden = sorted.length - lines.length;
  return new ProgressError('bad_config', [...lines, ...(hidden > 0 ? [`and ${hidden} more`] : [])].join('\n'));
}

function freeze<Value>(value: Value): Value {
  entriesOf(value).forEach(freeze);
  return Object.freeze(value);
}
