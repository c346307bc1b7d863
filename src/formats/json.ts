/** Reads untrusted JSON: values of an unexpected type count as absent. */
export type Json = Readonly<Record<string, unknown>>;

/** Parses a line as a JSON object; returns undefined for anything else. */
export function parseObject(text: string): Json | undefined {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export function objectOf(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

/** Returns the objects in a list. */
export function objectsOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(objectOf).filter((item) => item !== undefined) : [];
}

export function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Returns a positive finite number, else 0. */
export function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}

export function finiteOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** Extracts the message of an API error, which agents quote verbatim: `[API Error: {"error":{"message":"..."}}]`. */
export function plainError(text: string): string {
  const message = objectOf(parseObject(/\{.*\}/s.exec(text)?.[0] ?? '')?.['error'])?.['message'];
  return stringOf(message) ?? text;
}
