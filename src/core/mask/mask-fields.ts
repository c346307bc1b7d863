/** Finds the values of secrets by the names before them: keys of JSON, YAML and code, headers, cookies, parameters, SQL. */
import type { Strictness } from './secret-names.js';
import { strengthOf } from './secret-names.js';
import { isHarmlessValue, isPlaceholder } from './secret-values.js';
import { forEachMatch, type Span } from './spans.js';

const NAME_ENDS =
  '[Pp][Aa][Ss][Ss][A-Za-z]{0,6}|[Pp][Ww][Dd]|PAT|PIN|[Ss][Ee][Cc][Rr][Ee][Tt]|[Tt][Oo][Kk][Ee][Nn]|[Kk][Ee][Yy]|[Aa][Uu][Tt][Hh][A-Za-z]{0,9}|[Cc][Rr][Ee][Dd][A-Za-z]{0,8}|[Cc]ookie|COOKIE|[?&]sig|[Ss]ignature';
/** `name=`, `"name": `, `'name' => `, `x['name'] = `, `name := ` and `<name>` */
const SIGN = String.raw`\\{0,3}["'\`]?\]?[ \t]{0,3}(?:=>|:=|[:=])[ \t]{0,3}|>(?=[^<>\s])`;
const NAMES = new RegExp(String.raw`((?:${NAME_ENDS})(?:[_-][A-Za-z0-9_]{1,30})?)(${SIGN})`, 'g');
const MAX_NAME_CHARS = 100;

