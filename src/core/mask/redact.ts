/** What may be handed on: without secrets, and without the names of a person, a machine and a home. Best effort. */
import type { ExecutionEvent } from '../events/event.js';
import { escapeRegExp } from '../text/regexp.js';
import { type SecretFinder, maskText, maskWords } from './mask.js';
import { MASK } from './mask-text.js';
import { isSecretName } from './secret-names.js';
import { isPlaceholder } from './secret-values.js';

export interface Owner {
  home: string;
  user: string;
  /** Of the machine. */
  hosts: readonly string[];
}

/** The same value, of whatever kind, with everything in it that is text made harmless. */
export type Redact = <T>(value: T) => T;

/** They belong to no user. */
const COMMON_NAMES: ReadonlySet<string> = new Set(['', 'root', 'localhost']);

/** `finders`: what is a secret besides what looks like one. */
export function createRedact({ home, user, hosts }: Owner, finders: readonly SecretFinder[] = []): Redact {
  const places = home.length > 1 ? [[new RegExp(`${escapeRegExp(home)}(?![\\w.-])`, 'g'), '~'] as const] : [];
  const named = [[user, '<user>'] as const, ...hosts.map((host) => [host, '<host>'] as const)];
  const names = named
    .filter(([name]) => !COMMON_NAMES.has(name))
    .sort(([a], [b]) => b.length - a.length) // one may begin with another
    .map(([name, instead]) => [new RegExp(`(?<![\\w-])${escapeRegExp(name)}(?![\\w-])`, 'g'), instead] as const);
  const rules = [...places, ...names];
  const redactText = (text: string) =>
    rules.reduce((changed, [pattern, instead]) => changed.replace(pattern, instead), maskText(text, finders));

  const redact = (value: unknown, key = ''): unknown => {
    if (typeof value === 'string') {
      if (isSecretName(key) && !isPlaceholder(value)) return MASK;
      return key === 'raw' ? redactJson(value) : redactText(value);
    }
    // words of a command line, where a secret follows its option
    if (Array.isArray(value)) return maskWords(value).map((item) => redact(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, redact(item, name)]));
  };
  /** A line that an agent has written: it stays JSON. */
  const redactJson = (text: string): string => {
    try {
      return JSON.stringify(redact(JSON.parse(text)));
    } catch {
      return redactText(text);
    }
  };
  return <T>(value: T) => redact(value) as T;
}

/** Its place in the journal stays; bytes that are no text are turned into one. */
export function redactEvent(event: ExecutionEvent, redact: Redact, decode: (base64: string) => string): ExecutionEvent {
  const { base64, ...data } = event.data;
  const text = typeof base64 === 'string' ? { text: decode(base64) } : {};
  return { ...event, data: redact({ ...data, ...text }) };
}
