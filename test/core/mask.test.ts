import t from 'tap';
import { maskEvent, maskOutput, maskText, maskWords } from '../../src/core/mask.js';
import { compilePattern } from '../../src/patterns.js';

t.test('secrets in a command line are masked, all else stays', (t) => {
  const cases: [string, string][] = [
    ['mysql --password=hunter2 db', 'mysql --password=*** db'],
    ['tool --token abc --verbose', 'tool --token *** --verbose'],
    ['tool --db-password "two words" x', 'tool --db-password *** x'],
    ["GITHUB_TOKEN='a b' make release", 'GITHUB_TOKEN=*** make release'],
    ['env AWS_SECRET_ACCESS_KEY=abc/def aws s3 ls', 'env AWS_SECRET_ACCESS_KEY=*** aws s3 ls'],
    ['git clone https://me:hunter2@example.com/x.git', 'git clone https://me:***@example.com/x.git'],
    ['psql postgres://u:p%40ss@db:5432/x', 'psql postgres://u:***@db:5432/x'],
    ['curl -H "Authorization: Bearer abc.def" http://x', 'curl -H "Authorization: Bearer ***" http://x'],
    ["curl -H 'X-Api-Key: abc' http://x", "curl -H 'X-Api-Key: ***' http://x"],
    ['curl -u me:hunter2 http://x', 'curl -u me:*** http://x'],
    ['echo ghp_0123456789abcdefghij', 'echo ***'],
    ['export X=sk-ant-REDACTED', 'export X=***'],
    ['jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln', 'jwt ***'],
    ['make -j4 test', 'make -j4 test'],
    ['ssh me@host:22', 'ssh me@host:22'],
    ['git log --author=me --format=%h', 'git log --author=me --format=%h'],
    ['cat passwords.txt', 'cat passwords.txt'],
    ['docker run -u 1000:1000 x', 'docker run -u 1000:*** x'],
    ['ls tokens/ auth/', 'ls tokens/ auth/'],
  ];
  for (const [line, wanted] of cases) t.equal(maskText(line), wanted, line);
  t.end();
});

t.test('of words, the one behind such an option as well', (t) => {
  t.strictSame(maskWords(['tool', '--token', 'abc', 'def', 7]), ['tool', '--token', '***', 'def', 7]);
  t.strictSame(maskWords(['tool', '--token=abc', 'API_KEY=x']), ['tool', '--token=***', 'API_KEY=***']);
  t.end();
});

t.test('of events, those that tell of a command line; others are handed on as they are', (t) => {
  const data = { name: 'x --token abc', argv: ['x', '--token', 'abc'], cwd: '/' };
  t.strictSame(maskEvent({ type: 'execution_started', execution: 'e', data }), {
    type: 'execution_started',
    execution: 'e',
    data: { name: 'x --token ***', argv: ['x', '--token', '***'], cwd: '/' },
  });
  const other = { type: 'log', data };
  t.equal(maskEvent(other), other, 'what is a secret by its place in a command line is none elsewhere');
  const plain = { type: 'execution_started', data: { name: 'Backup' } };
  t.equal(maskEvent(plain), plain);
  t.end();
});

t.test('a line of a megabyte takes no time', (t) => {
  for (const part of [
    'token_',
    'a.',
    'a-',
    '--a-token-',
    '--token ',
    'a_',
    'x:',
    'eyJ',
    '"',
    '-',
    'https://a:',
    'pass',
  ]) {
    const start = performance.now();
    maskText(part.repeat(Math.floor(250_000 / part.length)));
    t.ok(performance.now() - start < 5_000, part);
  }
  t.end();
});

const KEY = [
  '-----BEGIN RSA PRIVATE KEY-----',
  'Proc-Type: 4,ENCRYPTED',
  '',
  'MIIEpAIBAAKCAQEA7/+=',
  'x9Zk',
  '-----END RSA PRIVATE KEY-----',
];
const TOKEN = 'ghp_0123456789abcdefghij';

