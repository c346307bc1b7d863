/** Edits the text of the configuration, preserving everything else, comments and blanks included. */
import { isDeepStrictEqual } from 'node:util';
import type { Document, Node } from 'yaml';
import { isCollection, isMap, isNode, isScalar, isSeq, parseDocument, stringify } from 'yaml';
import { insideOf, type ValueType, meaningOf } from './value-types.js';
import { formatPath, type KeyPath, parsePath } from './path.js';
import { SCHEMA } from './schema.js';
import { parseConfig, parseConfigDocument } from './load.js';
import { ProgressError } from '../core/base/errors.js';

/** Default indentation; that of the file wins. */
const INDENT = 2;

/**
 * Returns the text with a new value for `key`.
 *
 * @param value YAML, or literal text for keys that take text.
 * @throws {ProgressError} `bad_config` if the text is invalid already, `usage` if the change would make it invalid.
 */
export function setConfigValue(text: string, file: string, key: string, value: string): string {
  const { document } = parseConfigDocument(text, file);
  const path = pathOf(key);
  const isLiteral = isText(kindAt(path, document.toJS()), value);
  const given = isLiteral ? document.createNode(value) : readValue(value, key);
  const changed = document.clone() as Document;
  try {
    makeParents(changed, path);
    changed.setIn(path, given);
  } catch (cause) {
    throw new ProgressError('usage', `${formatPath(path)}: cannot be set, as a part of the path is no group`, {
      cause,
    });
  }
  return checked([replace(text, document, path, given), insert(text, document, path, given)], changed, file);
}

/** Returns the text without `key`, and without groups that would become empty. A missing key changes nothing. */
export function unsetConfigValue(text: string, file: string, key: string): string {
  const { document } = parseConfigDocument(text, file);
  const path = pathOf(key);
  if (kindAt(path, document.toJS()) === undefined) {
    throw new ProgressError('usage', `${formatPath(path)}: is no configuration key; progress-config(5) lists them`);
  }
  if (!document.hasIn(path)) return text;
  let removed = path;
  for (let above = path.slice(0, -1); sizeAt(document, above) === 1 && above.length > 0; above = above.slice(0, -1)) {
    removed = above;
  }
  const changed = document.clone() as Document;
  changed.deleteIn(removed);
  return checked([remove(text, document, removed)], changed, file);
}

function pathOf(key: string): KeyPath {
  const path = parsePath(key);
  if (path && path.length > 0) return path;
  throw new ProgressError('usage', `${JSON.stringify(key)}: is no configuration key; progress-config(5) lists them`);
}

function sizeAt(document: Document, path: KeyPath): number | undefined {
  const node: unknown = path.length === 0 ? document.contents : document.getIn(path, true);
  return isCollection(node) ? node.items.length : undefined;
}

/** Returns the schema at a path, or undefined. Between several alternatives the existing values decide. */
function kindAt(path: KeyPath, values: unknown): ValueType<unknown> | undefined {
  let value = values;
  return path.reduce<ValueType<unknown> | undefined>((kind, step) => {
    if (kind === undefined) return undefined;
    const { entries, value: each, item } = insideOf(kind, value);
    value = new Map(Object.entries(value ?? {})).get(String(step));
    return (entries && Object.hasOwn(entries, step) ? entries[step] : undefined) ?? each ?? item;
  }, SCHEMA);
}

/** Whether a value is literal text rather than YAML, so that `*` or `a: b` need no YAML quotes. */
function isText(kind: ValueType<unknown> | undefined, value: string): boolean {
  const { wrapped } = (kind ?? {}) as { wrapped?: ValueType<unknown> };
  if (wrapped) return isText(wrapped, value);
  const { type, item } = (kind && meaningOf(kind)) ?? {};
  return type === 'text' || (item?.type === 'text' && !value.trimStart().startsWith('['));
}

function readValue(value: string, key: string): Node | null {
  const { errors, contents } = parseDocument(value, { prettyErrors: false, stringKeys: true });
  const [error] = errors;
  if (error) throw new ProgressError('usage', `${key}: ${JSON.stringify(value)} is no YAML: ${error.message}`);
  return contents;
}

/** Turns parents without a value into empty groups. */
function makeParents(document: Document, path: KeyPath): void {
  for (let at = 1; at < path.length; at++) {
    const here = path.slice(0, at);
    if (document.hasIn(here) && document.getIn(here) === null) document.setIn(here, document.createNode({}));
  }
}

/** Replaces an existing value; returns undefined if there is none. */
function replace(text: string, document: Document, path: KeyPath, given: Node | null): string | undefined {
  const node: unknown = document.getIn(path, true);
  if (!isNode(node) || !node.range) return undefined;
  const key = keyAt(document, path);
  const isBelow = isNode(key) && isBlock(node);
  const start = isBelow ? endOf(key) : startOf(node);
  const end = endOf(node);
  const separator = isBelow ? ': ' : start === end ? ' ' : '';
  return `${text.slice(0, start)}${separator}${toText(given).trimEnd()}${text.slice(end)}`;
}

