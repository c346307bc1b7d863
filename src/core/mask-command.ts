/** Finds the secrets of a command line by words and positions: what an option, a variable or a program says is one. */
import type { SecretArguments } from './secret-commands.js';
import { SECRET_ARGUMENTS } from './secret-commands.js';
import { isSecretName } from './secret-names.js';
import type { ShellCommand, ShellWord } from './shell-words.js';
import { splitCommands } from './shell-words.js';

/** In a text, as [start, end). */
export type Span = readonly [start: number, end: number];

/** A word of which nothing is a secret; else its secret begins at an index and reaches to its end. */
type From = number | undefined;

const RULES: ReadonlyMap<string, readonly SecretArguments[]> = groupRules();

function groupRules(): Map<string, SecretArguments[]> {
  const rules = new Map<string, SecretArguments[]>();
  for (const rule of SECRET_ARGUMENTS) {
    for (const program of rule.programs) rules.set(program, [...(rules.get(program) ?? []), rule]);
  }
  return rules;
}

const ASSIGNMENT = /^([A-Za-z_][A-Za-z0-9_.]{0,99})\+?=/;
const OPTION = /^--?([A-Za-z][A-Za-z0-9_.-]{0,99})(=?)/;
/** What follows an option and is an option itself is no value of it. */
const NEXT_OPTION = /^--?[A-Za-z][A-Za-z-]*(?:=|$)/;
/** `--private-key ~/.ssh/id_rsa` names a file. */
const IS_PATH = /^(?:\.{0,2}\/|~)|\.(?:pem|key|crt|pub)$/;
/** What writes its arguments to the input of the next command. */
const PRINTERS: ReadonlySet<string> = new Set(['echo', 'printf', 'print']);
/** What names of programs are searched for in: their own input is no secret. */
const SEARCHERS = /^(?:[ef]?grep|rg|ag|ack|sed|awk|cat|tee|less)$/;
const HERE_STRING = '<<<';
/** `sh -c 'ssh h "mysql -px"'`: command lines in words of command lines. */
const MAX_DEPTH = 3;
/** A longer word is no command line that somebody typed. */
const MAX_NESTED_CHARS = 16_384;
/** Programs in one command, and commands of one pipeline, that are looked at: keeps the time linear in the length. */
const MAX_PROGRAMS = 16;
const MAX_PIPELINE = 16;

/** The secrets of a command line as it is typed, in order. */
export function findInLine(line: string, depth = 0): Span[] {
  const commands = splitCommands(line);
  const spans: Span[] = [];
  for (const [at, { words }] of commands.entries()) {
    const values = words.map(({ value }) => value);
    const fed = inputOf(commands, at);
    for (const [index, from] of judge(values, fed).entries()) {
      const word = words[index];
      if (word === undefined) continue;
      if (from !== undefined) spans.push(...suffix(line, word, from));
      else spans.push(...nested(word, depth));
    }
  }
  return spans;
}

/** The secret of each word of a command: where it begins. */
export function findInWords(words: readonly string[]): From[] {
  return judge(words, undefined);
}

/** Is it worth looking for a command line in this word? */
export function mayHoldCommand(word: string): boolean {
  return word.length <= MAX_NESTED_CHARS && /[^\s]\s+[^\s]/.test(word);
}

function nested(word: ShellWord, depth: number): Span[] {
  if (depth >= MAX_DEPTH || !mayHoldCommand(word.value)) return [];
  return findInLine(word.value, depth + 1).map(([start, end]) => spanOf(word, start, end));
}

function spanOf({ offsets, start, end }: ShellWord, from: number, to: number): Span {
  return [offsets[from] ?? start, (offsets[to - 1] ?? end - 1) + 1];
}

/** To the end of the word; with its quotes where these begin there. */
function suffix(line: string, word: ShellWord, from: number): Span[] {
  if (from >= word.value.length) return [];
  const start = from === 0 ? word.start : (word.offsets[from - 1] ?? word.start) + 1;
  const isQuoted = line[start] === '"' || line[start] === "'";
  return [isQuoted || from === 0 ? [start, word.end] : spanOf(word, from, word.value.length)];
}

/** How the next commands of the pipeline take what this one writes. */
function inputOf(commands: readonly ShellCommand[], at: number): SecretArguments | undefined {
  const words = commands[at]?.words ?? [];
  if (!words.some(({ value }) => PRINTERS.has(baseName(value)))) return undefined;
  for (let next = at + 1; next < at + MAX_PIPELINE && commands[next]?.operator === '|'; next++) {
    const rule = readerOf((commands[next]?.words ?? []).map(({ value }) => value));
    if (rule) return rule;
  }
  return undefined;
}

/** The rule by which a command reads a secret from its input. */
function readerOf(words: readonly string[]): SecretArguments | undefined {
  if (SEARCHERS.test(baseName(words[0] ?? ''))) return undefined;
  for (const { at, rule } of rulesIn(words)) {
    if (rule.input === undefined || argumentsAt(words, at, rule) === undefined) continue;
    if (rule.input === 'always' || rule.input.some((option) => words.includes(option, at))) return rule;
  }
  return undefined;
}

/** The rules of the programs that a command names: behind `sudo`, `docker exec db` and the like too. */
function rulesIn(words: readonly string[]): { at: number; rule: SecretArguments }[] {
  const found: { at: number; rule: SecretArguments }[] = [];
  for (let at = 0; at < words.length && found.length < MAX_PROGRAMS; at++) {
    for (const rule of RULES.get(baseName(words[at] ?? '')) ?? []) found.push({ at, rule });
  }
  return found;
}

