/** Finds the secrets among the words of one command, by the names of options and variables and by the rules of programs. */
import type { SecretArguments } from './secret-arguments.js';
import { SECRET_ARGUMENTS } from './secret-commands.js';
import { isSecretName, isSecretOption, strengthOf } from './secret-names.js';
import { isHarmlessValue } from './secret-values.js';
import type { Span } from './spans.js';

/** The part of a word that is a secret. */
export type Part = Span | undefined;

/** `printed`: output of a program, which may be prose about a command; only certain secrets are masked there. */
export type CommandSource = 'typed' | 'printed';

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
/** `-Ppassword`: an option with its value. */
const WITH_VALUE = /^-[A-Z][a-z]/;
/** `username=a,password=b` and `user=a&password=b` */
const LATER_ASSIGNMENT = /[,;&]([A-Za-z_][A-Za-z0-9_.]{0,99})=/g;
/** A word after an option that is an option too, and so not its value. */
const NEXT_OPTION = /^--?[A-Za-z][A-Za-z-]*(?:=|$)/;
/** `X-Api-Key: ` */
const HEADER = /^([A-Za-z][A-Za-z0-9-]{0,60}): */;
/** A word that is a URL. Its password may contain characters that end a URL in other texts. */
const URL_WORD = /^(?:[^\s=:]{1,60}=)?[a-z][a-z0-9+.-]{0,30}:\/\/[^\s:@/]{0,256}:(?![0-9]{1,5}(?:[/?#]|$))/i;
const HERE_STRING = '<<<';
/** Programs that write their arguments to the input of the next command. */
const PRINTERS: ReadonlySet<string> = new Set(['echo', 'printf', 'print']);
/** Programs whose arguments may name another program; their input is not a secret. */
const SEARCHERS = /^(?:[ef]?grep|rg|ag|ack|sed|awk|cat|tee|less)$/;
/** Maximum number of programs in one command whose rules are applied, so that the time is linear in the length. */
const MAX_PROGRAMS = 16;
/** Maximum number of words after a program to which its rules are applied, for the same reason. */
const MAX_ARGUMENTS = 4_096;

/** @param fed Rule of the command that reads the output of this one in a pipeline. */
export function judgeWords(words: readonly string[], source: CommandSource, fed?: SecretArguments): Part[] {
  const judge = source === 'typed' ? byName : byPrintedOption;
  const found = words.map((word, at) => judge(word, words, at));
  for (const { at, rule } of rulesIn(words)) {
    const first = argumentsAt(words, at, rule);
    if (first !== undefined) applyRule(words, found, first, source === 'typed' ? rule : { ...rule, positions: [] });
  }
  if (source === 'printed')
    return found.map((part, at) => (part && isPlausible(words[at] ?? '', part) ? part : undefined));
  markHereString(words, found);
  if (fed) markPrinted(words, found, fed);
  return found;
}

/** `--token x9y8z7` in a text that may be prose. */
function byPrintedOption(word: string, words: readonly string[], at: number): Part {
  const name = optionName(words[at - 1]);
  if (name === undefined || strengthOf(name) !== 'strong') return undefined;
  const isRandom = word.length >= 6 && /[0-9]/.test(word) && /[A-Za-z]/.test(word);
  return isRandom ? value(name, word, 0) : undefined;
}

/** The name of an option that has its value in the next word. */
function optionName(word: string | undefined): string | undefined {
  if (!word?.startsWith('-') || WITH_VALUE.test(word)) return undefined;
  const [given, name, sign] = OPTION.exec(word) ?? [];
  return given === word && sign === '' ? name : undefined;
}

/** Text of a manual names its values: `curl -u user:password`, `mysql -pPASSWORD`. */
function isPlausible(word: string, [start, end]: Span): boolean {
  const value = word.slice(start, end);
  return (
    /[A-Za-z0-9]/.test(value) && !isSecretName(value) && !/^[[<(]|[\])>,.;:]$/.test(value) && !/^[A-Z_]+$/.test(value)
  );
}

/** `--token x`, `--token=x`, `TOKEN=x`, `set token x`. */
function byName(word: string, words: readonly string[], at: number): Part {
  const [assigned, variable] = ASSIGNMENT.exec(word) ?? [];
  if (assigned !== undefined && variable !== undefined && isSecretName(variable))
    return value(variable, word, assigned.length);
  const [option, name = '', sign] = word.startsWith('-') ? (OPTION.exec(word) ?? []) : [];
  if (option !== undefined && sign === '=') {
    if (isSecretOption(name)) return value(name, word, option.length);
    // --env=TOKEN=x
    const [inner, innerName] = ASSIGNMENT.exec(word.slice(option.length)) ?? [];
    if (inner !== undefined && innerName !== undefined && isSecretName(innerName))
      return value(innerName, word, option.length + inner.length);
  }
  return byOptionBefore(word, words, at) ?? byLaterName(word) ?? inUrl(word);
}

function byOptionBefore(word: string, words: readonly string[], at: number): Part {
  const before = words[at - 1];
  if (before === undefined || NEXT_OPTION.test(word)) return undefined;
  const name = optionName(before);
  if (name !== undefined) return isSecretName(name) ? value(name, word, 0) : undefined;
  // aws configure set aws_secret_access_key x; set -gx TOKEN x; CONFIG SET requirepass x
  const earlier = words[at - 2]?.startsWith('-') ? words[at - 3] : words[at - 2];
  const key = before.split(/[:./]/).at(-1) ?? '';
  return earlier?.toLowerCase() === 'set' && isSecretName(key) ? value(key, word, 0) : undefined;
}

/** The value in a word from an index, unless it is none. */
function value(name: string, word: string, start: number): Part {
  const text = word.slice(start);
  if (isHarmlessValue(name, text)) return undefined;
  // a substitution follows
  return [start, text.endsWith('$') ? word.length - 1 : word.length];
}

/** Up to the next name. */
function byLaterName(word: string): Part {
  if (!word.includes('=')) return undefined;
  let found: Part;
  for (const {
    index,
    0: { length },
    1: name = '',
  } of word.matchAll(LATER_ASSIGNMENT)) {
    if (found) return [found[0], index];
    if (isSecretName(name)) found = value(name, word, index + length);
  }
  return found;
}

function inUrl(word: string): Part {
  if (!word.includes('://')) return undefined;
  const start = URL_WORD.exec(word)?.[0].length;
  const end = word.lastIndexOf('@');
  if (start === undefined || end <= start || !/[\s"'<>]/.test(word.slice(start, end))) return undefined;
  return [start, end];
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
    at = words.findIndex((word, index) => index > at && word.toLowerCase() === wanted);
    if (at === -1) return undefined;
  }
  return at + 1;
}

function applyRule(words: readonly string[], found: Part[], first: number, rule: SecretArguments): void {
  const { options = [], pairs = [], attached = [], headers = [], harmless = [], positions = [] } = rule;
  const arguments_: number[] = [];
  const end = Math.min(words.length, first + MAX_ARGUMENTS);
  for (let at = first; at < end; at++) {
    const word = words[at] ?? '';
    const option = [...options, ...pairs, ...attached, ...headers, ...harmless].find(
      (given) => isGiven(word, given, pairs.includes(given)) || isAttached(word, given, rule),
    );
    if (option === undefined) {
      if (word.startsWith('-')) continue;
      if (rule.isWrapper) break;
      arguments_.push(at);
      continue;
    }
    const isNext = isGiven(word, option, pairs.includes(option));
    if (isNext && (attached.includes(option) || NEXT_OPTION.test(words[at + 1] ?? ''))) continue;
    if (isNext) at++;
    if (at >= words.length) break;
    const start = isNext ? 0 : valueStart(word, option);
    if (harmless.includes(option)) found[at] = undefined;
    else if (headers.includes(option)) found[at] = inHeader(words[at] ?? '', start) ?? found[at];
    else mark(found, at, words[at] ?? '', start, pairs.includes(option) ? rule : {});
  }
  for (const position of positions) {
    const at = position === 'last' ? arguments_.at(-1) : arguments_[position];
    if (at !== undefined && found[at] === undefined) mark(found, at, words[at] ?? '', 0, rule);
  }
}

/** The option alone; `curl -sSu me:x` has it among others. */
function isGiven(word: string, option: string, isPair: boolean): boolean {
  if (word === option) return true;
  return isPair && option.length === 2 && /^-[A-Za-z]{2,6}$/.test(word) && word.endsWith(option.slice(1));
}

/** `-px`, `--user=x`. */
function isAttached(word: string, option: string, { isExact, attached }: SecretArguments): boolean {
  if (isExact) return false;
  if (option.startsWith('--')) return word.startsWith(`${option}=`);
  return (
    word.startsWith(option) && !word.startsWith('--') && (option.length === 2 || attached?.includes(option) === true)
  );
}

function valueStart(word: string, option: string): number {
  return word[option.length] === '=' ? option.length + 1 : option.length;
}

/** The whole value, or of a pair what is behind its separator and before its terminator. */
function mark(found: Part[], at: number, word: string, start: number, { separator, terminator }: Pair): void {
  let from = start;
  if (separator !== undefined) {
    const index = word.toLowerCase().indexOf(separator, start);
    if (index === -1) return;
    from = index + separator.length;
  }
  const end = terminator === undefined ? -1 : word.lastIndexOf(terminator);
  const to = end > from ? end : word.length;
  found[at] = isHarmlessValue('', word.slice(from, to)) ? undefined : [from, to];
}

type Pair = Pick<SecretArguments, 'separator' | 'terminator'>;

/** `-H 'X-Api-Key: x'` */
function inHeader(word: string, start: number): Part {
  const [before, name = ''] = HEADER.exec(word.slice(start)) ?? [];
  // the scheme of an authorization, and the names of cookies, stay: mask-fields.ts
  if (before === undefined || /authorization$|cookie$/i.test(name) || !isSecretName(name)) return undefined;
  return value(name, word, start + before.length);
}

/** The rule by which a command reads a secret from its input. */
export function readerOf(words: readonly string[]): SecretArguments | undefined {
  if (SEARCHERS.test(baseName(words[0] ?? ''))) return undefined;
  for (const { at, rule } of rulesIn(words)) {
    if (rule.input === undefined || argumentsAt(words, at, rule) === undefined) continue;
    if (rule.input === 'always' || rule.input.some((option) => words.includes(option, at))) return rule;
  }
  return undefined;
}

/** `chpasswd <<< me:x` */
function markHereString(words: readonly string[], found: Part[]): void {
  const at = words.findIndex((word) => word.startsWith(HERE_STRING));
  const rule = at === -1 ? undefined : readerOf(words.slice(0, at));
  if (!rule) return;
  const isAlone = words[at] === HERE_STRING;
  const place = isAlone ? at + 1 : at;
  const word = words[place];
  if (word !== undefined) mark(found, place, word, isAlone ? 0 : HERE_STRING.length, rule);
}

export function isPrinter(words: readonly string[]): boolean {
  return words.some((word) => PRINTERS.has(baseName(word)));
}

/** `echo x | passwd --stdin` */
function markPrinted(words: readonly string[], found: Part[], rule: SecretArguments): void {
  const printer = words.findIndex((word) => PRINTERS.has(baseName(word)));
  for (const [at, word] of words.entries()) {
    if (at <= printer || word.startsWith('-') || /^(?:%[a-z](?:\\n)?)+$/.test(word)) continue;
    mark(found, at, word, 0, rule);
  }
}

function baseName(word: string): string {
  return word.length > 256 ? '' : word.slice(word.lastIndexOf('/') + 1);
}
