import t from 'tap';
import type { NewEvent } from '../../../src/core/events/event.js';
import { EventMasker, type SecretFinder, maskOutput, maskText, maskWords } from '../../../src/core/mask/mask.js';
import { compilePattern } from '../../../src/platform/patterns.js';
import { SECRET_LINES } from '../../helpers/secret-lines.js';

const maskEvent = <Event extends NewEvent>(event: Event, finders: readonly SecretFinder[] = []): Event =>
  new EventMasker().mask(event, finders);

t.test('masks secrets in a command line, and nothing else', (t) => {
  for (const [line, wanted] of SECRET_LINES) t.equal(maskText(line), wanted, line);
  t.end();
});

t.test('masks the word after an option in a list of words', (t) => {
  t.strictSame(maskWords(['tool', '--token', 'abc', 'def', 7]), ['tool', '--token', '***', 'def', 7]);
  t.strictSame(maskWords(['tool', '--token=abc', 'API_KEY=x']), ['tool', '--token=***', 'API_KEY=***']);
  t.strictSame(maskWords(['tool', '--password=two words']), ['tool', '--password=***']);
  t.strictSame(maskWords(['curl', '-u', 'bob:PW1', '-uann:PW2', '--user', 'cy:PW3']), [
    ...['curl', '-u', 'bob:***', '-uann:***', '--user', 'cy:***'],
  ]);
  t.strictSame(maskWords(['curl', '-H', 'Authorization: Bearer abc.def']), ['curl', '-H', 'Authorization: Bearer ***']);
  t.strictSame(maskWords(['sh', '-c', 'mysql -phunter2 db']), ['sh', '-c', 'mysql -p*** db']);
  t.strictSame(maskWords(['x', '--token', '$TOKEN', '--password', '$ecret']), [
    'x',
    '--token',
    '$TOKEN',
    '--password',
    '***',
  ]);
  t.strictSame(maskWords(['mount', '-o', 'username=a,password=b,vers=3']), [
    'mount',
    '-o',
    'username=a,password=***,vers=3',
  ]);
  t.strictSame(maskWords(['sqlplus', 'u/hunter2@db']), ['sqlplus', 'u/***@db']);
  t.strictSame(maskWords(['mysql -phunter2 db']), ['mysql -p*** db'], 'a line as one word');
  t.strictSame(maskWords(['tool', '--password=', '', '--']), ['tool', '--password=', '', '--']);
  t.end();
});

t.test('masks events with a command line, and passes others on unchanged', (t) => {
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
  const named = maskEvent({ type: 'execution_started', data: { name: 'mysql -phunter2', kind: 'command' } });
  t.equal(named.data['name'], 'mysql -p***', 'the name of a command without its words');
  const harmless = { type: 'execution_started', data: { name: 'make -j4', argv: ['make', '-j4'] } };
  t.equal(maskEvent(harmless), harmless, 'the same event where there is none');
  t.end();
});