/** The index after `after`; undefined where these words do not follow. */
function argumentsAt(words: readonly string[], program: number, { after = [] }: SecretArguments): number | undefined {
  let at = program;
  for (const wanted of after) {
    at = words.indexOf(wanted, at + 1);
    if (at === -1) return undefined;
  }
  return at + 1;
}

function judge(words: readonly string[], fed: SecretArguments | undefined): From[] {
  const found = words.map((word, at): From => byName(word, words[at - 1], words.slice(Math.max(0, at - 3), at - 1)));
  for (const { at, rule } of rulesIn(words)) {
    const first = argumentsAt(words, at, rule);
    if (first !== undefined) applyRule(words, found, first, rule);
  }
  markHereString(words, found);
  if (fed) markPrinted(words, found, fed);
  return found;
}

/** `--token x`, `--token=x`, `TOKEN=x`, `set token x`. */
function byName(word: string, before: string | undefined, earlier: readonly string[]): From {
  const [assigned, variable] = ASSIGNMENT.exec(word) ?? [];
  if (assigned !== undefined && variable !== undefined && isSecretName(variable)) return assigned.length;
  const [option, name = '', sign] = OPTION.exec(word) ?? [];
  if (option !== undefined && sign === '=') {
    const value = word.slice(option.length);
    if (isSecretName(name)) return isFileOf(name, value) ? undefined : option.length;
    // --env=TOKEN=x
    const [inner, innerName] = ASSIGNMENT.exec(value) ?? [];
    if (inner !== undefined && innerName !== undefined && isSecretName(innerName)) return option.length + inner.length;
  }
  if (before === undefined || NEXT_OPTION.test(word)) return undefined;
  const [given, givenName = '', givenSign] = OPTION.exec(before) ?? [];
  if (given === before && givenSign === '')
    return isSecretName(givenName) && !isFileOf(givenName, word) ? 0 : undefined;
  // aws configure set aws_secret_access_key x; set -gx TOKEN x
  const isSet = earlier.at(-1) === 'set' || (earlier.at(-2) === 'set' && earlier.at(-1)?.startsWith('-'));
  if (isSet && isSecretName(before.split(/[:./]/).at(-1) ?? '')) return 0;
  return undefined;
}

function isFileOf(name: string, value: string): boolean {
  return /key$/i.test(name) && IS_PATH.test(value);
}

function applyRule(words: readonly string[], found: From[], first: number, rule: SecretArguments): void {
  const { options = [], pairs = [], positions = [], separator = ':' } = rule;
  let position = 0;
  for (let at = first; at < words.length; at++) {
    const word = words[at] ?? '';
    const option = [...options, ...pairs].find(
      (given) => isGiven(word, given, pairs.includes(given)) || (!rule.isExact && isAttached(word, given)),
    );
    if (option === undefined) {
      if (word.startsWith('-')) continue;
      if (rule.isWrapper) return;
      if (positions.includes(position++)) found[at] = 0;
      continue;
    }
    const isPair = pairs.includes(option);
    if (!isGiven(word, option, isPair)) mark(found, at, valueStart(word, option), isPair ? word : undefined, separator);
    else if (at + 1 < words.length && !NEXT_OPTION.test(words[at + 1] ?? '')) {
      at++;
      mark(found, at, 0, isPair ? words[at] : undefined, separator);
    }
  }
}

/** The option alone; `curl -sSu me:x` has it among others. */
function isGiven(word: string, option: string, isPair: boolean): boolean {
  if (word === option) return true;
  return isPair && option.length === 2 && /^-[A-Za-z]{2,6}$/.test(word) && word.endsWith(option.slice(1));
}

/** `-px`, `--user=x`. */
function isAttached(word: string, option: string): boolean {
  if (option.startsWith('--')) return word.startsWith(`${option}=`);
  return word.startsWith(option) && !word.startsWith('--') && (option.length === 2 || option === '-hp');
}

function valueStart(word: string, option: string): number {
  return word[option.length] === '=' ? option.length + 1 : option.length;
}

/** `pair`: the word, of which only what is behind a separator is a secret. */
function mark(found: From[], at: number, start: number, pair: string | undefined, separator: string): void {
  if (pair === undefined) found[at] = start;
  else {
    const index = pair.indexOf(separator, start);
    if (index !== -1) found[at] = index + separator.length;
  }
}

/** `chpasswd <<< me:x` */
function markHereString(words: readonly string[], found: From[]): void {
  const at = words.findIndex((word) => word.startsWith(HERE_STRING));
  const rule = at === -1 ? undefined : readerOf(words.slice(0, at));
  if (!rule) return;
  const isAlone = words[at] === HERE_STRING;
  const place = isAlone ? at + 1 : at;
  if (place >= words.length) return;
  mark(found, place, isAlone ? 0 : HERE_STRING.length, rule.separator && words[place], rule.separator ?? '');
}

/** `echo x | passwd --stdin` */
function markPrinted(words: readonly string[], found: From[], { separator }: SecretArguments): void {
  const printer = words.findIndex((word) => PRINTERS.has(baseName(word)));
  for (const [at, word] of words.entries()) {
    if (at <= printer || word.startsWith('-') || /^(?:%[a-z](?:\\n)?)+$/.test(word)) continue;
    mark(found, at, 0, separator === undefined ? undefined : word, separator ?? '');
  }
}

function baseName(word: string): string {
  return word.length > 256 ? '' : word.slice(word.lastIndexOf('/') + 1);
}
