import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import t from 'tap';
import type { Test } from 'tap';
import { createAlertChannel } from '../../../src/alerts/channels/create.js';
import { toSingleLine } from '../../../src/alerts/single-line.js';
import type { EmailConfig } from '../../../src/config/channel-schema.js';
import { alertFullOf, anAlert, anExecution, CONTROLS, hostileTexts, send } from '../../helpers/alerts.js';
import { createCertificate } from '../../helpers/certificate.js';
import type { Mail } from '../../helpers/mail-server.js';
import { startMailServer } from '../../helpers/mail-server.js';
import { listen } from '../../helpers/target.js';
import { waitFor } from '../../helpers/wait.js';

const PASSWORD = 'SECRET pässword';

function email(config: Partial<EmailConfig>, env: NodeJS.ProcessEnv = {}) {
  const from = 'progress <progress@host.example>';
  const defaults = { type: 'email', host: 'localhost', port: 0, security: 'none', from, timeout: 10_000 } as const;
  return createAlertChannel('mail', { ...defaults, to: ['ops@example.com'], ...config }, env);
}

/** A server of the test's making, closed with the test. */
async function startServer(t: Test, talk: (client: Socket) => void) {
  return await listen(
    t,
    createServer((client) => talk(client.on('error', () => undefined).resume())),
  );
}

t.test('sends the alert as a message with its details', async (t) => {
  const server = await startMailServer(t);
  const execution = anExecution({ process: { host: 'box', cwd: '/srv/backup' } });
  const alert = anAlert({ execution, title: '✗ nightly “büild” failed', urgency: 'critical' });
  const channel = email({ port: server.port, to: ['ops@example.com', 'Boss <boss@example.com>'] });
  t.strictSame(await send(channel, alert), { outcome: 'sent' });
  const [mail] = server.mails;
  t.match(mail, { from: 'progress@host.example', to: ['ops@example.com', 'boss@example.com'] });
  t.match(mail!.headers, {
    from: 'progress <progress@host.example>',
    to: 'ops@example.com, Boss <boss@example.com>',
    subject: '✗ nightly “büild” failed',
    date: 'Fri, 20 Nov 2026 12:48:46 +0000',
    'message-id': /^<[0-9a-f]{32}@host\.example>$/,
    'auto-submitted': 'auto-generated',
    importance: 'High',
    'content-type': 'text/plain; charset=utf-8',
  });
  t.equal(
    mail!.text,
    [
      'exit 1 after 0:03\n',
      'Execution  nightly build',
      'State      run, failed',
      'Machine    box',
      'Directory  /srv/backup',
      'Time       2026-11-20T12:48:46.123Z',
      'Severity   error',
      'Rule       failed\n',
      'progress show 7hq2m4kd9x\n',
    ].join('\n'),
  );
  await send(channel, alert);
  await send(channel, anAlert({ id: 'another' }));
  const ids = server.mails.map(({ headers }) => headers['message-id']);
  t.equal(ids[0], ids[1], 'each attempt is the same message');
  t.not(ids[0], ids[2]);
});

t.test('uses TLS as configured, and verifies the server', async (t) => {
  const certificate = createCertificate(t);
  const caFile = certificate.file;
  const login = { user: 'me', passwordEnv: 'PASSWORD' };
  const env = { PASSWORD };
  const starting = await startMailServer(t, { certificate, password: PASSWORD });
  const secure = await startMailServer(t, { certificate, password: PASSWORD, secure: true });
  for (const [security, { port, mails }] of [
    ['starttls', starting],
    ['tls', secure],
  ] as const) {
    const config = { port, security, ...login };
    t.strictSame(await send(email({ ...config, caFile }, env)), { outcome: 'sent' }, security);
    t.match(mails, [{ isEncrypted: true, user: 'me' }]);
    t.match(await send(email(config, env)), { outcome: 'retry', error: /DEPTH_ZERO_SELF_SIGNED_CERT/ }, security);
    t.equal(mails.length, 1);
  }
  const other = await startMailServer(t, { certificate: createCertificate(t, 'DNS:other.example'), secure: true });
  const meant = { port: other.port, security: 'tls', caFile } as const;
  t.match(await send(email(meant)), { outcome: 'retry', error: /ERR_TLS_CERT_ALTNAME_INVALID/ });

  const plain = await startMailServer(t, { password: PASSWORD });
  const stripped = await send(email({ port: plain.port, security: 'starttls', ...login }, env));
  t.match(stripped, { outcome: /retry|failed/, error: /STARTTLS/ }, 'who takes STARTTLS away gets nothing');
  t.match(await send(email({ port: plain.port, security: 'tls' })), { outcome: 'retry' });
  t.strictSame([...other.mails, ...plain.mails], []);
});