t.test('masks a line of a megabyte in linear time', (t) => {
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
    'mysql -p ',
    'echo |',
    'echo a | passwd;',
    "'",
    '\\\\',
    'docker login ',
    '$(',
    '$____',
    'TOKEN=${a:-b}',
    'a=b,token=c,',
    'curl -H a: ',
    'redis-cli auth ',
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
const MASKED_KEY = KEY.map((line) => (line === '' || line.startsWith('-----') ? line : '***'));
const TOKEN = 'ghp_0123456789abcdefghij';

const SGR = '\u001b[';

t.test('finds secrets in output by their surroundings: brackets, quotes, colours', (t) => {
  const cases: [string, string][] = [
    ['[token=abc]', '[token=***]'],
    ['[token=abc, user=x]', '[token=***, user=x]'],
    ['[name=token]', '[name=token]'],
    ['user=a, token=abc123, x', 'user=a, token=***, x'],
    ['(password: hunter2)', '(password: ***)'],
    ["'api_key' => 'x'", "'api_key' => '***'"],
    ["config['password'] = 'x';", "config['password'] = '***';"],
    ["'name' => 'x'", "'name' => 'x'"],
    ['<password>hunter2</password>', '<password>***</password>'],
    ['Promise<Token>(x)', 'Promise<Token>(x)'],
    [String.raw`"password":"a\"b", "n": 1`, '"password":"***", "n": 1'],
    ['{ token: "," }, token === "x"', '{ token: "," }, token === "x"'],
    ['opts="a=b,password=hunter22"', 'opts="a=b,password=***"'],
    [`token: ${'a1'.repeat(2_000)} x`, 'token: *** x'],
    [`${SGR}1m{"password": "x"}${SGR}0m`, `${SGR}1m{"password": "***"}${SGR}0m`],
    [`${SGR}34m"password"${SGR}0m: ${SGR}32m"x"${SGR}0m`, `${SGR}34m"password"${SGR}0m: ${SGR}32m"***"${SGR}0m`],
    [`${SGR}36mtoken=${SGR}0mabc1234 z`, `${SGR}36mtoken=${SGR}0m*** z`],
    [`${SGR}32m${TOKEN}${SGR}0m`, `${SGR}32m***${SGR}0m`],
    [`a ${TOKEN.slice(0, 9)}${SGR}1m${TOKEN.slice(9)}${SGR}0m b`, `a ***${SGR}1m${SGR}0m b`],
    [`${SGR}32m✓${SGR}0m token ${SGR}2m1 ms${SGR}0m`, `${SGR}32m✓${SGR}0m token ${SGR}2m1 ms${SGR}0m`],
    ["ALTER USER a PASSWORD 'hunter2'", "ALTER USER a PASSWORD '***'"],
    ["password 'must be long', by 'me'", "password 'must be long', by 'me'"],
    ['Cookie: a=1; session=hunter2', 'Cookie: a=***'],
  ];
  for (const [text, wanted] of cases) t.equal(maskOutput(text), wanted, text);
  t.end();
});

t.test('masks command lines that set -x and make print', (t) => {
  const cases: [string, string][] = [
    ['+ mysql -phunter2 db', '+ mysql -p*** db'],
    ["++ curl -u 'me:two words' http://x", "++ curl -u 'me:***' http://x"],
    ['+ tool --token hunter', '+ tool --token ***'],
    ['+ vault login hunter', '+ vault login ***'],
    ['mysql -phunter2 db < x.sql', 'mysql -p*** db < x.sql'],
    ['\tcurl -sSu me:hunter2 http://x', '\tcurl -sSu me:*** http://x'],
    ['#7 [3/4] RUN curl -u me:hunter2 http://x', '#7 [3/4] RUN curl -u me:*** http://x'],
    ['make: x\nsshpass -p hunter2 ssh h\nc -p x', 'make: x\nsshpass -p *** ssh h\nc -p x'],
    ['tool --api-key a1b2c3d4', 'tool --api-key ***'],
    [`${SGR}36mcurl${SGR}0m -u me:hunter2 http://x`, `${SGR}36mcurl${SGR}0m -u me:*** http://x`],
    ['curl -u user:password http://x', 'curl -u user:password http://x'],
    ['mysql -pPASSWORD, or mysql -p db', 'mysql -pPASSWORD, or mysql -p db'],
    ['usage: tool --password PASSWORD --token <token>', 'usage: tool --password PASSWORD --token <token>'],
    ['vault login failed, gh auth login', 'vault login failed, gh auth login'],
    ['+ const token = x\n+  password: string', '+ const token = x\n+  password: string'],
    ['gcc -p -pipe -Wall -o x x.c', 'gcc -p -pipe -Wall -o x x.c'],
  ];
  for (const [text, wanted] of cases) t.equal(maskOutput(text), wanted, text);
  t.end();
});

t.test('keeps the other bytes of output that is not UTF-8', (t) => {
  const masker = new EventMasker();
  const mask = (bytes: Buffer): Buffer => {
    const { data } = masker.mask({
      type: 'output',
      execution: 'e',
      data: { stream: 'stdout', base64: bytes.toString('base64') },
    });
    return Buffer.from(data['base64'], 'base64');
  };
  const around = [Buffer.from([0xff, 0xe9, 0]), Buffer.from('\u00e9\n'), Buffer.from([0x80, 0xc3])] as const;
  const whole = (text: string) => Buffer.concat([around[0], Buffer.from(text), around[1], around[2]]);
  t.strictSame(mask(whole('DB_PASSWORD=hunter2\n')), whole('DB_PASSWORD=***\n'));
  t.strictSame(mask(whole(`${KEY.slice(0, 4).join('\n')}\n`)), whole(`${MASKED_KEY.slice(0, 4).join('\n')}\n`));
  const plain = { type: 'output', data: { base64: whole('nothing here').toString('base64') } };
  t.equal(masker.mask(plain), plain);
  const invalid = { type: 'output', data: { base64: '%%%' } };
  t.equal(masker.mask(invalid), invalid);
  t.end();
});

t.test('masks secrets in output by their shape, and nothing else', (t) => {
  const cases: [string, string][] = [
    [`using ${TOKEN} for x`, 'using *** for x'],
    ['key sk-proj-abc123def456ghi789 ok', 'key *** ok'],
    ['id AKIAIOSFODNN7EXAMPLE', 'id ***'],
    [`npm_${'a1'.repeat(18)}`, '***'],
    ['cloning https://me:hunter2@example.com/x.git', 'cloning https://me:***@example.com/x.git'],
    ['> Authorization: Bearer abc.def', '> Authorization: Bearer ***'],
    ['GITHUB_TOKEN=abc', 'GITHUB_TOKEN=***'],
    ['export DB_PASSWORD="a b" x', 'export DB_PASSWORD="***" x'],
    ['AWS_SECRET_ACCESS_KEY=abc/def', 'AWS_SECRET_ACCESS_KEY=***'],
    [`${KEY.join('\n')}\nafter`, `${MASKED_KEY.join('\n')}\nafter`],
    [KEY.slice(0, 4).join('\n'), MASKED_KEY.slice(0, 4).join('\n')],
    [KEY.join('\r\n'), MASKED_KEY.join('\r\n')],
    [KEY.join('\\n'), '-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----'],
    [KEY.map((line) => `db-1  | ${line}`).join('\n'), MASKED_KEY.map((line) => `db-1  | ${line}`).join('\n')],
    ['"password": "hunter2", "token_type": "bearer"', '"password": "***", "token_type": "bearer"'],
    ["{ password: 'hunter2', token: undefined }", "{ password: '***', token: undefined }"],
    [String.raw`{\"apiKey\":\"abc1\"}`, String.raw`{\"apiKey\":\"***\"}`],
    ['  db_password: hunter2', '  db_password: ***'],
    ['X-Api-Key: abc123', 'X-Api-Key: ***'],
    ['Set-Cookie: sid=abc; Path=/', 'Set-Cookie: sid=***; Path=/'],
    ['GET https://x/?access_token=abc&page=2', 'GET https://x/?access_token=***&page=2'],
    ['# pass 12, pass: 12, auth: basic', '# pass 12, pass: 12, auth: basic'],
    ['  token: string; password: z.string(),', '  token: string; password: z.string(),'],
    ['"password": "must not be empty"', '"password": "must not be empty"'],
    [
      'authorization: `Bearer ${token}`, Authorization: Bearer.',
      'authorization: `Bearer ${token}`, Authorization: Bearer.',
    ],
    ['DB_PASSWORD=$SECRET TOKEN=', 'DB_PASSWORD=$SECRET TOKEN='],
    ['git+ssh://git@example.com:me/x.git', 'git+ssh://git@example.com:me/x.git'],
    ['found in 3f786850e387550fdab836ed7e6dc881de23001b', 'found in 3f786850e387550fdab836ed7e6dc881de23001b'],
    ['npm_config_user_agent=npm/10', 'npm_config_user_agent=npm/10'],
    ['task-runner-with-a-long-name sk-learn-contrib-package', 'task-runner-with-a-long-name sk-learn-contrib-package'],
    ['password: none, token = x, PWD=/home/me', 'password: none, token = x, PWD=/home/me'],
    ['http://localhost:8080/a@b', 'http://localhost:8080/a@b'],
    ['-----BEGIN CERTIFICATE-----', '-----BEGIN CERTIFICATE-----'],
  ];
  for (const [text, wanted] of cases) t.equal(maskOutput(text), wanted, text);
  t.end();
});

t.test('masks configured patterns wherever they match', (t) => {
  const finders = ['C-[0-9]{4}', 'ä+'].map((source) => compilePattern(source));
  t.equal(maskOutput('C-1234 and C-5678, ääh', finders), '*** and ***, ***h');
  const data = { name: 'show C-1234', argv: ['show', 'C-1234'] };
  t.match(maskEvent({ type: 'execution_started', data }, finders), {
    data: { name: 'show ***', argv: ['show', '***'] },
  });
  t.end();
});

t.test('masks secrets in every text of an event, and nothing else', (t) => {
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

t.test('masks a private key that is spread over lines of a stream, and nothing of another stream', (t) => {
  const masker = new EventMasker();
  const mask = (text: string, stream = 'stdout', execution = 'e') =>
    masker.mask({ type: 'output', execution, data: { stream, text } }).data['text'];
  t.strictSame(
    KEY.map((line) => mask(line)),
    MASKED_KEY,
  );
  t.equal(mask('x9Zk'), 'x9Zk', 'behind its end');
  t.equal(mask(KEY.slice(0, 3).join('\n')), MASKED_KEY.slice(0, 3).join('\n'));
  t.equal(mask('x9Zk', 'stderr'), 'x9Zk');
  t.equal(mask('x9Zk', 'stdout', 'f'), 'x9Zk');
  t.equal(mask('x9Zk\nx9Zk'), '***\n***');
  t.equal(mask('and so on\nx9Zk'), 'and so on\nx9Zk', 'it was not printed to its end');
  t.equal(mask('x9Zk'), 'x9Zk');
  const [begin = ''] = KEY;
  const long = mask([begin, ...Array.from({ length: 1_000 }, () => 'x9Zk')].join('\n'));
  t.ok(long.includes('***\nx9Zk\nx9Zk'), 'no key has so many lines');
  t.end();
});

t.test('masks values of secret keys in structured data, and commands that agents run', (t) => {
  const fields = { password: 'correct horse', tokens: 'many', deep: { 'api-key': 'x', token: '$TOKEN', note: 'n' } };
  t.strictSame(maskEvent({ type: 'log', data: { fields } }).data, {
    fields: { password: '***', tokens: 'many', deep: { 'api-key': '***', token: '$TOKEN', note: 'n' } },
  });
  const call = {
    kind: 'tool-call',
    tool: 'Bash',
    title: 'Bash: mysql -phunter2',
    input: { command: 'mysql -phunter2' },
  };
  const raw = JSON.stringify({ input: { command: 'mysql -phunter2' } });
  t.strictSame(maskEvent({ type: 'activity', data: { ...call, raw } }).data, {
    ...{ ...call, title: 'Bash: mysql -p***', input: { command: 'mysql -p***' } },
    raw: JSON.stringify({ input: { command: 'mysql -p***' } }),
  });
  t.end();
});

t.test('a masked line of an agent is JSON, and unchanged if it has no secret', (t) => {
  const mask = (raw: string, finders: ReturnType<typeof compilePattern>[] = []) =>
    maskEvent({ type: 'activity', data: { raw } }, finders).data['raw'];
  const line = { type: 'assistant', text: `it is "${TOKEN}"`, key: KEY.join('\n'), n: 1.5 };
  t.strictSame(JSON.parse(mask(JSON.stringify(line))), {
    ...{ type: 'assistant', text: 'it is "***"', key: MASKED_KEY.join('\n'), n: 1.5 },
  });
  t.equal(mask('{ "a" : 1.0 }'), '{ "a" : 1.0 }');
  t.equal(mask('{ "a" : 1.0 }', [compilePattern('x')]), '{ "a" : 1.0 }');
  const quoted = mask(JSON.stringify({ a: 'x "y" z' }), [compilePattern('".*"')]);
  t.strictSame(JSON.parse(quoted), { a: 'x *** z' }, 'what is found in a text does not reach beyond it');
  t.equal(mask(`no JSON ${TOKEN}`), 'no JSON ***');
  t.end();
});

t.test('masks output of a megabyte in linear time', (t) => {
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
    'https://a:b@',
    'token: ',
    '?key=',
    'ghp_0123456789ab ',
    'aGVsbG8-',
    '--token ',
    '\n+ mysql -p',
    '\n -p mysql ',
    'token=',
    '[token=a,',
    "password '",
    '\u001b[1mtoken=\u001b[0m',
    '\u001b[1;',
  ];
  for (const part of parts) {
    const start = performance.now();
    maskOutput(part.repeat(Math.floor(250_000 / part.length)));
    maskOutput(`-----BEGIN PRIVATE KEY-----${part.repeat(Math.floor(250_000 / part.length))}`);
    t.ok(performance.now() - start < 5_000, part);
  }
  t.end();
});