/** Quoted, with escapes, or up to white space. */
const VALUE =
  /(\\{1,3}["'])[^"'\n]{0,2000}\1|"(?:[^"\\\n]|\\.){0,2000}"|'(?:[^'\\\n]|\\.){0,2000}'|`[^`\n]{0,2000}`|[^\s"'`][^\s"'`&]{0,499}/y;
/** What goes on behind as much of a value as is judged: a bound that keeps the time linear. */
const REST = /[^\s"'`&,;(){}<>[\]$]*/y;
const XML_VALUE = /[^<>\s]{1,2000}(?=<\/)/y;
/** `PASSWORD 'x'`, `IDENTIFIED BY 'x'` and `IDENTIFIED WITH plugin BY 'x'` */
const SQL = /(\b(?:password|identified(?:[ \t]+with[ \t]+[^\s']{1,60})?[ \t]+by)[ \t]{1,3}')((?:[^'\n]|''){1,200})'/gi;

const SCHEME = '(?:bearer|basic|digest|token|negotiate|apikey|aws4-hmac-sha256)';
/** Behind `Authorization: ` or `"authorization": "`. The scheme of an authorization stays. */
const AUTHORIZATION = new RegExp(
  String.raw`(\\{0,3}["'\`]?)(${SCHEME} +)?([^\s"'\`\\]{3,}(?: +[A-Za-z0-9+/=._~-]{16,})?)`,
  'iy',
);
const IS_SCHEME = new RegExp(`^${SCHEME}\\W*$`, 'i');
const COOKIES = /[^\s=;"']{1,80}=([^\s;"']+(?:; {0,2}[^\s=;"']{1,80}=[^\s;"']+)*)/y;
const SET_COOKIE = /[^\s=;"']{1,80}=([^\s;"']+)/y;
const PARAMETER_VALUE = /[^\s&"'`#<>\\]+/y;
const SECRET_PARAMETERS: ReadonlySet<string> = new Set([
  'key',
  'sig',
  'signature',
  'x-amz-signature',
  'x-goog-signature',
]);

/** Is it worth looking for names? */
export function mayHoldFields(text: string): boolean {
  NAMES.lastIndex = 0;
  return NAMES.test(text) || mayHoldSql(text);
}

/** The values of secret names. Reads on behind a value that is none, since it may hold another name. */
export function findFields(text: string, strictness: Strictness): Span[] {
  const spans: Span[] = [];
  NAMES.lastIndex = 0;
  for (let found; (found = NAMES.exec(text)) !== null;) {
    const [whole, nameEnd = '', sign = ''] = found;
    const at = found.index + whole.length;
    const span = findValue(text, nameBefore(text, found.index + nameEnd.length), sign, at, strictness);
    if (!span || span[1] <= span[0]) continue;
    spans.push(span);
    NAMES.lastIndex = span[1];
  }
  if (mayHoldSql(text)) findSql(text, strictness, spans);
  return spans;
}

interface Name {
  name: string;
  /** The character in front of it. */
  before: string;
}

function nameBefore(text: string, end: number): Name {
  let start = end;
  while (start > 0 && end - start < MAX_NAME_CHARS && /[A-Za-z0-9_.-]/.test(text[start - 1] ?? '')) start--;
  while (start < end && !/[A-Za-z]/.test(text[start] ?? '')) start++;
  return { name: text.slice(start, end), before: text[start - 1] ?? '' };
}

function findValue(
  text: string,
  { name, before }: Name,
  sign: string,
  at: number,
  strictness: Strictness,
): Span | undefined {
  const isParameter = (before === '?' || before === '&') && sign === '=';
  if (isParameter) return findParameter(text, name, at);
  if (/^(?:proxy-)?authorization$/i.test(name) && sign.includes(':')) return findAuthorization(text, at, strictness);
  if (/^(?:set-)?cookie$/i.test(name) && sign.startsWith(':')) {
    return innerSpan(name.length > 'cookie'.length ? SET_COOKIE : COOKIES, text, at);
  }
  const strength = strengthOf(name);
  if (strength === 'none' || (strength === 'weak' && strictness === 'output')) return undefined;
  const pattern = sign === '>' ? XML_VALUE : VALUE;
  pattern.lastIndex = at;
  const value = pattern.exec(text)?.[0];
  if (value === undefined) return undefined;
  const span = judgeValue({ name, sign, value, isBracketed: before === '[', strictness });
  if (!span) return undefined;
  REST.lastIndex = at + span[1];
  return [
    at + span[0],
    at + span[1] + (span[1] === value.length && span[0] === 0 ? (REST.exec(text)?.[0].length ?? 0) : 0),
  ];
}

interface Field {
  name: string;
  sign: string;
  value: string;
  isBracketed: boolean;
  strictness: Strictness;
}

/** The part of a value that is a secret, in the quotes that it has; undefined where it is none. */
function judgeValue({ name, sign, value, isBracketed, strictness }: Field): Span | undefined {
  const quote = /^\\{0,3}["'`]/.exec(value)?.[0] ?? '';
  // NAME=`command`
  if (quote === '`' && sign === '=') return undefined;
  const isVariable = sign === '=' && (strictness !== 'output' || /^[A-Z][A-Z0-9_]*$/.test(name));
  const bare = quote === '' ? (isVariable ? value : wordOf(value)) : value.slice(quote.length, -quote.length);
  if (bare === undefined || isPlaceholder(bare) || isHarmlessValue(name, bare)) return undefined;
  const span: Span = [quote.length, quote.length + bare.length];
  if (quote !== '') return strictness === 'command' || isVariable || isLikely(name, bare) ? span : undefined;
  if (isVariable || isRandom(bare)) return span;
  if ((isBracketed && /^[\],]/.test(value.slice(bare.length))) || sign === '>')
    return isLikely(name, bare) ? span : undefined;
  const isHeader =
    sign.startsWith(':') && strictness !== 'output' && strengthOf(name) === 'strong' && name.includes('-');
  return isHeader ? span : undefined;
}

/** Without what ends it in code and lists; undefined where it is the beginning of an expression. */
function wordOf(value: string): string | undefined {
  const word = /^[^,;(){}<>[\]$]+/.exec(value)?.[0];
  return word === undefined || /^[({<[$]/.test(value.slice(word.length)) ? undefined : word;
}

/** In quotes after the name of a secret: one word, and not that name again. A `token` may be a word of a language. */
function isLikely(name: string, value: string): boolean {
  return (
    value.length >= (/token$/i.test(name) ? 3 : 1) && /^\S*[A-Za-z0-9]\S*$/.test(value) && strengthOf(value) === 'none'
  );
}

/** Without quotes it may be code or prose: a secret has a digit. */
function isRandom(value: string): boolean {
  return value.length >= 6 && /[0-9]/.test(value) && /[A-Za-z]/.test(value);
}

/** https://host/?api_key=x */
function findParameter(text: string, name: string, at: number): Span | undefined {
  if (!SECRET_PARAMETERS.has(name.toLowerCase()) && strengthOf(name) === 'none') return undefined;
  PARAMETER_VALUE.lastIndex = at;
  const value = PARAMETER_VALUE.exec(text)?.[0] ?? '';
  return isPlaceholder(value) ? undefined : [at, at + value.length];
}

function findAuthorization(text: string, at: number, strictness: Strictness): Span | undefined {
  AUTHORIZATION.lastIndex = at;
  const [whole, quote = '', scheme, value = ''] = AUTHORIZATION.exec(text) ?? [];
  if (whole === undefined || isPlaceholder(value) || IS_SCHEME.test(value)) return undefined;
  if (scheme === undefined && strictness === 'output' && !isRandom(value)) return undefined;
  return [at + quote.length + (scheme?.length ?? 0), at + whole.length];
}

/** A quote behind `by ` or `password `. By the search for one character, which costs nearly nothing where it is rare. */
function mayHoldSql(text: string): boolean {
  for (let at = text.indexOf("'"); at !== -1; at = text.indexOf("'", at + 1)) {
    if (/[Yy][ \t]{1,3}$|[Dd][ \t]{1,3}$/.test(text.slice(Math.max(0, at - 4), at))) return true;
  }
  return false;
}

function findSql(text: string, strictness: Strictness, spans: Span[]): void {
  forEachMatch(text, SQL, ({ index, 1: before = '', 2: value = '' }) => {
    if (isPlaceholder(value) || (strictness === 'output' && !isLikely('password', value))) return;
    spans.push([index + before.length, index + before.length + value.length]);
  });
}

/** Of the group of a match: it is what the match ends with. */
function innerSpan(pattern: RegExp, text: string, at: number): Span | undefined {
  pattern.lastIndex = at;
  const [whole, inner = ''] = pattern.exec(text) ?? [];
  return whole === undefined ? undefined : [at + whole.length - inner.length, at + whole.length];
}
