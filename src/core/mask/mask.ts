/**
 * Masks the secrets of events before they are written. Best effort: what looks like none is kept.
 *
 * Secrets are masked where events enter (`daemon/intake/intake.ts`), and before that by runners and shell hooks
 * (`hooks/mask.sh`, `hooks/progress.fish`), whose files stay as long as they run. What is a secret is data with
 * examples that its tests run: names (`secret-names.ts`), arguments by program (`secret-commands.ts`), shapes of
 * tokens (`secret-shapes.ts`, after the rules of gitleaks). A command line is split into words as a shell does, so
 * argv and a typed line are judged alike. Most texts are only searched for hints. A raw line of an agent is masked as
 * JSON, since other fields point into it. `secret-values.ts` decides whether the value of a secret's name is a secret.
 * Output is searched without its colours (`visible-text.ts`), and a long line is cut where no secret is
 * (`runner/output.ts`). A private key is masked line by line, and `EventMasker` remembers which streams are within
 * one.
 */
import type { EventData, NewEvent } from '../event.js';
import { findInLine, findInWords, findPrinted, mayHoldCommand } from './mask-command.js';
import { maskPem, type OpenKey } from './mask-pem.js';
import { findShapes, MASK, maskShapes, mayHoldSecret } from './mask-text.js';
import { evictOldest } from '../evict.js';
import { strengthOf } from './secret-names.js';
import { isPlaceholder } from './secret-values.js';
import { replaceSpans, type Span } from './spans.js';
import { replaceVisible } from './visible-text.js';

/** Something else that is a secret: where it stands in a text, in order, as [start, end). */
export interface SecretFinder {
  find(text: string): readonly Span[];
}

/** One command line, as it was typed. */
export function maskText(text: string, finders: readonly SecretFinder[] = []): string {
  const masked = maskShapes(replaceSpans(text, findInLine(text), MASK), 'command');
  return maskFound(maskPem(masked, undefined).text, finders);
}

/** What a program has written, or an agent has said. */
export function maskOutput(text: string, finders: readonly SecretFinder[] = []): string {
  return maskFound(maskPrinted(maskPem(text, undefined).text), finders);
}

function maskPrinted(text: string): string {
  return replaceVisible(text, (visible) => [...findShapes(visible, 'output'), ...findPrinted(visible)], MASK);
}

/** A command line as words; the same array where it holds no secret. */
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

/** Streams of which a key is open: more are not kept. */
const MAX_OPEN = 1_000;
/** Command lines in what agents do. */
const COMMAND_KEYS: ReadonlySet<string> = new Set(['command', 'cmd']);
const COMMAND_HINT = /"(?:command|cmd)"\s*:/;

/** Masks the events of many producers, and remembers which of their streams are within a private key. */
export class EventMasker {
  readonly #open = new Map<string, OpenKey>();

  /** The same event, or where it holds secrets one without them, in whatever text of its data they stand. */
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