t.test('a wrong, missing or unrequested password is a failure that does not reveal it', async (t) => {
  const server = await startMailServer(t, { password: 'another' });
  const config = { port: server.port, user: 'me', passwordEnv: 'PASSWORD' };
  const refused = await send(email(config, { PASSWORD: 'SECRET-123' }));
  t.match(refused, { outcome: 'failed', error: 'localhost: 535 5.7.8 *** is no password (AUTH PLAIN)' });
  t.match(await send(email(config)), {
    outcome: 'failed',
    error: 'password: the daemon was started without the variable PASSWORD',
  });
  const open = await startMailServer(t, { without: ['AUTH'] });
  t.match(await send(email({ ...config, port: open.port }, { PASSWORD })), { outcome: 'failed', error: /AUTH/ });
  t.match(await send(email({ port: server.port })), { outcome: 'failed', error: /^localhost: 530 / });
  t.strictSame([...server.mails, ...open.mails], []);
});

t.test('a server that repeats the login does not reveal it', async (t) => {
  const { port } = await startServer(t, (client) => {
    client.write('220 here\r\n');
    client.on('data', (said: Buffer) => {
      const [verb = '', ...words] = said.toString().trim().split(' ');
      client.write(verb === 'EHLO' ? '250-here\r\n250 AUTH PLAIN\r\n' : `535 5.7.8 what is ${words.join(' ')}?\r\n`);
    });
  });
  const outcome = await send(email({ port, user: 'me', passwordEnv: 'PASSWORD' }, { PASSWORD: 'SECRET-123' }));
  t.strictSame(outcome, { outcome: 'failed', error: 'localhost: 535 5.7.8 what is PLAIN ***? (AUTH PLAIN)' });
});

t.test('4xx is retried, 5xx is not', async (t) => {
  let answer: string | undefined;
  const server = await startMailServer(t, { answer: () => answer });
  const channel = email({ port: server.port });
  answer = '451 4.3.0 busy';
  t.strictSame(await send(channel), { outcome: 'retry', error: 'localhost: 451 4.3.0 busy (DATA)' });
  answer = '554 5.7.1 this is spam';
  t.strictSame(await send(channel), { outcome: 'failed', error: 'localhost: 554 5.7.1 this is spam (DATA)' });
  answer = undefined;
  t.strictSame(await send(channel), { outcome: 'sent' });
  for (const [greeting, outcome] of [
    ['421 4.3.2 too many', 'retry'],
    ['554 5.7.1 go away', 'failed'],
  ] as const) {
    const { port } = await startServer(t, (client) => client.end(`${greeting}\r\n`));
    t.match(await send(email({ port })), { outcome, error: `localhost: ${greeting}` });
  }
});

t.test('recipients that have accepted it are not sent it again', async (t) => {
  const refusals: Record<string, string> = { 'a@example.com': '450 4.2.0 later', 'c@example.com': '550 5.1.1 nobody' };
  const server = await startMailServer(t, { refuse: (recipient) => refusals[recipient] });
  const channel = email({ port: server.port, to: ['a@example.com', 'b@example.com', 'c@example.com'] });
  const later = 'localhost refused 2 of 3: 450 4.2.0 later';
  t.strictSame(await send(channel), { outcome: 'retry', error: later });
  t.strictSame(await send(channel), { outcome: 'retry', error: 'localhost refused 1 of 1: 450 4.2.0 later' });
  Reflect.deleteProperty(refusals, 'a@example.com');
  t.strictSame(await send(channel), { outcome: 'sent' });
  const taken = () => server.mails.map(({ to }) => to);
  t.strictSame(taken(), [['b@example.com'], ['a@example.com']]);
  t.match(server.mails[1]!.headers, { to: 'a@example.com, b@example.com, c@example.com' });

  const gone = { outcome: 'failed', error: 'localhost refused 1 of 3: 550 5.1.1 nobody' };
  t.strictSame(await send(channel, anAlert({ id: 'next' })), gone, 'the next one is for all of them');
  t.strictSame(taken().at(-1), ['a@example.com', 'b@example.com']);
  t.strictSame(await send(email({ port: server.port, to: ['c@example.com'] })), {
    outcome: 'failed',
    error: 'localhost refused 1 of 1: 550 5.1.1 nobody',
  });
});

