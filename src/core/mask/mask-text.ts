/** Finds secrets in any text by their shape: tokens, URLs, and values of names. Pure, linear in time. */
import { findFields, mayHoldFields } from './mask-fields.js';
import type { Strictness } from './secret-names.js';
import { SHAPES } from './secret-shapes.js';
import { isReference } from './secret-values.js';
import { forEachMatch, replaceSpans, type Span } from './spans.js';
import { hasToken } from './token-hints.js';

export const MASK = '***';

const TOKENS = new RegExp(SHAPES.map(({ pattern }) => pattern).join('|'), 'g');

const URL_HINT = /:\/\/[^\s:@/]*[:@]|\/(?:services|workflows|triggers|webhooks|webhookb2|bot[0-9])/;
/** `scheme://user:`, then up to the last @ of the word, since a password may hold any of `@:/`; `/@scope` is a path. */
const CREDENTIALS = /(\b[a-z][a-z0-9+.-]{0,30}:\/\/)([^\s:@/"'<>]{0,256}):([^\s"'<>]{0,512}[^\s"'<>/])@/gi;
/** `http://localhost:8080/a@b` has a port and no password. */
const IS_PORT = /^[0-9]{1,5}[/?#]/;
/** https://TOKEN@host and https://TOKEN:@host */
const USER = /:\/\/([A-Za-z0-9_-]{16,256}):?@/g;
const WEBHOOKS =
  /(\bhooks\.slack\.com\/(?:services|workflows|triggers)\/|\bdiscord(?:app)?\.com\/api\/webhooks\/[0-9]+\/|\.webhook\.office\.com\/webhookb2\/|\/bot[0-9]{5,20}:)[^\s"'<>?]+/g;

/** The text with secrets replaced; the same text where it has none. */
export function maskShapes(text: string, strictness: Strictness): string {
  return replaceSpans(text, findShapes(text, strictness), MASK);
}

/** Secrets in any order; they may overlap. */
export function findShapes(text: string, strictness: Strictness): Span[] {
  const spans: Span[] = [];
  if (URL_HINT.test(text)) findUrls(text, spans);
  for (const span of findFields(text, strictness)) spans.push(span);
  if (hasToken(text)) forEachMatch(text, TOKENS, ({ index, 0: token }) => spans.push([index, index + token.length]));
  return spans;
}

/** Is it worth looking for a secret? Most texts are gone through by this alone. */
export function mayHoldSecret(text: string): boolean {
  return mayHoldFields(text) || URL_HINT.test(text) || text.includes('PRIVATE KEY') || hasToken(text);
}

function findUrls(text: string, spans: Span[]): void {
  forEachMatch(text, CREDENTIALS, ({ index, 1: before = '', 2: user = '', 3: secret = '' }) => {
    const at = index + before.length;
    const start = at + user.length + 1;
    if (IS_PORT.test(secret)) return;
    // https://TOKEN:x-oauth-basic@host
    if (isToken(user)) spans.push([at, at + user.length]);
    if (!isReference(secret)) spans.push([start, start + secret.length]);
  });
  forEachMatch(text, USER, ({ index, 1: user = '' }) => {
    const at = index + '://'.length;
    if (isToken(user)) spans.push([at, at + user.length]);
  });
  forEachMatch(text, WEBHOOKS, ({ index, 0: whole, 1: before = '' }) => {
    if (!isReference(whole.slice(before.length))) spans.push([index + before.length, index + whole.length]);
  });
}

/** The name of a user is shorter, or has no digit. */
function isToken(user: string): boolean {
  return user.length >= 20 || (user.length >= 16 && /[0-9]/.test(user) && /[A-Za-z]/.test(user));
}
