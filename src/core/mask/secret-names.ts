/** Decides by the name of an option, variable, header or key whether its value is a secret. */

/** Secret wherever they are the last words of a name: `DB_PASSWORD`, `clientSecret`, `x-api-key`. */
const STRONG = ['password', 'passwd', 'passphrase', 'passcode', 'passwort', 'secret', 'token', 'credential', 'apikey'];
/** Secret in a command line or an environment; elsewhere they are often something else (`pass: 12`, `auth: basic`). */
const WEAK: ReadonlySet<string> = new Set([
  'pass',
  'pwd',
  'pw',
  'pin',
  'pat',
  'auth',
  'authorization',
  'creds',
  'credentials',
  'otp',
  'totp',
  'jwt',
  'secrets',
  'requirepass',
  'masterauth',
  'storepass',
  'keypass',
]);
/** A key is secret with one of these before it: `API_KEY`, `private-key`. */
const KEY_KINDS: ReadonlySet<string> = new Set([
  'api',
  'access',
  'secret',
  'private',
  'auth',
  'master',
  'encryption',
  'signing',
  'account',
  'storage',
  'license',
]);
/** Words that may follow and leave it secret: `TOKEN_GITHUB` names the owner, `TOKEN_FILE` names a place. */
const HARMLESS_ENDS = new RegExp(
  '^(?:file|files|path|dir|url|uri|endpoint|host|name|names|id|ids|type|types|kind|length|len|size|count|limit|limits|' +
    'budget|usage|used|ttl|expiry|expires|expiration|timeout|age|stdin|fd|env|field|header|prompt|policy|arn|store|' +
    'source|format|algorithm|issuer|hash|manager|provider|helper|command|cmd|enabled|required|version|regex|pattern|' +
    'mode|method|label|hint|status|rotation|scope|scopes|audience|ring|board|map|code|codes|class|index|' +
    'authentication|bytes|bits|days|hours|minutes|seconds|secs|ms|interval|retries|attempts|rate|min|max|disabled)$',
);
/** `--ask-pass`, `--no-auth`, `max_token`: options without a value, and figures. `--with-password=x` has a value. */
const HARMLESS_STARTS = new RegExp(
  '^(?:no|ask|use|show|with|without|prompt|list|create|reset|generate|skip|hide|require|has|is|enable|disable|allow|' +
    'include|print|get|count|num|max|min|per|total|public|next|prev|previous|end|start|cancellation|csrf)$',
);
const MAX_CHARS = 100;
const MAX_REMEMBERED = 2_000;

/** `strong`: by what is secret in any text. `weak`: by what is secret only in a command line. */
export type NameStrength = 'strong' | 'weak' | 'none';

/**
 * How much is taken for a secret. `output`: what a program prints, where many names and words are harmless.
 * `command`: what a user types, or what is handed on to others.
 */
export type Strictness = 'output' | 'command';

const remembered = new Map<string, NameStrength>();

/** @param name With any separators and in any case, without leading dashes: `aws_secret_access_key`, `X-Api-Key`. */
export function strengthOf(name: string): NameStrength {
  const known = remembered.get(name);
  if (known !== undefined) return known;
  const strength = judge(name);
  // names come from events: an unbounded map would grow with them
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(name, strength);
  return strength;
}

/** Is the value of an option or variable of this name a secret in a command line? */
export function isSecretName(name: string): boolean {
  return strengthOf(name) !== 'none';
}

/** Is it one where the value is attached to the option? `--with-password=x`, but `--with-token`. */
export function isSecretOption(name: string): boolean {
  return isSecretName(name.replace(/^with-/, ''));
}

function judge(name: string): NameStrength {
  if (name.length > MAX_CHARS || name === 'PWD' || name === 'OLDPWD') return 'none';
  const words = splitName(name);
  const [first = '', second] = words;
  if (second !== undefined && HARMLESS_STARTS.test(first)) return 'none';
  if (HARMLESS_ENDS.test(words.at(-1) ?? '')) return 'none';
  if (words.some((word, at) => isStrong(word) || (word === 'key' && KEY_KINDS.has(words[at - 1] ?? ''))))
    return 'strong';
  if (words.some((word) => /^(?:api|access|secret|private)key$/.test(word))) return 'strong';
  const last = words.at(-1) ?? '';
  // DB_PASS and MYSQL_PWD are variables, and no prose
  if (WEAK.has(last)) return second !== undefined && name === name.toUpperCase() ? 'strong' : 'weak';
  return 'none';
}

function isStrong(word: string): boolean {
  return STRONG.some((strong) => word.endsWith(strong));
}

/** `dbPassword`, `DB_PASSWORD` and `db-password` are the words db and password. */
function splitName(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}
