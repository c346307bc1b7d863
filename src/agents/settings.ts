/** Adds hooks to the settings of an agent and removes them; every other character stays the same. Pure. */
import type { Node } from 'jsonc-parser';
import { findNodeAtLocation, getNodeValue, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { ParseError } from 'jsonc-parser';
import { ProgressError } from '../core/base/errors.js';
import type { Handler } from './agent.js';

/** Whether a handler with this command is one of progress. */
export type IsOurs = (command: unknown) => boolean;

interface Range {
  start: number;
  end: number;
}

/** Adds the handler for each of these events and removes all other handlers of progress. @param text undefined if there is no file */
export function putHooks(
  text: string | undefined,
  { file, events, handler, isOurs }: { file: string; events: readonly string[]; handler: Handler; isOurs: IsOurs },
): string {
  const group = { hooks: [handler] };
  if (text === undefined || text.trim() === '') return putHooks('{}\n', { file, events, handler, isOurs });
  const isStale = ({ event, value }: Found) =>
    !events.includes(event) || JSON.stringify(value) !== JSON.stringify(handler);
  let after = cutHooks(text, { file, isOurs, which: isStale });
  for (const event of events) {
    const tree = readSettings(after, file);
    if (findOurs(tree, isOurs).some((found) => found.event === event)) continue;
    const hooks = findNodeAtLocation(tree, ['hooks']);
    const list = findNodeAtLocation(tree, ['hooks', event]);
    if (!hooks) after = insert(after, tree, 'hooks', { [event]: [group] });
    else if (!list) after = insert(after, hooks, event, [group]);
    else after = insert(after, list, undefined, group);
  }
  return after;
}

/**
 * Removes handlers of progress, and the objects and lists that contain nothing else.
 * @param options.isKept whether an empty object or list stays, because it was there before
 * @param options.which handlers to remove; default: all
 */
export function cutHooks(
  text: string,
  {
    file,
    isOurs,
    isKept = () => false,
    which = () => true,
  }: { file: string; isOurs: IsOurs; isKept?: (where: string[]) => boolean; which?: (found: Found) => boolean },
): string {
  let after = text;
  for (;;) {
    const found = findOurs(readSettings(after, file), isOurs).find(which);
    if (!found) return after;
    after = remove(after, outermost(found, isKept));
  }
}

/** Returns the command of each handler of progress. */
export function commandsOfOurs(text: string, { file, isOurs }: { file: string; isOurs: IsOurs }): string[] {
  return findOurs(readSettings(text, file), isOurs).map(({ value }) => (value as Handler).command);
}

/** Whether the settings have a value at this path. */
export function hasValue(text: string, where: string[]): boolean {
  const tree = parseTree(text);
  return tree !== undefined && findNodeAtLocation(tree, where) !== undefined;
}

/** Returns the outermost node that contains nothing but this handler. */
function outermost({ handler, event }: Found, isKept: (where: string[]) => boolean): Node {
  const list = handler.parent;
  const group = list?.parent?.parent;
  const groups = group?.parent;
  const hooks = groups?.parent?.parent;
  if (!list || !group || !groups?.parent || !hooks?.parent || (list.children?.length ?? 0) > 1) return handler;
  if ((groups.children?.length ?? 0) > 1 || isKept(['hooks', event])) return group;
  if ((hooks.children?.length ?? 0) > 1 || isKept(['hooks'])) return groups.parent;
  return hooks.parent;
}

interface Found {
  event: string;
  handler: Node;
  value: unknown;
}

function findOurs(tree: Node, isOurs: IsOurs): Found[] {
  return (findNodeAtLocation(tree, ['hooks'])?.children ?? []).flatMap((property) => {
    const [key, groups] = property.children ?? [];
    return (groups?.children ?? [])
      .flatMap((group) => (group.type === 'object' ? (findNodeAtLocation(group, ['hooks'])?.children ?? []) : []))
      .map((handler) => ({ event: String(key?.value), handler, value: getNodeValue(handler) as unknown }))
      .filter(({ value }) => typeof value === 'object' && value !== null && isOurs((value as Handler).command));
  });
}

/** Parses settings, which may have comments and trailing commas. @throws for settings of another form */
function readSettings(text: string, file: string): Node {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  const fail = (at: number, problem: string) => {
    const line = text.slice(0, at).split('\n').length;
    return new ProgressError('bad_config', `${file}:${line}: ${problem}; nothing was changed`);
  };
  if (first) throw fail(first.offset, `invalid JSON (${printParseErrorCode(first.error)})`);
  if (tree?.type !== 'object') throw fail(0, 'the settings are not an object');
  const hooks = findNodeAtLocation(tree, ['hooks']);
  if (hooks && hooks.type !== 'object') throw fail(hooks.offset, '"hooks" is not an object');
  for (const property of hooks?.children ?? []) {
    const [key, list] = property.children ?? [];
    if (list?.type !== 'array') throw fail(property.offset, `"hooks.${String(key?.value)}" is not a list`);
  }
  return tree;
}

/** Appends a member to an object or an item to a list; on a separate line if the last one is. */
function insert(text: string, container: Node, key: string | undefined, value: unknown): string {
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const unit = /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';
  const last = container.children?.at(-1);
  const outer = indentAt(text, container.offset);
  if (!last) {
    const [at, close] = [container.offset + 1, container.offset + container.length - 1];
    const item = newline + outer + unit + render(key, value, newline + outer + unit, unit);
    return text.slice(0, at) + item + (text.slice(at, close).includes('\n') ? '' : newline + outer) + text.slice(at);
  }
  const end = last.offset + last.length;
  const ownLine = startsLine(text, last.offset) ? newline + indentAt(text, last.offset) : undefined;
  const item = (ownLine ?? ' ') + render(key, value, ownLine, unit);
  const comma = commaIn(text, { start: end, end: container.offset + container.length });
  const from = comma === undefined ? end : comma + 1;
  // a comment after the last one stays on its line
  const comment = /^[ \t]*(?:\/\/[^\r\n]*|\/\*[^\r\n]*?\*\/[ \t]*)?(?=\r?\n)/.exec(text.slice(from))?.[0].length ?? 0;
  const at = ownLine === undefined ? from : from + comment;
  const [before, after] = comma === undefined ? [',', ''] : ['', ','];
  return text.slice(0, end) + before + text.slice(end, at) + item + after + text.slice(at);
}

/** Renders a member; the lists in `hooks` are on separate lines if the container has lines. */
function render(key: string | undefined, value: unknown, line: string | undefined, unit: string): string {
  const name = key === undefined ? '' : `${JSON.stringify(key)}: `;
  if (line === undefined || typeof value !== 'object' || value === null || key !== 'hooks') return name + inLine(value);
  const members = Object.entries(value).map(
    ([member, list]) => `${line}${unit}${JSON.stringify(member)}: ${inLine(list)}`,
  );
  return `${name}{${members.join(',')}${line}}`;
}

function inLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inLine).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${inLine(member)}`);
  return `{ ${members.join(', ')} }`;
}

/** Removes a node with its line and a comma. */
function remove(text: string, node: Node): string {
  const siblings = node.parent?.children ?? [];
  const index = siblings.indexOf(node);
  const [before, after] = [siblings[index - 1], siblings[index + 1]];
  let { start, end } = { start: node.offset, end: node.offset + node.length };
  const limit = node.parent ? node.parent.offset + node.parent.length : text.length;
  const comma = commaIn(text, { start: end, end: after?.offset ?? limit });
  if (comma !== undefined) end = comma + 1;
  while (start > 0 && /[ \t]/.test(text[start - 1] ?? '')) start--;
  if (text[start - 1] === '\n') start -= text[start - 2] === '\r' ? 2 : 1;
  let head = text.slice(0, start);
  // without the last one, the comma before it would be a trailing one
  if (before && !after && comma === undefined) {
    const previous = commaIn(text, { start: before.offset + before.length, end: node.offset });
    if (previous !== undefined && previous < start) head = text.slice(0, previous) + text.slice(previous + 1, start);
  }
  return head + text.slice(end);
}

/** Returns the offset of the next comma, if only white space and comments precede it. */
function commaIn(text: string, { start, end }: Range): number | undefined {
  const gap = /^(?:\s|\/\/[^\n]*|\/\*[^]*?\*\/)*/.exec(text.slice(start, end))?.[0].length ?? 0;
  return text[start + gap] === ',' && start + gap < end ? start + gap : undefined;
}

function startsLine(text: string, at: number): boolean {
  return /(?:^|\n)[ \t]*$/.test(text.slice(0, at));
}

/** Returns the indentation of the line of this offset. */
function indentAt(text: string, at: number): string {
  const line = text.slice(text.lastIndexOf('\n', at - 1) + 1);
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}
