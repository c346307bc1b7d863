import t from 'tap';
import { getConfigValue, parseConfig } from '../../src/config/load.js';
import { ProgressError } from '../../src/core/base/errors.js';

/** Returns the error lines of an invalid text. */
function refusal(...lines: string[]): string[] {
  try {
    parseConfig(lines.join('\n'), 'c.yaml');
  } catch (error) {
    if (error instanceof ProgressError && error.code === 'bad_config') return error.message.split('\n');
    throw error;
  }
  return [];
}

/** Returns the text of a rule as an item of the list. */
function refusalOfRule(text: string): string[] {
  return refusal('rules:', `  - ${text}`);
}

function refusalOfChannel(text: string): string[] {
  return refusal('channels:', `  ops: ${text}`);
}

t.test('without configuration there are only the built-in rules and channels', async (t) => {
  t.match(parseConfig('', 'c.yaml'), { rules: ['builtin'], channels: {} });
  t.strictSame(parseConfig('rules: []', 'c.yaml').rules, [], 'no rule at all can be said');
});

t.test('a rule is parsed to lists, milliseconds and bytes', async (t) => {
  const text = `
rules:
  - builtin
  - name: nightly
    when:
      type: execution_failed
      status: [failed, timeout]
      attention: waiting
      kind: [run, agent, workflow]
      agent: claude
      name: "backup-*"
      label: { team: infra }
      longerThan: 10m
      exitStatus: [1, 2]
      queue: builds
      resource: { cpu: 90, memory: 2GiB, for: 5m }
      output: "error: .*"
      step: "*"
    notify: [desktop, ops]
    throttle: 10m
  - { name: least, when: { exitStatus: 1, resource: { cpu: 1 } } }
channels:
  ops: { type: webhook, url: "https://example.org/x" }
`;
  const config = parseConfig(text, 'c.yaml');
  t.strictSame(config.rules, [
    'builtin',
    {
      name: 'nightly',
      when: {
        type: ['execution_failed'],
        status: ['failed', 'timeout'],
        attention: ['waiting'],
        kind: ['run', 'agent', 'workflow'],
        agent: ['claude'],
        name: ['backup-*'],
        label: { team: 'infra' },
        longerThan: 600_000,
        exitStatus: [1, 2],
        queue: ['builds'],
        resource: { cpu: 90, memory: 2 ** 31, for: 300_000 },
        output: 'error: .*',
        step: ['*'],
      },
      notify: ['desktop', 'ops'],
      throttle: 600_000,
      repeat: 'each',
    },
    {
      name: 'least',
      when: { exitStatus: [1], resource: { cpu: 1, for: 60_000 } },
      notify: ['desktop'],
      throttle: 0,
      repeat: 'each',
    },
  ]);
  t.ok(Object.isFrozen(config.rules[1]), 'to the last value');
  t.equal(getConfigValue(config, 'rules[1].when.label.team'), 'infra');
  t.throws(() => getConfigValue(config, 'rules[1].throtle'), { message: /did you mean rules\[1\].throttle\?$/ });
});

t.test('each channel is parsed with its defaults', async (t) => {
  const text = `
channels:
  ops: { type: webhook, urlFile: ~/hook, secretEnv: SECRET, tokenFile: /run/token, headers: { X-Team: infra } }
  chat: { type: webhook, urlEnv: CHAT, template: slack, timeout: 5s }
  mail: { type: email, host: mx.example.org, from: "Progress <p@example.org>", to: a@example.org }
  tls: { type: email, host: "::1", security: tls, user: me, passwordEnv: P, from: p@example.org, to: [a@b, c@d] }
  say: { type: command, command: say }
`;
  t.strictSame(parseConfig(text, 'c.yaml').channels, {
    ops: {
      type: 'webhook',
      urlFile: `${process.env['HOME'] ?? ''}/hook`,
      secretEnv: 'SECRET',
      tokenFile: '/run/token',
      headers: { 'X-Team': 'infra' },
      template: 'json',
      timeout: 10_000,
    },
    chat: { type: 'webhook', urlEnv: 'CHAT', headers: {}, template: 'slack', timeout: 5_000 },
    mail: {
      type: 'email',
      host: 'mx.example.org',
      port: 587,
      security: 'starttls',
      from: 'Progress <p@example.org>',
      to: ['a@example.org'],
      timeout: 30_000,
    },
    tls: {
      type: 'email',
      host: '::1',
      port: 465,
      security: 'tls',
      user: 'me',
      passwordEnv: 'P',
      from: 'p@example.org',
      to: ['a@b', 'c@d'],
      timeout: 30_000,
    },
    say: { type: 'command', command: ['say'], timeout: 30_000 },
  });
});