t.test('a misbehaving server is bounded by the timeout, and retried', async (t) => {
  const talks: Record<string, (client: Socket) => void> = {
    'hangs at once': () => undefined,
    'hangs later': (client) => client.write('220 here\r\n'),
    'closes at once': (client) => client.end(),
    'closes midway': (client) => {
      client.write('220 here\r\n');
      client.on('data', (said: Buffer) => {
        if (said.toString().startsWith('DATA')) client.destroy();
        else client.write('250 fine\r\n');
      });
    },
    'is none': (client) => client.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
    drips: (client) => {
      const timer = setInterval(() => client.write('220-here\r\n'), 50);
      client.once('close', () => clearInterval(timer));
    },
    'never ends a line': (client) => {
      const fill = (): void => {
        while (client.write('2'.repeat(65_536)));
      };
      client.on('drain', fill);
      fill();
    },
  };
  for (const [what, talk] of Object.entries(talks)) {
    const { port, connections } = await startServer(t, talk);
    const outcome = await send(email({ port, timeout: 1_000 }));
    t.match(outcome, { outcome: 'retry', error: /^localhost: / }, what);
    t.ok('error' in outcome && outcome.error.length < 300, what);
    await waitFor(`the connection to one that ${what} to be closed`, () => connections.size === 0);
  }
  t.match(await send(email({ port: 1 })), { outcome: 'retry', error: 'localhost: the connection was refused' });
  t.match(await send(email({ host: 'nobody.invalid', port: 25 })), { outcome: 'retry', error: /^nobody\.invalid: / });

  const stop = new AbortController();
  const { port, connections } = await startServer(t, () => undefined);
  const sending = send(email({ port }), anAlert(), stop.signal);
  await waitFor('a connection', () => connections.size === 1);
  stop.abort();
  t.match(await sending, { outcome: 'retry', error: 'localhost: it was interrupted' });
  await waitFor('it to be closed', () => connections.size === 0);
});

t.test('hostile text creates no header, no recipient and no end of the message', async (t) => {
  const server = await startMailServer(t);
  const channel = email({ port: server.port });
  const texts = [...hostileTexts('/nowhere'), ...CONTROLS, 'a\r\n\r\nb', '\r\nBcc: x@evil.example\r\n\r\n'];
  await send(channel);
  const names = namesIn(server.mails[0]!);
  for (const [index, text] of texts.entries()) {
    const what = `text ${index}`;
    t.strictSame(await send(channel, alertFullOf(text)), { outcome: 'sent' }, what);
    const mail = server.mails.at(-1)!;
    t.equal(server.mails.length, index + 2, what);
    t.strictSame(mail.to, ['ops@example.com'], what);
    t.equal(mail.headers['to'], 'ops@example.com', what);
    t.strictSame(namesIn(mail), names, what);
    t.equal(mail.text.split('\n').length, toSingleLine(text, 10) === '' ? 10 : 12, what);
    if (!/[\p{Cc}\p{Cs}\u2028\u202e]/u.test(text) && text.length < 200) {
      t.equal(mail.headers['subject']?.replaceAll('\u200b', ''), text, what);
      t.equal(mail.text.split('\n')[0], text, what);
    }
    t.notMatch(mail.raw, /^Subject: =\?utf-8\?Q\?x/m, what);
  }
});

/** The encoding of the text depends on it. */
function namesIn({ headers }: Mail): string[] {
  return Object.keys(headers)
    .filter((name) => name !== 'content-transfer-encoding')
    .toSorted();
}
