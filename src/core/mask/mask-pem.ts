/** Masks the lines of private keys (PEM), also where a key is spread over several texts. Line breaks stay where they are. */
import { MASK } from './mask-text.js';

const BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;
const END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;
/** A line of base64, or a header such as `Proc-Type: 4,ENCRYPTED`. */
const BODY = /^(?:[A-Za-z0-9+/=_-]*|[A-Za-z-]{1,30}: \S.{0,80})$/;
/** In a line with something before it, such as the name of a container. */
const RUN = /[A-Za-z0-9+/=]{32,}/g;
/** More lines than any key has. */
const MAX_LINES = 400;

/** Inside a key: how many lines of it have come, and what precedes each. Undefined outside of keys. */
export interface OpenKey {
  lines: number;
  before: string;
}

/** @param open What the text before has returned. */
export function maskPem(text: string, open: OpenKey | undefined): { text: string; open: OpenKey | undefined } {
  if (open === undefined && !text.includes('PRIVATE KEY')) return { text, open };
  let key = open;
  const lines = text.split('\n').map((line) => {
    const end = line.endsWith('\r') ? '\r' : '';
    const result = key
      ? inside(line.slice(0, line.length - end.length), key)
      : outside(line.slice(0, line.length - end.length));
    key = result.open;
    return result.text + end;
  });
  return { text: lines.join('\n'), open: key };
}

function outside(line: string): { text: string; open: OpenKey | undefined } {
  const begin = BEGIN.exec(line);
  if (!begin) return { text: line, open: undefined };
  const start = begin.index + begin[0].length;
  const rest = line.slice(start);
  const end = END.exec(rest);
  const before = line.slice(0, begin.index);
  if (!end) return { text: line.slice(0, start) + (rest.trim() === '' ? rest : MASK), open: { lines: 0, before } };
  const next = outside(rest.slice(end.index + end[0].length));
  return { text: line.slice(0, start) + MASK + end[0] + next.text, open: next.open };
}

function inside(line: string, { lines, before }: OpenKey): { text: string; open: OpenKey | undefined } {
  const end = END.exec(line);
  if (end) {
    const next = outside(line.slice(end.index + end[0].length));
    const start = line.startsWith(before) ? before.length : 0;
    const isAlone = end.index <= start;
    return {
      text: (isAlone ? line.slice(0, end.index) : line.slice(0, start) + MASK) + end[0] + next.text,
      open: next.open,
    };
  }
  if (lines >= MAX_LINES || BEGIN.test(line)) return outside(line);
  const open = { lines: lines + 1, before };
  const body = line.startsWith(before) ? line.slice(before.length) : line;
  if (BODY.test(body)) return { text: body === '' ? line : line.slice(0, line.length - body.length) + MASK, open };
  const masked = line.replace(RUN, MASK);
  // a line of something else: the key was not printed to its end
  return masked === line ? { text: line, open: undefined } : { text: masked, open };
}