t.test('errors in rules have a position and a suggestion', async (t) => {
  const lines = [
    'rules:',
    '  - name: Nightly',
    '    when:',
    '      status: [failed, broken]',
    '      kind: robot',
    '      output: "("',
    '      step: ""',
    '      exitstatus: 1',
    '      exitStatus: 256',
    '    throtle: 1m',
    '    status: failed',
    '  - builtins',
    '  - name: empty',
    '    when: {}',
    '  - name: resource',
    '    when: { resource: { for: 1m } }',
    '  - when: { type: log }',
    '  - name: label',
    '    when: { label: { constructor: x, a: 3 } }',
    '    notify: []',
    '  - [builtin]',
  ];
  t.strictSame(refusal(...lines), [
    'c.yaml:2:11: rules[0].name: is "Nightly", wanted at most 64 of a-z, 0-9, _ and -',
    'c.yaml:4:24: rules[0].when.status[1]: is "broken", wanted one of completed, failed, cancelled, timeout, skipped, lost, recovered',
    'c.yaml:5:13: rules[0].when.kind: is "robot", wanted one of command, run, agent, task, workflow',
    'c.yaml:6:15: rules[0].when.output: "(": is no regular expression (RE2): missing closing )',
    'c.yaml:7:13: rules[0].when.step: is "", wanted a text with * and ?',
    'c.yaml:8:7: rules[0].when.exitstatus: is no configuration key; did you mean rules[0].when.exitStatus?',
    'c.yaml:9:19: rules[0].when.exitStatus: is 256, wanted a whole number from 0 to 255',
    'c.yaml:10:5: rules[0].throtle: is no configuration key; did you mean rules[0].throttle?',
    'c.yaml:11:5: rules[0].status: is no configuration key; did you mean rules[0].when.status?',
    'c.yaml:12:5: rules[1]: is "builtins", wanted a rule, or builtin for the built-in rules',
    'c.yaml:14:11: rules[2].when: needs at least one condition',
    'c.yaml:16:23: rules[3].when.resource: needs cpu, memory or both',
    'c.yaml:17:5: rules[4].name: is missing',
    'c.yaml:19:22: rules[5].when.label.constructor: is no name here; wanted the name of a label',
    'c.yaml:19:41: rules[5].when.label.a: is 3, wanted a text with * and ?',
    'c.yaml:20:13: rules[5].notify: is empty',
    'c.yaml:21:5: rules[6]: is a list, wanted a rule, or builtin for the built-in rules',
  ]);
  t.strictSame(refusal('rules: { name: x }'), ['c.yaml:1:8: rules: is a mapping, wanted a list']);
});

t.test('rule names are unique, and their channels exist', async (t) => {
  const lines = [
    'rules:',
    '  - builtin',
    '  - builtin',
    '  - { name: one, when: { type: log }, notify: [bell, desktop, mail] }',
    '  - { name: one, when: { type: log }, notify: opps }',
    'channels:',
    '  ops: { type: command, command: say }',
  ];
  t.strictSame(refusal(...lines), [
    'c.yaml:3:5: rules[1]: is the second rule builtin',
    'c.yaml:4:63: rules[2].notify[2]: there is no channel "mail"; there are desktop, bell, ops',
    'c.yaml:5:13: rules[3].name: is the second rule one',
    'c.yaml:5:47: rules[3].notify: there is no channel "opps"; did you mean ops?',
  ]);
  t.match(refusalOfRule('{ name: builtin, when: { type: log } }'), [/"builtin", wanted at most/]);
});

