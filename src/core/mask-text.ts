/** Finds secrets in any text by their shape: tokens, URLs, headers, keys with values, private keys. Pure, linear in time. */
import { strengthOf } from './secret-names.js';
import { SHAPES } from './secret-shapes.js';

export const MASK = '***';

/**
 * How much is taken for a secret. `output`: what a program prints, where many names and words are harmless.
 * `command`: what a user types, or what is handed on to others.
 */
export type Strictness = 'output' | 'command';

/** The shortest token that is known by its shape, and what tokens consist of. */
const MIN_TOKEN_CHARS = 15;
const IN_TOKENS: Uint8Array = createTable('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~');

const TOKENS = new RegExp(SHAPES.map(({ pattern }) => pattern).join('|'), 'g');
const TOKEN_HINT = new RegExp(
  SHAPES.flatMap(({ hints }) => hints.map((hint) => hint.replaceAll('.', String.raw`\.`))).join('|'),
  'y',
);

const URL_HINT = /:\/\/[^\s:@/]*[:@]|\/(?:services|workflows|triggers|webhooks|webhookb2|bot[0-9])/;
/** `scheme://user:`, then up to the last @ of the word, since a password may hold any of `@:/`; `/@scope` is a path. */
const CREDENTIALS = /\b([a-z][a-z0-9+.-]{0,30}:\/\/[^\s:@/"'<>]{0,256}):([^\s"'<>]{0,512}[^\s"'<>/])@/gi;
/** `http://localhost:8080/a@b` has a port and no password. */
const IS_PORT = /^[0-9]{1,5}[/?#]/;
/** https://TOKEN@host */
const USER_TOKEN = /(:\/\/)[A-Za-z0-9_-]{20,256}@/g;
/** https://host/?api_key=x */
const PARAMETER = /([?&])([A-Za-z][A-Za-z0-9_.-]{0,60})=([^\s&"'`#<>\\]+)/g;
const SECRET_PARAMETERS: ReadonlySet<string> = new Set([
  'key',
  'sig',
  'signature',
  'x-amz-signature',
  'x-goog-signature',
]);
const WEBHOOKS =
  /(\bhooks\.slack\.com\/(?:services|workflows|triggers)\/|\bdiscord(?:app)?\.com\/api\/webhooks\/[0-9]+\/|\.webhook\.office\.com\/webhookb2\/|\/bot[0-9]{5,20}:)[^\s"'<>?]+/g;

const NAME_ENDS =
  '[Pp][Aa][Ss][Ss][A-Za-z]{0,6}|PWD|PAT|PIN|[Ss][Ee][Cc][Rr][Ee][Tt]|[Tt][Oo][Kk][Ee][Nn]|[Kk][Ee][Yy]|[Aa][Uu][Tt][Hh][A-Za-z]{0,9}|[Cc][Rr][Ee][Dd][A-Za-z]{0,8}|[Cc]ookie|COOKIE|[?&]sig|[Ss]ignature';
const FIELD_HINT = new RegExp(String.raw`(?:${NAME_ENDS})(?:[_-][A-Za-z0-9_]{1,30})?\\{0,3}["']?[ \t]{0,3}[:=]`);
/** A name, quoted or not; `:` or `=`; a value, quoted or not. */
const FIELD =
  /(\b[A-Za-z][A-Za-z0-9_.-]{0,80})(\\{0,3}["'`]?[ \t]{0,3}[:=][ \t]{0,3})(\\{0,3}"[^"\n]{0,2000}"|'[^'\n]{0,2000}'|`[^`\n]{0,2000}`|[^\s"'`][^\s"'`&]*)/g;
const SCHEME = '(?:bearer|basic|digest|token|negotiate|apikey|aws4-hmac-sha256)';
/** The scheme of an authorization stays. */
const HEADER = new RegExp(
  String.raw`(\b(?:proxy-)?authorization\\{0,3}["']?: {0,4}\\{0,3}["'\`]?)(${SCHEME} +)?([^\s"'\`\\]{3,}(?: +[A-Za-z0-9+/=._~-]{16,})?)`,
  'gi',
);
const IS_SCHEME = new RegExp(`^${SCHEME}\\W*$`, 'i');
const COOKIE = /(\b(?:set-)?cookie: {0,4}[^\s=;"']{1,80}=)([^\s;"']+)/gi;
/** What stands for a value: `$TOKEN`, `<token>`, `{{ token }}`, `null`, `***`. */
const PLACEHOLDER =
  /^(?:[$<{[(%*#@]|\.{3}|…|(?:null|none|nil|true|false|yes|no|undefined|string|required|optional)\b)/i;

/** Does this only stand for a value? */
export function isPlaceholder(value: string): boolean {
  return value === '' || PLACEHOLDER.test(value);
}

/** The text with secrets replaced; the same text where it has none. */
export function maskShapes(text: string, strictness: Strictness): string {
  let masked = text;
  if (URL_HINT.test(text)) masked = maskUrls(masked);
  if (FIELD_HINT.test(text)) masked = maskFieldTexts(masked, strictness);
  if (hasToken(text)) masked = masked.replace(TOKENS, MASK);
  return masked;
}

/** Is it worth looking for a secret? Most texts are gone through by this alone. */
export function mayHoldSecret(text: string): boolean {
  return FIELD_HINT.test(text) || URL_HINT.test(text) || text.includes('PRIVATE KEY') || hasToken(text);
}

function maskUrls(text: string): string {
  const isCredentials = (whole: string, before: string, secret: string) =>
    IS_PORT.test(secret) ? whole : `${before}:${MASK}@`;
  return text.replace(CREDENTIALS, isCredentials).replace(USER_TOKEN, `$1${MASK}@`).replace(WEBHOOKS, `$1${MASK}`);
}

function maskFieldTexts(text: string, strictness: Strictness): string {
  return text
    .replace(HEADER, (whole, before: string, scheme: string | undefined, value: string) => {
      if (isPlaceholder(value) || IS_SCHEME.test(value)) return whole;
      if (scheme === undefined && strictness === 'output' && !isRandom(value)) return whole;
      return before + (scheme ?? '') + MASK;
    })
    .replace(COOKIE, `$1${MASK}`)
    .replace(PARAMETER, (whole, before: string, name: string, value: string) =>
      isSecretParameter(name) && !isPlaceholder(value) ? `${before}${name}=${MASK}` : whole,
    )
    .replace(FIELD, (whole, name: string, sign: string, value: string) => {
      const masked = maskField(name, sign, value, strictness);
      return masked === undefined ? whole : name + sign + masked;
    });
}

function isSecretParameter(name: string): boolean {
  return SECRET_PARAMETERS.has(name.toLowerCase()) || strengthOf(name) !== 'none';
}

/** The value of a field masked, in the quotes that it has; undefined where it is no secret. */
function maskField(name: string, sign: string, value: string, strictness: Strictness): string | undefined {
  const strength = strengthOf(name);
  if (strength === 'none' || (strength === 'weak' && strictness === 'output')) return undefined;
  const quote = /^\\{0,3}["'`]/.exec(value)?.[0] ?? '';
  const bare = quote === '' ? value : value.slice(quote.length, -quote.length);
  if (isPlaceholder(bare)) return undefined;
  const isVariable = sign === '=' && (strictness !== 'output' || /^[A-Z][A-Z0-9_]*$/.test(name));
  if (quote !== '') return strictness === 'command' || isVariable || isLikely(bare) ? quote + MASK + quote : undefined;
  const isHeader = sign.startsWith(':') && strictness !== 'output' && strength === 'strong' && name.includes('-');
  return isVariable || isHeader || isRandom(bare) ? MASK : undefined;
}

/** In quotes after the name of a secret: one word, and not that name again. */
function isLikely(value: string): boolean {
  return value.length >= 4 && !/\s/.test(value) && strengthOf(value) === 'none';
}

/** Without quotes it may be code or prose: a secret has a digit and is no expression. */
function isRandom(value: string): boolean {
  return value.length >= 6 && /[0-9]/.test(value) && /[A-Za-z]/.test(value) && !/[,;(){}<>[\]$]/.test(value);
}

/** Looks at every fifteenth character as long as these are in no token: most of a text is never looked at. */
function hasToken(text: string): boolean {
  let start = 0;
  for (let at = MIN_TOKEN_CHARS - 1; at < text.length;) {
    let back = at;
    while (back >= start && isInToken(text, back)) back--;
    if (back >= start) {
      start = back + 1;
      at = start + MIN_TOKEN_CHARS - 1;
      continue;
    }
    let end = start;
    for (; end < text.length && isInToken(text, end); end++) {
      if (end === start || isSeparator(text.charCodeAt(end - 1))) {
        TOKEN_HINT.lastIndex = end;
        if (TOKEN_HINT.test(text)) return true;
      }
    }
    start = end + 1;
    at = start + MIN_TOKEN_CHARS - 1;
  }
  return false;
}

/** A token begins behind it: `\b` of its pattern. */
function isSeparator(code: number): boolean {
  return code === 0x2d || code === 0x2e || code === 0x7e;
}

function isInToken(text: string, at: number): boolean {
  return IN_TOKENS[text.charCodeAt(at)] === 1;
}

function createTable(characters: string): Uint8Array {
  const table = new Uint8Array(128);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}
