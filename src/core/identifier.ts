/** What may name an execution, a step, a source or a type. */

export const MAX_ID_CHARS = 256;
export const MAX_TYPE_CHARS = 128;

/** C0, DEL and C1: they would break a line, a terminal or a path. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

export function isIdentifier(value: unknown, maxChars = MAX_ID_CHARS): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxChars && !CONTROL.test(value);
}