t.test('a channel has a type and the keys of that type', async (t) => {
  t.strictSame(refusalOfChannel('{ type: webhok, url: "http://a" }'), [
    'c.yaml:2:16: channels.ops.type: is "webhok", wanted one of webhook, email, command, desktop, bell',
  ]);
  t.match(refusalOfChannel('{}'), ['c.yaml:2:8: channels.ops.type: is missing']);
  t.match(refusalOfChannel('webhook'), ['c.yaml:2:8: channels.ops: is "webhook", wanted a mapping of keys']);
  t.match(refusalOfChannel('{ type: webhook }'), [/ops: needs one of url, urlEnv and urlFile$/]);
  t.strictSame(refusalOfChannel('{ type: webhook, url: "http://a", urlEnv: A }'), [
    'c.yaml:2:8: channels.ops: url and urlEnv are given: keep one of them',
  ]);
  t.match(refusalOfChannel('{ type: webhook, urlEnv: A, url: "http://a", urlFile: /a }'), [
    /ops: url, urlEnv and urlFile are given:/,
  ]);
  for (const keys of ['tokenEnv: A, tokenFile: /a', 'secretEnv: A, secretFile: /a'])
    t.match(refusalOfChannel(`{ type: webhook, url: "http://a", ${keys} }`), [
      /ops: \w+ and \w+ are given: keep one of them$/,
    ]);
  t.match(refusalOfChannel('{ type: email, host: h, user: u, passwordEnv: A, passwordFile: /a, from: a@b, to: a@b }'), [
    /ops: passwordEnv and passwordFile are given: keep one of them$/,
  ]);
  t.match(refusalOfChannel('{ type: email, from: a@b, to: a@b }'), [/ops.host: is missing$/]);
  t.match(refusalOfChannel('{ type: email, host: h, user: u, from: a@b, to: a@b }'), [/ops: needs one of passwordEnv/]);
  t.match(refusalOfChannel('{ type: email, host: h, passwordEnv: A, from: a@b, to: a@b }'), [
    /for user, and none without/,
  ]);
  t.match(refusalOfChannel('{ type: command, command: [] }'), [/ops.command: is empty$/]);
  t.strictSame(refusalOfChannel("{ type: command, command: 'echo hi' }"), [
    'c.yaml:2:34: channels.ops.command: is a text with spaces; ' +
      'write a list of the program and its arguments, like [notify-send, "It failed"]',
  ]);
  t.match(refusalOfChannel('{ type: command }'), [/ops.command: is missing$/]);
  t.match(parseConfig('channels: { ops: { type: command, command: [/opt/my program] } }', 'c.yaml'), {
    channels: { ops: { command: ['/opt/my program'] } },
  });
  t.match(refusalOfChannel('{ type: command, command: [a], url: x }'), [/ops.url: is no configuration key/]);
  for (const name of ['Ops', '"a b"', '__proto__', 'constructor']) {
    t.match(refusal(`channels: { ${name}: { type: command, command: a } }`), [/is no name here; wanted/], name);
  }
});

