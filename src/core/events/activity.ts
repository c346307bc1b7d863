/** Formats agent activity: the text of an `activity` event, and a tool call as one line. */
import { clip } from './fields.js';
import type { EventData } from './event.js';
import { numberOf, textOf } from './event.js';
import { formatDuration, spentParts } from '../text/format.js';

/** Upper bound of a title, so that it fits on a line and into the name of a step. */
const TITLE_CHARS = 200;

/** Input fields that name the subject of a tool call, the most specific first. */
const SUBJECTS = [
  ...['command', 'cmd', 'pattern', 'file_path', 'path', 'absolute_path', 'notebook_path', 'dir_path', 'query', 'url'],
  ...['description', 'subject', 'skill', 'name', 'agent_name', 'prompt', 'message', 'taskId'],
];
const PATHS: ReadonlySet<string> = new Set(['file_path', 'path', 'absolute_path', 'notebook_path', 'dir_path']);

/**
 * Returns the full text of an `activity` event. A long text is stored once only, in `raw`, the line that the event was
 * read from; `textAt` is the JSON pointer to it.
 */
export function activityText(data: EventData): string | undefined {
  const short = textOf(data, 'text');
  const raw = textOf(data, 'raw');
  const pointer = textOf(data, 'textAt');
  if (raw === undefined || pointer === undefined) return short;
  try {
    return wordsOf(resolve(JSON.parse(raw), pointer)) ?? short;
  } catch {
    return short;
  }
}

/** Prefix that distinguishes tool calls from text. */
export const CALL_MARK = '▸ ';

/**
 * Returns the lines that an `activity` event adds to the tail of output: text, tool calls and failed results.
 *
 * @param depth The number of enclosing sub-agents, as the indentation.
 */
export function activityTail(data: EventData, depth: number): string | undefined {
  const lines = linesForTail(data)?.map((line) => INDENT.repeat(depth) + line);
  return lines?.join('\n');
}

const INDENT = '  ';
const FAILURE_LINES = 3;

function linesForTail(data: EventData): string[] | undefined {
  const kind = textOf(data, 'kind');
  if (kind === 'tool-call') return [CALL_MARK + callTitle(data)];
  const lines = textOf(data, 'text')?.split('\n');
  if (kind === 'assistant-text') return lines;
  if (kind === undefined || !OUR_KINDS.has(kind)) return otherActivity(data).split('\n');
  if (kind !== 'tool-result' || data['isError'] !== true) return undefined;
  return lines?.slice(0, FAILURE_LINES).map((line) => INDENT + line);
}

export const OUR_KINDS: ReadonlySet<string> = new Set([
  ...['init', 'prompt', 'assistant-text', 'thinking', 'tool-call', 'tool-result', 'result', 'usage'],
]);

/** Returns the facts of an `init` (agent, model, directory) or a `result` (duration, tokens, cost) as parts of a line. */
export function activityFacts(data: EventData): string[] {
  const kind = textOf(data, 'kind');
  if (kind === 'init') {
    return ['agent', 'model', 'cwd'].map((key) => textOf(data, key)).filter((part) => part !== undefined);
  }
  if (kind !== 'result') return [];
  const ms = numberOf(data, 'durationMs');
  return [
    ...(ms === undefined ? [] : [formatDuration(ms)]),
    ...spentParts({ tokens: numberOf(data, 'tokens'), costUsd: numberOf(data, 'costUsd') }),
  ];
}

/** Formats a tool call as one line: `Bash: rg -n listen`, or the command alone if no tool is named. */
export function callTitle(data: EventData): string {
  const title = textOf(data, 'title');
  if (title !== undefined && title !== '') return title;
  const tool = textOf(data, 'tool');
  const { input } = data;
  const text = textOf(data, 'text') ?? textOf(data, 'message');
  const subject = input ?? text;
  if (tool !== undefined) return toolTitle(tool, subject);
  if (typeof subject === 'string' && subject.trim() !== '') return oneLine(subject);
  return toolTitle('tool', subject);
}

