/** Secrets in command lines and output, masked before anybody keeps them. Best effort: what looks like none is kept. */
import type { EventData, NewEvent } from './event.js';

const MASK = '***';

/** Something else that is a secret: where it stands in a text, in order, as [start, end). */
export interface Finder {
  find(text: string): readonly (readonly [start: number, end: number])[];
}

/** Part of the name of an option or a variable whose value nobody may see. */
export const SECRET_NAME =
  '(?:pass(?:word|wd|phrase)?|pwd|secret|token|api-?_?key|access-?_?key|secret-?_?key|private-?_?key|auth|credentials?)';
/** A word of a shell: in quotes, or up to the next space. */
const VALUE = `(?:"[^"]*"|'[^']*'|[^\\s"'][^\\s]*)`;

/** Parts that may repeat are bounded: whatever the text, its length is gone through a few times and not its square. */
type Rule = readonly [RegExp, string];

/** What tells by itself, wherever it stands. */
const SHAPES: readonly Rule[] = [
  // https://user:x@host
  [/\b([a-z][a-z0-9+.-]{0,30}:\/\/[^\s:@/]*):[^\s@/]+@/gi, `$1:${MASK}@`],
  // what services give out
  [/\b(?:gh[oprsu]_|github_pat_|glpat-|xox[abprs]-|AIza|hf_|pypi-)[A-Za-z0-9_-]{12,}/g, MASK],
  [/\bsk-(?:(?:ant|proj|svcacct|or)-|(?=[A-Za-z_-]{0,40}\d))[A-Za-z0-9_-]{8,}/g, MASK],
  [/\bnpm_[A-Za-z0-9]{36}/g, MASK],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{12,}/g, MASK],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, MASK],
  // to its end, or as far as it goes in this text
  [
    /(-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----)(?:[A-Za-z0-9+/=\s]|[A-Za-z-]{1,30}: [^\n]*)*(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?/g,
    `$1${MASK}`,
  ],
];

const COMMAND_RULES: readonly Rule[] = [
  // --db-password=x, --token x, -token=x
  [new RegExp(`(^|\\s)(--?(?:[a-z0-9]+[-_]){0,8}${SECRET_NAME})([= ])${VALUE}`, 'gi'), `$1$2$3${MASK}`],
  // GITHUB_TOKEN=x, in front of a command or after `env`
  [new RegExp(`\\b((?:[a-z0-9]+_){0,8}${SECRET_NAME}(?:_[a-z0-9]+){0,8})=${VALUE}`, 'gi'), `$1=${MASK}`],
  // Authorization: Bearer x, X-Api-Key: x
  [
    new RegExp(`\\b((?:[a-z0-9]+-){0,8}(?:authorization|${SECRET_NAME}): *(?:bearer |basic |token )?)[^\\s"']+`, 'gi'),
    `$1${MASK}`,
  ],
  // curl -u user:x
  [/(\s(?:-u|--user)[= ]?["']?[^\s:"']+):[^\s"']+/g, `$1:${MASK}`],
  ...SHAPES,
];

const OUTPUT_RULES: readonly Rule[] = [
  // as `env` and `set` print variables
  [
    /\b([A-Z0-9_]{0,60}(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY)(?:_[A-Z0-9_]{0,60})?=)("[^"]*"|'[^']*'|[^\s"']+)/g,
    `$1${MASK}`,
  ],
  // as `curl -v` prints headers
  [/\b(authorization: (?:bearer|basic|token) )[^\s"']+/gi, `$1${MASK}`],
  ...SHAPES,
];

/** No rule for output finds anything where this does not: most texts are looked through once. */
const OUTPUT_HINT =
  /gh[oprsu]_|github_pat_|glpat-|xox[abprs]-|AIza|hf_|pypi-|sk-|npm_|A[KS]IA|eyJ|PRIVATE KEY-----|:\/\/[^\s:@/]*:|[Aa]uthorization: |AUTHORIZATION: |(?:PASSWORD|PASSWD|SECRET|TOKEN|KEY)(?:_[A-Z0-9_]{0,60})?=/;

/** An option whose value is the next word. */
const SECRET_OPTION = new RegExp(`^--?(?:[a-z0-9]+[-_])*${SECRET_NAME}$`, 'i');

/** One command line, as it was typed. */
export function maskText(text: string, finders: readonly Finder[] = []): string {
  return finders.reduce(cover, apply(COMMAND_RULES, text));
}

/** No secret that is known by its shape is shorter, with what it is known by. */
const MIN_CHARS = 7;

/** What a program has written, or an agent has said. */
export function maskOutput(text: string, finders: readonly Finder[] = []): string {
  const masked = text.length >= MIN_CHARS && OUTPUT_HINT.test(text) ? apply(OUTPUT_RULES, text) : text;
  return finders.reduce(cover, masked);
}

function apply(rules: readonly Rule[], text: string): string {
  return rules.reduce((masked, [pattern, replacement]) => masked.replace(pattern, replacement), text);
}

function cover(text: string, finder: Finder): string {
  let covered = '';
  let at = 0;
  for (const [start, end] of finder.find(text)) {
    covered += text.slice(at, start) + MASK;
    at = end;
  }
  return at === 0 ? text : covered + text.slice(at);
}

/** A command line as words. */
export function maskWords(words: readonly unknown[]): unknown[] {
  return words.map((word, at) => {
    if (typeof word !== 'string') return word;
    const before = words[at - 1];
    if (typeof before === 'string' && SECRET_OPTION.test(before)) return MASK;
    return maskText(word);
  });
}

/** The same event, or where it holds secrets one without them, in whatever text of its data they stand. */
export function maskEvent(event: NewEvent, finders: readonly Finder[] = []): NewEvent {
  const isStart = event.type === 'execution_started' || event.type === 'execution_queued';
  const data = maskFields(isStart ? maskCommand(event.data) : event.data, finders) as EventData;
  return data === event.data ? event : { ...event, data };
}

function maskCommand(data: EventData): EventData {
  const { argv, name } = data;
  if (argv === undefined) return data;
  return {
    ...data,
    ...(Array.isArray(argv) && { argv: maskWords(argv) }),
    ...(typeof name === 'string' && { name: maskText(name) }),
  };
}

/** A container in which nothing changes stays the same one. Events nest to a bounded depth. */
function maskFields(fields: object, finders: readonly Finder[]): object {
  let masked: Record<string, unknown> | unknown[] | undefined;
  // not Object.entries, which is slow here: this runs for each event
  for (const key in fields) {
    const value = (fields as Record<string, unknown>)[key];
    const replacement = maskValue(key, value, finders);
    if (replacement === value) continue;
    masked ??= Array.isArray(fields) ? [...(fields as unknown[])] : { ...fields };
    (masked as Record<string, unknown>)[key] = replacement;
  }
  return masked ?? fields;
}

function maskValue(key: string, value: unknown, finders: readonly Finder[]): unknown {
  if (typeof value === 'object' && value !== null) return maskFields(value, finders);
  if (typeof value !== 'string' || key === 'base64') return value;
  return key === 'raw' ? maskRaw(value, finders) : maskOutput(value, finders);
}

/** The line that an agent wrote: as JSON it stays JSON, since other fields may point into it. */
function maskRaw(raw: string, finders: readonly Finder[]): string {
  if (finders.length === 0 && !OUTPUT_HINT.test(raw)) return raw;
  try {
    const value = JSON.parse(raw) as unknown;
    const masked = maskValue('', value, finders);
    return masked === value ? raw : JSON.stringify(masked);
  } catch {
    return maskOutput(raw, finders);
  }
}
