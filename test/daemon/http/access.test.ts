import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { CODE_MS, createAccess } from '../../../src/daemon/http/access.js';

/** Access with a manual clock. */
function open(t: Test) {
  const directory = mkdtempSync(path.join(tmpdir(), 'progress-access-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'web-token');
  const clock = { now: 0 };
  return { file, clock, access: createAccess(file, () => clock.now) };
}

t.test('a code is valid for one browser and one minute', async (t) => {
  const { access, clock, file } = open(t);
  const code = access.issueCode();
  t.equal(access.redeem('another'), undefined);
  clock.now += CODE_MS;
  const token = access.redeem(code) ?? '';
  t.ok(access.isToken(token));
  t.notOk(access.isToken(''));
  t.notOk(access.isToken(`${token}x`));
  t.equal(access.redeem(code), undefined, 'used');
  const late = access.issueCode();
  clock.now += CODE_MS + 1;
  t.equal(access.redeem(late), undefined, 'too old');
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.equal(readFileSync(file, 'utf8'), `${token}\n`);
});

t.test('the token file exists before the first code is redeemed', async (t) => {
  const { access, file } = open(t);
  access.prepare();
  t.ok(access.isToken(readFileSync(file, 'utf8').trim()));
});

t.test('the oldest codes are evicted', async (t) => {
  const { access } = open(t);
  const codes = Array.from({ length: 17 }, () => access.issueCode());
  t.equal(access.redeem(codes[0]!), undefined);
  t.ok(access.redeem(codes[1]!));
});

t.test('wrong tokens are delayed, until a minute has passed without any', async (t) => {
  const { access, clock } = open(t);
  const penalties = Array.from({ length: 12 }, () => access.penalty());
  t.strictSame(penalties, [...Array<number>(10).fill(100), 1_000, 1_000]);
  clock.now += 60_000;
  t.equal(access.penalty(), 1_000, 'a minute from the last one');
  clock.now += 60_001;
  t.equal(access.penalty(), 100);
});

t.test('revoking removes the codes, the token and its file', async (t) => {
  const { access, file } = open(t);
  const token = access.redeem(access.issueCode()) ?? '';
  const code = access.issueCode();
  access.revoke();
  t.notOk(existsSync(file));
  t.equal(access.redeem(code), undefined);
  t.notOk(access.isToken(token));
  t.not(access.redeem(access.issueCode()), token);
});

t.test('the token outlives the daemon; a file without a token is replaced', async (t) => {
  const { access, file } = open(t);
  const token = access.redeem(access.issueCode()) ?? '';
  t.ok(createAccess(file, () => 0).isToken(token));
  for (const text of ['', 'short\n', `${token}${token}`]) {
    writeFileSync(file, text, { mode: 0o644 });
    const anew = createAccess(file, () => 0);
    t.notOk(anew.isToken(text.trim()));
    t.match(readFileSync(file, 'utf8'), /^[\w-]{43}\n$/);
    t.equal(statSync(file).mode & 0o777, 0o600);
  }
});
