/** Reading JSON that others wrote: what is not as expected is absent. */
export type Json = Readonly<Record<string, unknown>>;

/** The object that a line holds, or undefined when it holds none. */
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

/** The objects of a list. */
export function objectsOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(objectOf).filter((item) => item !== undefined) : [];
}

export function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Above zero, or nothing that counts. */
export function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}

export function finiteOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** The words of an API's refusal, which agents repeat as it came: `[API Error: {"error":{"message":"..."}}]`. */
export function plainError(text: string): string {
  const message = objectOf(parseObject(/\{.*\}/s.exec(text)?.[0] ?? '')?.['error'])?.['message'];
  return stringOf(message) ?? text;
}