t.test('a secret in the file is refused with advice, and not repeated', async (t) => {
  const webhook = (more: string) => refusalOfChannel(`{ type: webhook, url: "http://a", ${more} }`);
  for (const [key, lines] of [
    ['secret', webhook('secret: hunter2')],
    ['token', webhook('token: hunter2')],
    ['password', refusalOfChannel('{ type: email, host: h, from: a@b, to: a@b, password: hunter2 }')],
  ] as const) {
    t.match(lines, [new RegExp(`ops.${key}: is a secret.*${key}Env names a variable.*${key}File a file$`)]);
    t.notMatch(lines.join(), 'hunter2');
  }
  t.match(webhook('headers: { authorization: hunter2 }'), [/for Authorization use tokenEnv or tokenFile$/]);
  t.notMatch(webhook('headers: { authorization: hunter2 }').join(), 'hunter2');
  t.match(refusalOfChannel('{ type: webhook, url: "https://me:hunter2@a" }'), [/ops.url: is not a URL with/]);
  t.notMatch(refusalOfChannel('{ type: webhook, url: "https://me:hunter2@a" }').join(), 'hunter2');
});

t.test('URLs, addresses, variables, files and headers are validated', async (t) => {
  for (const url of [
    'ftp://a',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'example.org',
    'http://',
    '"http://a\\nb"',
  ])
    t.match(refusalOfChannel(`{ type: webhook, url: ${url} }`), [/ops.url: is/], url);
  for (const name of ['1A', 'a-b', '"a b"', '""', '$A']) {
    t.match(
      refusalOfChannel(`{ type: webhook, urlEnv: ${name} }`),
      [/ops.urlEnv: is .* the name of a variable$/],
      name,
    );
  }
  for (const file of ['hook', './hook', '~me/hook', '/', '"/a\\0b"']) {
    t.match(refusalOfChannel(`{ type: webhook, urlFile: ${file} }`), [/ops.urlFile: is .* the path of a file/], file);
  }
  for (const to of ['a', 'a@', '"a@b, c@d"', '"a@b\\r\\nBcc: c@d"', '"<a@b>"', '"A <a@b> <c@d>"', '"A\\n <a@b>"']) {
    t.match(refusalOfChannel(`{ type: email, host: h, from: a@b, to: ${to} }`), [/ops.to: is .* an address/], to);
  }
  for (const value of ['"a\\r\\nX-B: c"', '"ä"', '3']) {
    const lines = refusalOfChannel(`{ type: webhook, url: "http://a", headers: { X-A: ${value} } }`);
    t.match(lines, [/ops.headers.X-A: is/], value);
  }
  for (const name of ['"X A"', '"X:"', '"X\\r\\nY"', 'host', 'Content-Length']) {
    const lines = refusalOfChannel(`{ type: webhook, url: "http://a", headers: { ${name}: a } }`);
    t.match(lines, [/is no name here; wanted the name of a header/], name);
  }
});

t.test('a hundred full rules fit the file', async (t) => {
  const rule = (at: number) => `
  # what this rule is for, in a line of a usual length, as a careful person writes it
  - name: rule-${at}
    when:
      type: [execution_failed, execution_timeout, execution_lost]
      kind: [run, agent]
      name: "backup-of-database-number-${at}-*"
      label: { team: infrastructure, branch: "release/*" }
      longerThan: 10m
      output: "^(error|fatal|panic): .* (refused|reset|unreachable)$"
      resource: { cpu: 90, memory: 2GiB, for: 5m }
    notify: [desktop, ops]
    throttle: 10m
`;
  const rules = Array.from({ length: 100 }, (_, at) => rule(at)).join('');
  const text = `rules:\n  - builtin\n${rules}\nchannels:\n  ops: { type: command, command: say }\n`;
  t.equal(parseConfig(text, 'c.yaml').rules.length, 101);
});

t.test('interactive programs extend the default list or replace it', async (t) => {
  const read = (text: string) => parseConfig(`alerts: { interactive: ${text} }`, 'c.yaml').alerts.interactive;
  t.strictSame(parseConfig('', 'c.yaml').alerts.interactive, ['builtin']);
  t.strictSame(read('[builtin, mutt, "k9s !*"]'), ['builtin', 'mutt', 'k9s !*']);
  t.strictSame(read('[]'), []);
  t.match(refusal('alerts:', '  interactive: ["!*"]'), [/2:17: alerts\.interactive.*wanted a program/]);
});
