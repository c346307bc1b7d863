import t from 'tap';
import { createRedact, redactEvent } from '../../../src/core/mask/redact.js';

const redact = createRedact({ home: '/home/ada', user: 'ada', hosts: ['engine', 'engine.lan'] });

t.test('redacts secrets, home, user and host everywhere', (t) => {
  const cases: [unknown, unknown][] = [
    ['cd /home/ada/src && ls', 'cd ~/src && ls'],
    ['/home/adaptive stays, /home/ada goes', '/home/adaptive stays, ~ goes'],
    [
      'ada@engine.lan, (engine) by ada: not canada, nor ada-1',
      '<user>@<host>, (<host>) by <user>: not canada, nor ada-1',
    ],
    ['curl --token abc https://ada:pw@x/', 'curl --token *** https://<user>:***@x/'],
    [
      ['login', '--password', 'hunter2', '/home/ada'],
      ['login', '--password', '***', '~'],
    ],
    [
      { api_key: 'abc', nested: { GITHUB_TOKEN: 'x', tokens: 5 } },
      { api_key: '***', nested: { GITHUB_TOKEN: '***', tokens: 5 } },
    ],
    ['got {"password": "a b", "n": 1}', 'got {"password": "***", "n": 1}'],
    [String.raw`{\"token\":\"abc\"}`, String.raw`{\"token\":\"***\"}`],
    [7, 7],
    [null, null],
  ];
  for (const [given, expected] of cases) t.strictSame(redact(given), expected, JSON.stringify(given));
  t.end();
});

t.test('a redacted line of an agent is JSON', (t) => {
  const raw = JSON.stringify({ cmd: 'deploy --token abc', cwd: '/home/ada/x', env: { SECRET: 'y' } });
  t.strictSame(JSON.parse(redact({ raw }).raw), { cmd: 'deploy --token ***', cwd: '~/x', env: { SECRET: '***' } });
  t.equal(redact({ raw: 'no JSON of ada' }).raw, 'no JSON of <user>');
  t.end();
});

t.test('keeps common names such as root', (t) => {
  const common = createRedact({ home: '/', user: 'root', hosts: ['localhost', ''] });
  t.equal(common('root at localhost: /root/x'), 'root at localhost: /root/x');
  t.end();
});

t.test('redacts configured secrets', (t) => {
  const find = (text: string) =>
    [...text.matchAll(/ACME-\d+/g)].map(({ index, 0: { length } }) => [index, index + length] as const);
  const own = createRedact({ home: '/', user: 'root', hosts: [] }, [{ find }]);
  t.strictSame(own({ name: 'order ACME-12', raw: '{"a":"ACME-3!"}', list: ['ACME-4'] }), {
    ...{ name: 'order ***', raw: '{"a":"***!"}', list: ['***'] },
  });
  t.end();
});

t.test('an event keeps its place, and base64 is decoded for the search', (t) => {
  const event = {
    seq: 7,
    time: '2026-11-20T12:00:00.000Z',
    type: 'output',
    execution: 'ada',
    data: { base64: 'YWRh', line: 1 },
  };
  const changed = redactEvent(event, redact, (base64) => Buffer.from(base64, 'base64').toString());
  t.strictSame(changed, { ...event, data: { line: 1, text: '<user>' } });
  t.end();
});
