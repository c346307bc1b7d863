import t from 'tap';
import { maskEvent, maskText, maskWords } from '../../src/core/mask.js';

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
  t.equal(maskEvent(other), other);
  const plain = { type: 'execution_started', data: { name: 'Backup' } };
  t.equal(maskEvent(plain), plain);
  t.end();
});

t.test('a line of a megabyte takes no time', (t) => {
  for (const part of ['--token ', 'a_', 'x:', 'eyJ', '"', '-', 'https://a:', 'pass']) {
    const start = performance.now();
    maskText(part.repeat(Math.floor(250_000 / part.length)));
    t.ok(performance.now() - start < 5_000, part);
  }
  t.end();
});
