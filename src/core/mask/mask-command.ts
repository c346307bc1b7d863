/** Finds the secrets in a command line that was typed, or that a shell (`set -x`) or make has printed. */
import { type CommandSource, isPrinter, judgeWords, type Part, readerOf } from './mask-words.js';
import type { SecretArguments } from './secret-arguments.js';
import { SECRET_ARGUMENTS } from './secret-commands.js';
import type { ShellCommand, ShellWord } from './shell-words.js';
import { LITERAL_DOLLAR, splitCommands } from './shell-words.js';
import type { Span } from './spans.js';

/** Maximum nesting of command lines within words of command lines, as in `sh -c 'ssh h "mysql -px"'`. */
const MAX_COMMAND_DEPTH = 3;
/** Maximum length of a word that is searched for a command line: a longer one was not typed. */
const MAX_NESTED_CHARS = 16_384;
/** Maximum number of commands of a pipeline that are searched, so that the time is linear in the length. */
const MAX_PIPELINE = 16;

/** Finds the secrets of a command line, in order. */
export function findInLine(line: string, source: CommandSource = 'typed', depth = 0): Span[] {
  const commands = splitCommands(line);
  const spans: Span[] = [];
  for (const [at, { words }] of commands.entries()) {
    const values = words.map(({ expanded }) => expanded);
    for (const [index, part] of judgeWords(values, source, inputOf(commands, at)).entries()) {
      const word = words[index];
      if (word === undefined) continue;
      if (part !== undefined) spans.push(...partSpan(line, word, part));
      else spans.push(...nested(word, source, depth));
    }
  }
  return spans;
}

/** Finds the secret of each word of a command. */
export function findInWords(words: readonly string[]): Part[] {
  return judgeWords(words.map(expandedWord), 'typed');
}

/**
 * References in words that a shell has expanded: `$TOKEN` and `$(cat token)` are for another shell, while `$ecret` is plain
 * text.
 */
const IN_ENVIRONMENT = /\$(?:[A-Z_][A-Z0-9_]*\b|\{[A-Z_][A-Z0-9_]*\}|\([^()]*\))/g;

function expandedWord(word: string): string {
  const isText = /[$`]/.test(word) && /[$`]/.test(word.replaceAll(IN_ENVIRONMENT, ''));
  return isText ? word.replaceAll(/[$`]/g, LITERAL_DOLLAR) : word;
}

/** Whether a word may contain a command line. */
export function mayHoldCommand(word: string): boolean {
  return word.length <= MAX_NESTED_CHARS && /[^\s]\s+[^\s]/.test(word);
}

function nested(word: ShellWord, source: CommandSource, depth: number): Span[] {
  if (depth >= MAX_COMMAND_DEPTH || !mayHoldCommand(word.value)) return [];
  return findInLine(word.value, source, depth + 1).map(([start, end]) => spanOf(word, start, end));
}

function spanOf({ offsets, start, end }: ShellWord, from: number, to: number): Span {
  return [offsets[from] ?? start, (offsets[to - 1] ?? end - 1) + 1];
}

/** Converts a part of a word to its span in the line, with the quotes around it. */
function partSpan(line: string, word: ShellWord, [from, to]: Span): Span[] {
  if (from >= to) return [];
  if (to < word.value.length) return [spanOf(word, from, to)];
  const start = from === 0 ? word.start : (word.offsets[from - 1] ?? word.start) + 1;
  const isQuoted = /^\$?["']/.test(line.slice(start, start + 2));
  return [isQuoted || from === 0 ? [start, word.end] : spanOf(word, from, to)];
}

/** Returns the rule of the command that reads the output of this one in a pipeline. */
function inputOf(commands: readonly ShellCommand[], at: number): SecretArguments | undefined {
  const words = commands[at]?.words ?? [];
  if (!isPrinter(words.map(({ value }) => value))) return undefined;
  for (let next = at + 1; next < at + MAX_PIPELINE && commands[next]?.operator === '|'; next++) {
    const rule = readerOf((commands[next]?.words ?? []).map(({ value }) => value));
    if (rule) return rule;
  }
  return undefined;
}

/** Characters after the dash of options that take a secret, or of a group such as `-sSu` that has one. */
const STARTS: ReadonlySet<number> = new Set(
  '-aAbEfikKLpPsSuUvwX'.split('').map((character) => character.charCodeAt(0)),
);
const OPTION =
  /(?:[aAbEkKpPuUwX]|-[a-z-]{0,30}(?:bearer|body|cert|cookie|from-literal|key|pass|secret|token|user)|[fiLsSv]{1,5}[buU] )/y;
const PROGRAMS: ReadonlySet<string> = new Set(SECRET_ARGUMENTS.flatMap(({ programs }) => programs));
const NAMED_OPTION = /[ \t]--[a-z-]{0,30}(?:key|pass|secret|token)/;
/** Prefix of `set -x`. */
const TRACE = /^\++ /;

/** Finds the secrets in the command lines of an output, as `set -x` and make print them. */
export function findPrinted(text: string): Span[] {
  const spans: Span[] = [];
  const findIn = ([start, end]: Span, source: CommandSource) => {
    const line = text.slice(start, Math.min(end, start + MAX_NESTED_CHARS));
    const isTraced = TRACE.test(line);
    if (source === 'typed' ? !isTraced : isTraced || !hasCommand(line)) return;
    for (const [from, to] of findInLine(line, source)) spans.push([start + from, start + to]);
  };
  for (let at = text.indexOf('+ '); at !== -1;) {
    const line = lineAround(text, at);
    findIn(line, 'typed');
    at = text.indexOf('+ ', line[1]);
  }
  // searching for one character is fast if it is rare
  for (let at = text.indexOf('-'); at !== -1;) {
    OPTION.lastIndex = at + 1;
    const isOption = isBlank(text.charCodeAt(at - 1)) && STARTS.has(text.charCodeAt(at + 1)) && OPTION.test(text);
    const line = isOption ? lineAround(text, at) : undefined;
    if (line) findIn(line, 'printed');
    at = text.indexOf('-', line?.[1] ?? at + 1);
  }
  return spans;
}

/** Whether a line has a program of the table, or an option that is named like a secret. */
function hasCommand(line: string): boolean {
  return NAMED_OPTION.test(line) || line.split(/[\s/;&|("'`]/).some((word) => PROGRAMS.has(word));
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function lineAround(text: string, at: number): Span {
  const end = text.indexOf('\n', at);
  return [text.lastIndexOf('\n', at) + 1, end === -1 ? text.length : end];
}
