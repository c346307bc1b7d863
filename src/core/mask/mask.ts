/**
 * Masks the secrets of events before they are written. Best effort: a secret that looks like ordinary text is not masked.
 *
 * The daemon masks all events that enter (`daemon/intake/intake.ts`). Runners and shell hooks (`hooks/mask.sh`,
 * `hooks/progress.fish`) mask before that, since their spool files exist while they run.
 *
 * Tables define the secrets, with examples that the tests run:
 *   secret-names.ts      names of options, variables, headers and keys whose value is a secret
 *   secret-values.ts     values of such names that are no secret, such as references and placeholders
 *   secret-commands.ts   arguments that are secrets, by program
 *   secret-shapes.ts     texts that are secrets by their shape, such as tokens, after the rules of gitleaks
 *
 * A command line is split into words as a shell does it, so the same rules apply to argv and to a typed line. Other texts
 * are searched completely only if they contain a hint. A raw line of an agent is masked as JSON, since other fields refer to
 * positions in it. Output is searched without its colours (`visible-text.ts`); a long line is not cut within a secret
 * (`runner/output.ts`). A private key is masked line by line; `EventMasker` remembers the streams with an unfinished one.
 */
import type { EventData, NewEvent } from '../events/event.js';
import { findInLine, findInWords, findPrinted, mayHoldCommand } from './mask-command.js';
import { maskPem, type OpenKey } from './mask-pem.js';
import { findShapes, MASK, maskShapes, mayHoldSecret } from './mask-text.js';
import { evictOldest } from '../base/evict.js';
import { strengthOf } from './secret-names.js';
import { isPlaceholder } from './secret-values.js';
import { replaceSpans, type Span } from './spans.js';
import { replaceVisible } from './visible-text.js';

/** Finds other secrets in a text. Returns their positions in order, as [start, end). */
export interface SecretFinder {
  find(text: string): readonly Span[];
}

/** Masks a command line, as typed. */
export function maskText(text: string, finders: readonly SecretFinder[] = []): string {
  const masked = maskShapes(replaceSpans(text, findInLine(text), MASK), 'command');
  return maskFound(maskPem(masked, undefined).text, finders);
}

/** Masks text that a program or an agent has written. */
export function maskOutput(text: string, finders: readonly SecretFinder[] = []): string {
  return maskFound(maskPrinted(maskPem(text, undefined).text), finders);
}

function maskPrinted(text: string): string {
  return replaceVisible(text, (visible) => [...findShapes(visible, 'output'), ...findPrinted(visible)], MASK);
}

/** Masks a command line that is split into words. Returns the same array if it has no secret. */
export function maskWords(words: readonly unknown[]): readonly unknown[] {
  const parts = findInWords(words.map((word) => (typeof word === 'string' ? word : '')));
  const masked = words.map((word, at) => {
    if (typeof word !== 'string') return word;
    const part = parts[at];
    if (part && part[0] < part[1]) return replaceSpans(word, [part], MASK);
    return mayHoldCommand(word) ? maskText(word) : maskPem(maskShapes(word, 'command'), undefined).text;
  });
  return masked.every((word, at) => word === words[at]) ? words : masked;
}

function maskFound(text: string, finders: readonly SecretFinder[]): string {
  return finders.reduce((masked, finder) => replaceSpans(masked, finder.find(masked), MASK), text);
}

/** Maximum number of streams with an unfinished key; the oldest are evicted. */
const MAX_OPEN = 1_000;
/** Keys of command lines in the input of tool calls. */
const COMMAND_KEYS: ReadonlySet<string> = new Set(['command', 'cmd']);
const COMMAND_HINT = /"(?:command|cmd)"\s*:/;

/** Masks the events of many producers, and remembers which of their streams are within a private key. */
export class EventMasker {
  readonly #open = new Map<string, OpenKey>();

  /** Masks all texts of the data. Returns the same event if it has no secret. */
  mask<Event extends NewEvent>(event: Event, finders: readonly SecretFinder[] = []): Event {
    const before = this.#maskKey(event);
    const data = maskFields(maskCommand(event.type, before), finders) as EventData;
    return data === event.data ? event : { ...event, data };
  }