/** Formats an activity of an unknown kind: the kind and its text, else its other fields as JSON. Never empty. */
export function otherActivity(data: EventData): string {
  const kind = textOf(data, 'kind');
  const text = activityText(data) ?? textOf(data, 'message');
  const { kind: _kind, as: _as, activity: _activity, ...rest } = data;
  const said = text ?? (Object.keys(rest).length === 0 ? '' : JSON.stringify(rest));
  return kind === undefined ? said || 'activity' : said === '' ? kind : `${kind}: ${said}`;
}

function oneLine(text: string): string {
  return clip(
    text
      .slice(0, TITLE_CHARS * 4)
      .replace(/\s+/g, ' ')
      .trim(),
    TITLE_CHARS,
  );
}

/** Resolves a JSON pointer (RFC 6901). */
function resolve(value: unknown, pointer: string): unknown {
  let found = value;
  for (const part of pointer.split('/').slice(1)) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Record<string, unknown>)[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return found;
}

/** Reads the text of an agent's message: a string, or the `text` fields of a list of content blocks. */
export function wordsOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  const texts = value.map((block: unknown) => {
    if (typeof block === 'string') return block;
    const text = typeof block === 'object' && block !== null ? (block as Record<string, unknown>)['text'] : undefined;
    return typeof text === 'string' ? text : undefined;
  });
  const found = texts.filter((text) => text !== undefined);
  return found.length === 0 ? undefined : found.join('\n');
}

/** Formats a tool and its input: `Bash: rg -n listen`, `Edit: src/a.ts +12 -3`. Paths below `cwd` become relative. */
export function toolTitle(tool: string, input: unknown, cwd?: string): string {
  const fields = typeof input === 'object' && input !== null ? (input as EventData) : {};
  const subject = typeof input === 'string' ? input : subjectOf(fields, cwd);
  const lines = changedLines(fields);
  const parts = [subject, lines].filter((part) => part !== undefined && part !== '');
  const title = parts.length === 0 ? tool : `${tool}: ${parts.join(' ')}`;
  return oneLine(title);
}

function subjectOf(fields: EventData, cwd: string | undefined): string | undefined {
  const key = SUBJECTS.find((name) => isSubject(fields[name]));
  if (key === undefined) return undefined;
  const value = fields[key];
  if (Array.isArray(value)) return value.join(' ');
  const text = typeof value === 'number' ? String(value) : String(textOf(fields, key));
  const shown = PATHS.has(key) ? fromHere(text, cwd) : text;
  const where = key === 'pattern' ? textOf(fields, 'path') : undefined;
  return where === undefined ? shown : `${shown} in ${fromHere(where, cwd)}`;
}

function isSubject(value: unknown): boolean {
  if (typeof value === 'string') return value !== '';
  return typeof value === 'number' || (Array.isArray(value) && value.every((part) => typeof part === 'string'));
}

/** Makes a path below `cwd` relative to it. */
export function fromHere(path: string, cwd: string | undefined): string {
  return cwd !== undefined && cwd !== '' && path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path;
}

/** Counts changed lines of one edit or several (`+12 -3`), or the lines of a new file (`+40`). */
function changedLines(fields: EventData): string | undefined {
  const edits = Array.isArray(fields['edits']) ? (fields['edits'] as unknown[]) : [fields];
  let added = 0;
  let removed = 0;
  let isEdit = false;
  for (const edit of edits) {
    if (typeof edit !== 'object' || edit === null) continue;
    const before = textOf(edit as EventData, 'old_string');
    const after = textOf(edit as EventData, 'new_string');
    if (before === undefined || after === undefined) continue;
    isEdit = true;
    const change = countChanged(before, after);
    added += change.added;
    removed += change.removed;
  }
  if (isEdit) return `+${added} -${removed}`;
  const content = textOf(fields, 'content');
  return content === undefined || subjectOf(fields, undefined) === undefined
    ? undefined
    : `+${linesOf(content).length}`;
}

/** Counts the lines that remain after the common prefix and suffix are removed. */
function countChanged(before: string, after: string): { added: number; removed: number } {
  const old = linesOf(before);
  const now = linesOf(after);
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  return { added: now.length - start - end, removed: old.length - start - end };
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}
