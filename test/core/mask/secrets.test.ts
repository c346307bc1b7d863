import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { EventData } from '../../../src/core/events/event.js';
import { EventMasker, maskOutput, maskText, maskWords } from '../../../src/core/mask/mask.js';
import { SECRET_ARGUMENTS } from '../../../src/core/mask/secret-commands.js';
import { strengthOf } from '../../../src/core/mask/secret-names.js';
import { SHAPES } from '../../../src/core/mask/secret-shapes.js';
import { splitCommands } from '../../../src/core/mask/shell-words.js';
import { compilePattern } from '../../../src/platform/patterns.js';

t.test('each shape masks its examples as a whole, leaves its counterexamples, and is RE2', (t) => {
  for (const { pattern, masked, kept = [], hints } of SHAPES) {
    t.ok(masked.length > 0 && kept.length > 0, pattern);
    t.doesNotThrow(() => compilePattern(pattern), pattern);
    for (const example of masked) {
      const secret = example.replaceAll('#', '7');
      t.equal(maskOutput(`got ${secret}, ok`), 'got ***, ok', secret);
      t.ok(
        hints.some((hint) => secret.includes(hint)),
        `${secret} is found by its hint`,
      );
    }
    for (const text of kept) t.equal(maskOutput(`got ${text}, ok`), `got ${text}, ok`, text);
  }
  t.end();
});

t.test('arguments of programs are masked in a line as typed and in the words of it', (t) => {
  for (const { examples, programs } of SECRET_ARGUMENTS) {
    t.ok(Object.keys(examples).length > 0, `${programs[0]} has examples`);
    for (const [line, wanted] of Object.entries(examples)) {
      t.equal(maskText(line), wanted, line);
      const commands = splitCommands(line);
      if (commands.length > 1) continue;
      const words = (text: string) => splitCommands(text).flatMap((command) => command.words.map(({ value }) => value));
      t.strictSame(maskWords(words(line)), words(wanted), `words of ${line}`);
    }
  }
  t.end();
});

t.test('recognises names of secrets', (t) => {
  const names = {
    strong:
      'password DB_PASSWORD dbPassword pgpassword PGPASSWORD client-secret X-Api-Key AWS_SECRET_ACCESS_KEY GITHUB_TOKEN ' +
      'token TOKEN_GITHUB DB_PASS MYSQL_PWD GITHUB_PAT private_key http-password _authToken accessToken apikey passphrase',
    weak: 'pass pwd pin auth pat secrets credentials',
    none:
      'PWD OLDPWD tokens max_tokens token_file password-stdin ask-pass no-auth author key keyboard AWS_ACCESS_KEY_ID ' +
      'tokenCount token-type passed compass bypass apiKeySource SSH_AUTH_SOCK_PATH secretName monkey public_key',
  };
  for (const [strength, list] of Object.entries(names)) {
    for (const name of list.split(' ')) t.equal(strengthOf(name), strength, name);
  }
  t.end();
});

const texts = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));

t.test('nothing in the fixtures is taken for a secret', (t) => {
  const root = path.resolve(import.meta.dirname, '../../fixtures');
  const files = texts(root);
  t.ok(files.length > 10);
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    const changed = text.split('\n').filter((line) => maskOutput(line) !== line);
    t.strictSame(changed.map(maskChange), [], path.relative(root, file));
    const masker = new EventMasker();
    const objects = text
      .split('\n')
      .map(toObject)
      .filter((data) => data !== undefined);
    for (const data of objects) t.equal(masker.mask({ type: 'log', data }).data, data, path.relative(root, file));
  }
  t.end();
});

function toObject(line: string): EventData | undefined {
  try {
    const value = JSON.parse(line) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as EventData) : undefined;
  } catch {
    return undefined;
  }
}

/** The text around the first mask of a line. */
function maskChange(line: string): string {
  const masked = maskOutput(line);
  const at = masked.indexOf('***');
  return `${masked.slice(Math.max(0, at - 60), at + 20)} <- ${line.slice(at, at + 60)}`;
}
