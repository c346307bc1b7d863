/** Sanitizes text for terminals: every text of an event is hostile until it has passed `sanitize`. */

export const SGR_RESET = '\u001b[0m';

/** SGR (colours and weights), the only sequence that passes; the bound limits crafted ones. */
const SGR = String.raw`\u001b\[[0-9;:]{0,64}m`;

/**
 * Control characters that affect a terminal or reorder a line: C0 except tab and newline, DEL, C1, bidi and line controls.
 * One alternation without nested repetition, so matching is linear in the length of the text.
 */
const ACTIVE = new RegExp(
  String.raw`${SGR}|[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]`,
  'g',
);

/** Escape sequences: CSI, OSC with its text, and two-character ones. Each ends at the next ESC at the latest. */
const SEQUENCE =
  /\u001b(?:\[[0-?]{0,64}[ -/]{0,16}[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[PX^_][^\u001b]*(?:\u001b\\)?|[ -/]{0,16}[0-~])/g;

/**
 * Makes a text safe to print: keeps SGR (if `color`), newline and tab, and shows every other control (`^[`, `\u{9b}`).
 * Colours are reset at the end of each line.
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

/** Removes escape sequences, for searching and measuring. Not a safeguard: use `sanitize` before printing. */
export function stripAnsi(text: string): string {
  return text.includes('\u001b') ? text.replace(SEQUENCE, '') : text;
}

/** Returns what a terminal would finally show of a line that was rewritten with carriage returns. */
export function visibleLine(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === '\r') end -= 1;
  return line.slice(line.lastIndexOf('\r', end - 1) + 1, end);
}