/** Returns the key node of the last step, if that is a name. */
function keyAt(document: Document, path: KeyPath): unknown {
  const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  return isMap(parent) ? parent.items.find(({ key }) => String(key) === path.at(-1))?.key : undefined;
}

/** Inserts a value after the last item of the nearest existing group or list. */
function insert(text: string, document: Document, path: KeyPath, given: Node | null): string | undefined {
  const step = indentOf(text);
  const nest = (steps: KeyPath, value: unknown): unknown =>
    steps.reduceRight<unknown>((inner, name) => (typeof name === 'number' ? [inner] : { [name]: inner }), value);
  if (!isNode(document.contents)) return `${endLine(text)}${toText(nest(path, given), step)}`;
  let node: unknown = document.contents;
  let column = 0;
  let at = 0;
  for (; at < path.length && isCollection(node); at++) {
    const inner: unknown = node.get(path[at], true);
    if (inner === undefined) break;
    column = columnOf(text, startOf(node)) + step;
    node = inner;
  }
  if (isNode(node) && isBlock(node)) column = columnOf(text, startOf(node));
  else if (!isScalar(node) || node.value !== null) return undefined;
  const added = toText(nest(path.slice(at), given), step).trimEnd();
  const after = endOfLine(text, endOf(node));
  return `${endLine(text.slice(0, after))}${added.replace(/^(?=.)/gm, ' '.repeat(column))}\n${text.slice(after + 1)}`;
}

/** Removes a node with its lines; returns undefined if they contain anything else. */
function remove(text: string, document: Document, path: KeyPath): string | undefined {
  const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const node: unknown = document.getIn(path, true);
  const key = keyAt(document, path) ?? node;
  if (!isNode(parent) || !isBlock(parent) || !isNode(key) || !key.range) return undefined;
  const start = text.lastIndexOf('\n', key.range[0] - 1) + 1;
  const isAlone = /^ *(?:- *)?$/.test(text.slice(start, key.range[0]));
  const end = isNode(node) && node.range ? endOf(node) : key.range[1];
  return isAlone ? text.slice(0, start) + text.slice(endOfLine(text, end) + 1) : undefined;
}

function isBlock(node: Node): boolean {
  return isCollection(node) && !node.flow && node.items.length > 0;
}

/** Returns the start of a node: the first name of a group, the first dash of a list. */
function startOf(node: unknown): number {
  return (isNode(node) ? node.range?.[0] : undefined) ?? 0;
}

/** Returns the end of the last item in a node, without trailing comments and blanks. */
function endOf(node: unknown): number {
  if (isNode(node) && isBlock(node)) {
    const last: unknown = isMap(node) ? node.items.at(-1) : isSeq(node) ? node.items.at(-1) : undefined;
    if (isNode(last)) return endOf(last);
    const { key, value } = last as { key: unknown; value: unknown };
    return Math.max(endOf(key), endOf(value));
  }
  return (isNode(node) ? node.range?.[1] : undefined) ?? 0;
}

function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1);
}

/** Returns the end of the line that contains `offset`; a multi-line text ends with its own last line. */
function endOfLine(text: string, offset: number): number {
  const end = text.indexOf('\n', text[offset - 1] === '\n' ? offset - 1 : offset);
  return end < 0 ? text.length : end;
}

function endLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function indentOf(text: string): number {
  return /^( +)[^\s#-]/m.exec(text)?.[1]?.length ?? INDENT;
}

function toText(value: unknown, indent = INDENT): string {
  return stringify(value, { indent, lineWidth: 0 });
}

/** Returns the first text that parses to the document, else the library's own rendering; validates the result. */
function checked(texts: readonly (string | undefined)[], document: Document, file: string): string {
  const wanted: unknown = document.toJS() ?? {};
  const isEqual = (each: string) => {
    const read = parseDocument(each, { stringKeys: true, logLevel: 'silent' });
    return read.errors.length === 0 && isDeepStrictEqual(read.toJS() ?? {}, wanted);
  };
  const text = texts.find((each) => each !== undefined && isEqual(each)) ?? document.toString({ lineWidth: 0 });
  try {
    parseConfig(text, file);
    return text;
  } catch (error) {
    const { code, message } = ProgressError.from(error);
    // drop positions, which refer to a text that the user has not seen
    const lines = message.split('\n').map((line) => line.replace(/^.*?:\d+:\d+: /, ''));
    throw new ProgressError(code === 'bad_config' ? 'usage' : code, lines.join('\n'), { cause: error });
  }
}