  /** A private key that is spread over the lines of a stream. */
  #maskKey({ type, execution, source, step, data }: NewEvent): EventData {
    const field =
      type === 'output' ? (data['text'] === undefined ? 'base64' : 'text') : type === 'log' ? 'message' : '';
    const text = data[field];
    if (typeof text !== 'string') return data;
    const maskLines = (lines: string) => {
      if (this.#open.size === 0 && !lines.includes('PRIVATE KEY')) return lines;
      const stream = JSON.stringify([type, execution, source, step, data['stream']]);
      const masked = maskPem(lines, this.#open.get(stream));
      this.#open.delete(stream);
      if (masked.open) {
        this.#open.set(stream, masked.open);
        evictOldest(this.#open, MAX_OPEN);
      }
      return masked.text;
    };
    const masked = field === 'base64' ? maskBytes(text, maskLines) : maskLines(text);
    return masked === text ? data : { ...data, [field]: masked };
  }
}

/** The command line of a start, and that in the name of a tool's call. */
function maskCommand(type: string, data: EventData): EventData {
  const isStart =
    (type === 'execution_started' || type === 'execution_queued') &&
    (data['argv'] !== undefined || data['kind'] === 'command');
  const isCall = data['kind'] === 'tool' || data['kind'] === 'tool-call';
  if (!isStart && !isCall) return data;
  let masked = data;
  const set = (key: string, value: unknown) => {
    if (value !== data[key]) masked = { ...masked, [key]: value };
  };
  if (isStart && Array.isArray(data['argv'])) set('argv', maskWords(data['argv']));
  for (const key of ['name', 'title']) {
    const text = data[key];
    if (typeof text === 'string') set(key, maskText(text));
  }
  return masked;
}

/** A container in which nothing changes stays the same one. Events nest to a bounded depth. */
function maskFields(fields: object, finders: readonly SecretFinder[]): object {
  let masked: Record<string, unknown> | unknown[] | undefined;
  // not Object.entries, which is slow here: this runs for each event
  for (const key in fields) {
    const value = (fields as Record<string, unknown>)[key];
    const replacement = maskValue(key, value, finders);
    if (replacement === value) continue;
    masked ??= Array.isArray(fields) ? [...(fields as unknown[])] : { ...fields };
    (masked as Record<string, unknown>)[key] = replacement;
  }
  return masked ?? fields;
}

function maskValue(key: string, value: unknown, finders: readonly SecretFinder[]): unknown {
  if (typeof value === 'object' && value !== null) return maskFields(value, finders);
  if (typeof value !== 'string') return value;
  if (key === 'base64') return maskBytes(value, (text) => maskOutput(text, finders));
  if (key === 'raw') return maskRaw(value, finders);
  if (COMMAND_KEYS.has(key)) return maskText(value, finders);
  if (strengthOf(key) === 'strong' && !isPlaceholder(value)) return MASK;
  return maskOutput(value, finders);
}

/** Output that is not UTF-8, with a character for each byte: other bytes stay as they are. */
function maskBytes(base64: string, mask: (text: string) => string): string {
  let text: string;
  try {
    text = atob(/[-_]/.test(base64) ? base64.replaceAll('-', '+').replaceAll('_', '/') : base64);
  } catch {
    return base64;
  }
  const masked = mask(text);
  return masked === text || /[^\0-\xff]/.test(masked) ? base64 : btoa(masked);
}

/** The line that an agent wrote: as JSON it stays JSON, since other fields may point into it. */
function maskRaw(raw: string, finders: readonly SecretFinder[]): string {
  if (finders.length === 0 && !COMMAND_HINT.test(raw) && !mayHoldSecret(raw)) return raw;
  try {
    const value = JSON.parse(raw) as unknown;
    const masked = maskValue('', value, finders);
    return masked === value ? raw : JSON.stringify(masked);
  } catch {
    return maskOutput(raw, finders);
  }
}