t.test('secrets in output are masked by their shape, all else stays', (t) => {
  const cases: [string, string][] = [
    [`using ${TOKEN} for x`, 'using *** for x'],
    ['key sk-proj-abc123def456ghi789 ok', 'key *** ok'],
    ['id AKIAIOSFODNN7EXAMPLE', 'id ***'],
    [`npm_${'a1'.repeat(18)}`, '***'],
    ['cloning https://me:hunter2@example.com/x.git', 'cloning https://me:***@example.com/x.git'],
    ['> Authorization: Bearer abc.def', '> Authorization: Bearer ***'],
    ['GITHUB_TOKEN=abc', 'GITHUB_TOKEN=***'],
    ['export DB_PASSWORD="a b" x', 'export DB_PASSWORD=*** x'],
    ['AWS_SECRET_ACCESS_KEY=abc/def', 'AWS_SECRET_ACCESS_KEY=***'],
    [`${KEY.join('\n')}\nafter`, '-----BEGIN RSA PRIVATE KEY-----***\nafter'],
    [KEY.slice(0, 4).join('\n'), '-----BEGIN RSA PRIVATE KEY-----***'],
    ['npm_config_user_agent=npm/10', 'npm_config_user_agent=npm/10'],
    ['task-runner-with-a-long-name sk-learn-contrib-package', 'task-runner-with-a-long-name sk-learn-contrib-package'],
    ['password: none, token = x, PWD=/home/me', 'password: none, token = x, PWD=/home/me'],
    ['http://localhost:8080/a@b', 'http://localhost:8080/a@b'],
    ['-----BEGIN CERTIFICATE-----', '-----BEGIN CERTIFICATE-----'],
  ];
  for (const [text, wanted] of cases) t.equal(maskOutput(text), wanted, text);
  t.end();
});

t.test('what somebody has named is masked as well, wherever it is found', (t) => {
  const finders = ['C-[0-9]{4}', 'ä+'].map((source) => compilePattern(source));
  t.equal(maskOutput('C-1234 and C-5678, ääh', finders), '*** and ***, ***h');
  const data = { name: 'show C-1234', argv: ['show', 'C-1234'] };
  t.match(maskEvent({ type: 'execution_started', data }, finders), {
    data: { name: 'show ***', argv: ['show', '***'] },
  });
  t.end();
});

t.test('whatever text of an event a secret stands in, and nothing else of it', (t) => {
  const data = {
    ...{ text: `a ${TOKEN}`, message: TOKEN, error: TOKEN, fields: { deep: [{ token: TOKEN }, 1, null, true] } },
    ...{ base64: TOKEN, line: 7 },
  };
  const event = { type: 'log', execution: 'e', source: TOKEN, n: 3, data };
  const before = structuredClone(event);
  t.strictSame(maskEvent(event), {
    ...event,
    data: { ...data, text: 'a ***', message: '***', error: '***', fields: { deep: [{ token: '***' }, 1, null, true] } },
  });
  t.strictSame(event, before, 'it is another event');
  for (const type of ['output', 'log', 'activity']) {
    const plain = { type, data: { text: 'nothing here', fields: { a: ['b'] } } };
    t.equal(maskEvent(plain), plain, 'the same where there is none');
  }
  t.end();
});

t.test('an agent’s line stays JSON, and the same text where nothing is found', (t) => {
  const mask = (raw: string, finders: ReturnType<typeof compilePattern>[] = []) =>
    maskEvent({ type: 'activity', data: { raw } }, finders).data['raw'] as string;
  const line = { type: 'assistant', text: `it is "${TOKEN}"`, key: KEY.join('\n'), n: 1.5 };
  t.strictSame(JSON.parse(mask(JSON.stringify(line))), {
    ...{ type: 'assistant', text: 'it is "***"', key: '-----BEGIN RSA PRIVATE KEY-----***', n: 1.5 },
  });
  t.equal(mask('{ "a" : 1.0 }'), '{ "a" : 1.0 }');
  t.equal(mask('{ "a" : 1.0 }', [compilePattern('x')]), '{ "a" : 1.0 }');
  const quoted = mask(JSON.stringify({ a: 'x "y" z' }), [compilePattern('".*"')]);
  t.strictSame(JSON.parse(quoted), { a: 'x *** z' }, 'what is found in a text does not reach beyond it');
  t.equal(mask(`no JSON ${TOKEN}`), 'no JSON ***');
  t.end();
});

t.test('output of a megabyte takes no time', (t) => {
  const parts = [
    'TOKEN',
    'TOKEN=',
    'A_',
    'eyJa.',
    '-----BEGIN PRIVATE KEY-----',
    'aa: ',
    'https://a:',
    'sk-',
    'Authorization: ',
    'TOKEN_',
    'KEY_',
    'a.',
    'a-',
    '://a',
  ];
  for (const part of parts) {
    const start = performance.now();
    maskOutput(part.repeat(Math.floor(250_000 / part.length)));
    maskOutput(`-----BEGIN PRIVATE KEY-----${part.repeat(Math.floor(250_000 / part.length))}`);
    t.ok(performance.now() - start < 5_000, part);
  }
  t.end();
});
