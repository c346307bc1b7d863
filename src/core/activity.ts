/** What agents do, in words: the text of an `activity` event, and a call of a tool in one line. */
import { clip } from './fields.js';
import type { EventData } from './event.js';
import { numberOf, textOf } from './event.js';
import { formatDuration, spentParts } from './format.js';

/** A line of it fits into any face, and into a step's name. */
const TITLE_CHARS = 200;

/** Where a tool says what it is about, the most telling first. */
const SUBJECTS = [
  ...['command', 'cmd', 'pattern', 'file_path', 'path', 'absolute_path', 'notebook_path', 'dir_path', 'query', 'url'],
  ...['description', 'subject', 'skill', 'name', 'agent_name', 'prompt', 'message', 'taskId'],
];
const PATHS: ReadonlySet<string> = new Set(['file_path', 'path', 'absolute_path', 'notebook_path', 'dir_path']);

/**
 * The text of an `activity` event, whole. One that is long stands once only, in the line that the event was read
 * from: `textAt` is the JSON pointer to it in `raw`.
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

/** In front of a call, to tell it from what is said. */
export const CALL_MARK = '▸ ';

/**
 * The lines of an `activity` event that stand in a tail of output: what is said, what is called, how that has failed.
 * `depth`: in how many sub-agents it happens.
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

/** What the beginning of an agent's work says of it, and what its end says was spent, as parts of a line. */
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

/** A call in one line: `Bash: rg -n listen`, or the command alone where no tool is named. */
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

/** An activity of a kind that is not ours: its kind, and whatever it says, never nothing. */
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

/** RFC 6901. */
function resolve(value: unknown, pointer: string): unknown {
  let found = value;
  for (const part of pointer.split('/').slice(1)) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Record<string, unknown>)[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return found;
}

/** A text, or the texts in a list of blocks: what agents take for a text. */
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

/** `Bash: rg -n listen`, `Edit: src/a.ts +12 -3`. Paths below `cwd` are shown from there. */
export function toolTitle(tool: string, input: unknown, cwd?: string): string {
  const fields = typeof input === 'object' && input !== null ? (input as EventData) : {};
  const subject = typeof input === 'string' ? input : subjectOf(fields, cwd);
  const lines = changedLines(fields);
  const parts = [subject, lines].filter((part) => part !== undefined && part !== '');
  const title = parts.length === 0 ? tool : `${tool}: ${parts.join(' ')}`;
  return oneLine(title);
}

function subjectOf(fields: EventData, cwd: string | undefined): string | undefined {
  const key = SUBJECTS.find((name) => isTold(fields[name]));
  if (key === undefined) return undefined;
  const value = fields[key];
  if (Array.isArray(value)) return value.join(' ');
  const text = typeof value === 'number' ? String(value) : String(textOf(fields, key));
  const shown = PATHS.has(key) ? fromHere(text, cwd) : text;
  const where = key === 'pattern' ? textOf(fields, 'path') : undefined;
  return where === undefined ? shown : `${shown} in ${fromHere(where, cwd)}`;
}

function isTold(value: unknown): boolean {
  if (typeof value === 'string') return value !== '';
  return typeof value === 'number' || (Array.isArray(value) && value.every((part) => typeof part === 'string'));
}

/** A path as somebody in `cwd` would write it. */
export function fromHere(path: string, cwd: string | undefined): string {
  return cwd !== undefined && cwd !== '' && path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path;
}

/** `+12 -3`, of one edit or several, or of what is written anew. */
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

/** What is the same at both ends has not changed. */
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
