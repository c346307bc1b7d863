/** Reads the transcript in progress-protocol(7), and compares it with the output of a real daemon. */
import { isDeepStrictEqual } from 'node:util';

export interface TranscriptLine {
  from: 'client' | 'daemon';
  text: string;
}

/** Values of numbered placeholders, by name. */
export type Bindings = Map<string, unknown>;

/** Lines `C: ...` and `D: ...` of an mdoc source; two spaces after the colon continue the previous line. */
export function readTranscript(source: string): TranscriptLine[] {
  const lines: TranscriptLine[] = [];
  for (const [, who, continued, rest = ''] of source.matchAll(/^([CD]): ( ?)(.*)$/gm)) {
    const text = rest.replaceAll('\\e', '\\');
    const last = lines.at(-1);
    if (continued && last) last.text += text;
    else lines.push({ from: who === 'C' ? 'client' : 'daemon', text });
  }
  return lines;
}

/** Converts a daemon's line of the transcript to JSON: a placeholder becomes a text, quoted or not. */
export function parsePattern(text: string): unknown {
  return JSON.parse(text.replace(/"?<(\w+)>"?/g, '"<$1>"'));
}

/**
 * Whether the value has everything that the pattern has. `<word>` matches any text or number, `<word1>` the same one
 * everywhere. Lists are as long as in the pattern; objects may have more fields.
 */
export function matchesPattern(pattern: unknown, value: unknown, bindings: Bindings): boolean {
  const [, name] = typeof pattern === 'string' ? (/^<(\w+)>$/.exec(pattern) ?? []) : [];
  if (name !== undefined) return isScalar(value) && bind(name, value, bindings);
  if (Array.isArray(pattern)) {
    const same = Array.isArray(value) && value.length === pattern.length;
    return same && pattern.every((item, index) => matchesPattern(item, value[index], bindings));
  }
  if (!isObject(pattern)) return isDeepStrictEqual(pattern, value);
  return isObject(value) && Object.entries(pattern).every(([key, item]) => matchesPattern(item, value[key], bindings));
}

function bind(name: string, value: unknown, bindings: Bindings): boolean {
  if (!/\d$/.test(name)) return true;
  if (!bindings.has(name)) bindings.set(name, value);
  return bindings.get(name) === value;
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
