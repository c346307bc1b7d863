/** Who may come in over TCP: a token in a private file, and codes that hand it to one browser, once and soon. */
import { evictOldest } from '../../core/evict.js';
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { readTextSync } from '../../platform/regular-file.js';

export interface Access {
  /** Makes the file of the token if there is none: programs read it as soon as the daemon listens. */
  prepare(): void;
  /** A code for one browser. */
  issueCode(): string;
  /** The token for a code that was issued and not used yet. */
  redeem(code: string): string | undefined;
  isToken(token: string): boolean;
  /** How long the answer to a wrong token must wait, in milliseconds. */
  penalty(): number;
  /** Everybody who came in is out. */
  revoke(): void;
}

const TOKEN_BYTES = 32;
const CODE_BYTES = 16;
export const CODE_MS = 60_000;
/** Asked for and not used; the oldest goes. */
const MAX_CODES = 16;
/** Wrong tokens: the first few cost little, as of a page that is open from before; then guessing is slow. */
const FREE_FAILURES = 10;
const FIRST_PENALTY_MS = 100;
const LATER_PENALTY_MS = 1_000;
const FORGIVEN_MS = 60_000;

/** The token outlives the daemon, so that open pages come back after a restart. */
export function createAccess(file: string, now: () => number): Access {
  let token: string | undefined;
  const codes = new Map<string, number>();
  let failures = 0;
  let failedAt = -Infinity;

  const current = () => (token ??= readToken(file) ?? createToken(file));

  return {
    prepare() {
      current();
    },
    issueCode() {
      const code = randomBytes(CODE_BYTES).toString('base64url');
      codes.set(digest(code), now() + CODE_MS);
      evictOldest(codes, MAX_CODES);
      return code;
    },
    redeem(code) {
      const key = digest(code);
      const until = codes.get(key);
      codes.delete(key);
      return until !== undefined && now() <= until ? current() : undefined;
    },
    isToken: (given) => timingSafeEqual(Buffer.from(digest(given)), Buffer.from(digest(current()))),
    penalty() {
      if (now() - failedAt > FORGIVEN_MS) failures = 0;
      failedAt = now();
      return ++failures > FREE_FAILURES ? LATER_PENALTY_MS : FIRST_PENALTY_MS;
    },
    revoke() {
      token = undefined;
      codes.clear();
      rmSync(file, { force: true });
    },
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function readToken(file: string): string | undefined {
  const text = readTextSync(file)?.trim() ?? '';
  return Buffer.from(text, 'base64url').length === TOKEN_BYTES ? text : undefined;
}

function createToken(file: string): string {
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  // a new file, so that its mode is this one
  rmSync(file, { force: true });
  writeFileSync(file, `${token}\n`, { mode: 0o600, flag: 'wx' });
  return token;
}
