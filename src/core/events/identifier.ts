/** Validates IDs of executions, steps and sources, and names of types. */

export const MAX_ID_CHARS = 256;
export const MAX_TYPE_CHARS = 128;

/** C0, DEL and C1, which could break a line, a terminal or a path. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Whether a value is a text of 1 to `maxChars` characters without control characters. */
export function isIdentifier(value: unknown, maxChars = MAX_ID_CHARS): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxChars && !CONTROL.test(value);
}
