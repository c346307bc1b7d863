/** Access over TCP: a token in a private file, and one-time codes that hand it to one browser. */
import { evictOldest } from '../../core/base/evict.js';
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { readTextSync } from '../../platform/regular-file.js';

export interface Access {
  /** Creates the token file if it is missing: programs read it as soon as the daemon listens. */
  prepare(): void;
  /** Creates a code for one browser. */
  issueCode(): string;
  /** Exchanges a code that is valid and unused for the token. */
  redeem(code: string): string | undefined;
  isToken(token: string): boolean;
  /** Delay of the reply to a wrong token, in milliseconds. Counts the attempt. */
  penalty(): number;
  /** Revokes the token and all codes. */
  revoke(): void;
}

const TOKEN_BYTES = 32;
const CODE_BYTES = 16;
export const CODE_MS = 60_000;
/** Unused codes; the oldest is evicted. */
const MAX_CODES = 16;
/** Wrong tokens with a short delay, as pages send that were open before the token was revoked; later ones wait longer. */
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
  // created anew, since the mode applies to new files only
  rmSync(file, { force: true });
  writeFileSync(file, `${token}\n`, { mode: 0o600, flag: 'wx' });
  return token;
}
