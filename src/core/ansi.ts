/** What may reach a terminal: every text of an event is hostile until it has been through `sanitize`. */

export const SGR_RESET = '\u001b[0m';

/** Colours and weights: the only sequence that passes. The bound keeps a crafted one from being long. */
const SGR = String.raw`\u001b\[[0-9;:]{0,64}m`;

/**
 * What a terminal obeys or what reorders the line: C0 but tab and newline, DEL, C1, bidi and line controls. One
 * alternation without nested repetition: linear in the length of the text.
 */
const ACTIVE = new RegExp(
  String.raw`${SGR}|[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]`,
  'g',
);

/** CSI, OSC with its text, and the two-character sequences. Each part ends at the next ESC at the latest. */
const SEQUENCE =
  /\u001b(?:\[[0-?]{0,64}[ -/]{0,16}[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[PX^_][^\u001b]*(?:\u001b\\)?|[ -/]{0,16}[0-~])/g;

/**
 * Makes a text safe to print: SGR (if `color`), newline and tab stay, every other control is shown (`^[`, `\u{9b}`).
 * Colours end with their line.
 */
export function sanitize(text: string, options: { color: boolean }): string {
  const safe = text.replace(ACTIVE, (found) => {
    if (found.length === 1) return showControl(found);
    return options.color ? found : '';
  });
  if (!options.color || !safe.includes('\u001b')) return safe;
  return safe
    .split('\n')
    .map((line) => (line.includes('\u001b') ? line + SGR_RESET : line))
    .join('\n');
}

function showControl(control: string): string {
  const code = control.charCodeAt(0);
  return code < 0x80 ? `^${String.fromCharCode(code ^ 0x40)}` : `\\u{${code.toString(16)}}`;
}

/** Takes escape sequences out, for searching and measuring. It is no guard: use `sanitize` before printing. */
export function stripAnsi(text: string): string {
  return text.includes('\u001b') ? text.replace(SEQUENCE, '') : text;
}

/** Of a line that a meter rewrote by carriage returns, what a terminal would show in the end. */
export function visibleLine(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === '\r') end -= 1;
  return line.slice(line.lastIndexOf('\r', end - 1) + 1, end);
}
