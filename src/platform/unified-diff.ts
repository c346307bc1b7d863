/** Formats a unified diff of two texts that differ in one place. */

const CONTEXT_LINES = 3;
const NOWHERE = '/dev/null';

/** Returns the lines of `diff -u`. An undefined text is a missing file. */
export function unifiedDiff(file: string, before: string | undefined, after: string | undefined): string[] {
  const [old, young] = [splitLines(before ?? ''), splitLines(after ?? '')];
  const shorter = Math.min(old.length, young.length);
  let head = 0;
  while (head < shorter && old[head] === young[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && old.at(-1 - tail) === young.at(-1 - tail)) tail += 1;

  const start = Math.max(0, head - CONTEXT_LINES);
  const rest = Math.max(0, tail - CONTEXT_LINES);
  const range = (lines: readonly string[]) => {
    const count = lines.length - rest - start;
    return `${count === 0 ? start : start + 1},${count}`;
  };
  const show = (sign: string, lines: readonly string[]) => lines.flatMap((line) => showLine(sign, line));
  return [
    `--- ${before === undefined ? NOWHERE : file}`,
    `+++ ${after === undefined ? NOWHERE : file}`,
    `@@ -${range(old)} +${range(young)} @@`,
    ...show(' ', old.slice(start, head)),
    ...show('-', old.slice(head, old.length - tail)),
    ...show('+', young.slice(head, young.length - tail)),
    ...show(' ', old.slice(old.length - tail, old.length - rest)),
  ];
}

function showLine(sign: string, line: string): string[] {
  if (line.endsWith('\n')) return [sign + line.slice(0, -1)];
  return [sign + line, '\\ No newline at end of file'];
}

/** Splits a text into lines, each with its line break. */
export function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
