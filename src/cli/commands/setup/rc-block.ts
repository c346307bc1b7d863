/** Block that loads the hooks: its lines for each shell, and its position in a start-up file. */
import { quoteFish, quotePosix } from '../../../platform/shell-quote.js';
import { splitLines } from '../../../platform/unified-diff.js';
import { ProgressError } from '../../../core/base/errors.js';
import type { Shell } from '../../../platform/paths.js';

/** Position of a block in a start-up file, whose text has one character per byte (latin1) to keep any encoding. */
export interface Block {
  /** Offsets of the block. */
  start: number;
  end: number;
  /** Number of its first line, from 1. */
  line: number;
  /** Text between the markers. */
  body: string;
}

const BEGIN = '# >>> progress >>>';
const END = '# <<< progress <<<';
const NOTE = '  (progress setup --undo removes this';
/** The file did not end with a line break, so the one before the block belongs to the block. */
const WITH_BREAK = ' and the line break before';

/** The code of one shell. */
interface ShellCode {
  /** Line that loads the hooks by `progress init`. */
  load: (program: string) => string;
  /** The lines of the block. */
  body: (program: string) => string;
  /** Its group is the program in such lines, as quoted, without the quotes. */
  quotedProgram: RegExp;
  unquote: (quoted: string) => string;
  /** Line that reads a file. */
  source: (file: string) => string;
}

const CODE: Readonly<Record<Shell, ShellCode>> = {
  bash: posixCode('bash'),
  zsh: posixCode('zsh'),
  fish: {
    load: loadFish,
    body: guardFish,
    quotedProgram: /test -x '(.*)'$/m,
    unquote: (quoted) => quoted.replace(/\\(['\\])/g, '$1'),
    source: (file) => `source ${quoteFish(file)}`,
  },
};

function posixCode(shell: Shell): ShellCode {
  return {
    load: (program) => loadPosix(shell, program),
    body: (program) => guardPosix(shell, program),
    quotedProgram: /\[ -x '(.*)' \]; then/s,
    unquote: (quoted) => quoted.replaceAll(`'\\''`, "'"),
    source: (file) => `. ${quotePosix(file)}`,
  };
}

/** Line that loads the hooks in a running shell. */
export function loadLine(shell: Shell, program: string): string {
  return CODE[shell].load(program);
}

/** Line that reads a file of hooks. */
export function sourceLine(shell: Shell, file: string): string {
  return CODE[shell].source(file);
}

/** Guards the line: silent and successful if the program was removed, also under `set -eu`; skipped in scripts. */
function guardPosix(shell: Shell, program: string): string {
  return `case $- in *i*) if [ -x ${quotePosix(program)} ]; then ${loadPosix(shell, program)} || :; fi ;; esac\n`;
}

function loadPosix(shell: Shell, program: string): string {
  return `eval "$(${quotePosix(program)} init ${shell})"`;
}

function guardFish(program: string): string {
  return `if status is-interactive; and test -x ${quoteFish(program)}\n    ${loadFish(program)}\nend\n`;
}

function loadFish(program: string): string {
  return `${quoteFish(program)} init fish | source`;
}

/** Adds the block of `program` to a text, in place of the old one or at the end. */
export function putBlock(text: string, block: Block | undefined, shell: Shell, program: string): string {
  const body = toBytes(CODE[shell].body(program));
  if (block) return text.slice(0, block.start) + rewrap(text, block, body) + text.slice(block.end);
  const needsBreak = text !== '' && !text.endsWith('\n');
  return `${text}${needsBreak ? '\n' : ''}${BEGIN}${NOTE}${needsBreak ? WITH_BREAK : ''})\n${body}${END}\n`;
}

function rewrap(text: string, { start, end, body }: Block, newBody: string): string {
  const old = text.slice(start, end);
  const at = old.indexOf(body, old.indexOf(BEGIN) + BEGIN.length);
  return old.slice(0, at) + newBody + old.slice(at + body.length);
}

export function cutBlock(text: string, { start, end }: Block): string {
  return text.slice(0, start) + text.slice(end);
}

/** @returns the program that a block loads; undefined if the block was edited */
export function programOf(block: Block, shell: Shell): string | undefined {
  const body = fromBytes(block.body);
  const { quotedProgram, unquote } = CODE[shell];
  const [, quoted = ''] = quotedProgram.exec(body) ?? [];
  const program = unquote(quoted);
  return CODE[shell].body(program) === body ? program : undefined;
}

/** @returns undefined without a block. @throws for an incomplete block, or two, which the user has to repair */
export function findBlock(text: string, file: string): Block | undefined {
  const lines = splitLines(text);
  const isMarker = (line: string) => line.startsWith(BEGIN) || line.startsWith(END);
  const [first, second, third] = [...lines.keys()].filter((index) => isMarker(lines[index] ?? ''));
  if (first === undefined) return undefined;
  const fail = (index: number, what: string) => {
    const advice = `remove what is left of it between "${BEGIN}" and "${END}" in an editor`;
    return new ProgressError('bad_config', `${file}:${index + 1}: ${what}; ${advice}`);
  };
  if (!lines[first]?.startsWith(BEGIN)) throw fail(first, 'the block of progress ends here without a start');
  if (second === undefined || !lines[second]?.startsWith(END))
    throw fail(first, 'the block of progress that starts here has no end');
  if (third !== undefined) throw fail(third, 'a second block of progress');
  const before = lines.slice(0, first).join('').length;
  const end = lines.slice(0, second + 1).join('').length;
  // text that was added after the block needs the line break
  const hasBreak = lines[first].includes(WITH_BREAK) && text[before - 1] === '\n' && end === text.length;
  return {
    start: hasBreak ? before - 1 : before,
    end,
    line: first + 1,
    body: lines.slice(first + 1, second).join(''),
  };
}

export function toBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

export function fromBytes(text: string): string {
  return Buffer.from(text, 'latin1').toString();
}
