import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';
import t from 'tap';
import { createCertificate } from '../helpers/certificate.js';
import { createHome, ROOT } from '../helpers/daemon.js';
import type { Home } from '../helpers/daemon.js';
import { startMailServer } from '../helpers/mail-server.js';
import { collectOutput } from '../helpers/output.js';
import { startTarget } from '../helpers/target.js';
import { waitFor } from '../helpers/wait.js';

/** The word that every secret contains. */
const SIGNING = `whsec_${Buffer.from('SECRET-signing-0123456789').toString('base64')}`;
const PASSWORD = 'SECRET-password';
const SECRETS = ['SECRET', SIGNING.slice(6), Buffer.from(PASSWORD).toString('base64')];

function write(home: Home, name: string, text: string): string {
  const file = path.join(home.directory, name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

/** Runs the program while the servers of this process respond. */
async function run(home: Home, args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  return await collectOutput(home.spawn(args, { stdio: ['ignore', 'pipe', 'pipe'] })).ended;
}

/** All files that a daemon and its runs have left. */
function leftBy(home: Home): string {
  const entries = readdirSync(home.paths.state, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  return files.map((file) => readFileSync(file, 'latin1')).join('\n');
}

t.test('a failed run is sent over every channel, and no secret of a channel is stored', async (t) => {
  const home = createHome(t);
  let status = 200;
  const target = await startTarget(t, (response) => response.writeHead(status).end('SECRET'));
  const certificate = createCertificate(t);
  const mail = await startMailServer(t, { certificate, password: PASSWORD });
  const config = `
channels:
  hook:
    type: webhook
    urlFile: ${write(home, 'url', `${target.url('/services/SECRET?key=SECRET')}\n`)}
    secretEnv: SIGNING
    tokenFile: ${write(home, 'token', 'SECRET-token\n')}
  mail:
    type: email
    host: localhost
    port: ${mail.port}
    user: me
    passwordFile: ${write(home, 'password', PASSWORD)}
    caFile: ${certificate.file}
    from: progress@example.com
    to: [ops@example.com]
  say:
    type: command
    command: [sh, -c, 'cat >> "$0"; exit $(cat "$0.status" 2>/dev/null || echo 0)', ${home.directory}/said]
rules:
  - name: broken
    when: { status: failed }
    notify: [hook, mail, say]
`;
  writeFileSync(home.paths.config, config);
  const daemon = await home.startDaemon({ env: { SIGNING } });
  const said = () => readFileSync(path.join(home.directory, 'said'), 'utf8').trim().split('\n');

  for (const channel of ['hook', 'mail', 'say']) {
    const { status: exit, stdout, stderr } = await run(home, ['notify', '--test', channel]);
    t.strictSame({ exit, stderr }, { exit: 0, stderr: '' }, channel);
    t.match(stdout, /sent/, channel);
  }
  t.equal(target.asked.length, 1);
  t.match(mail.mails, [
    { to: ['ops@example.com'], isEncrypted: true, user: 'me', headers: { subject: /^Test of mail/ } },
  ]);
  t.match(JSON.parse(said()[0]!), { rule: 'test', title: 'Test of say' });

  await run(home, ['run', '--name', 'back <b>up', '--', 'sh', '-c', 'exit 3']);
  await waitFor('all of them', () => target.asked.length === 2 && mail.mails.length === 2 && said().length === 2);
  const { headers, body } = target.asked[1]!;
  const alert = { rule: 'broken', title: '✗ back <b>up failed', event: { type: 'execution_failed' } };
  const delivered = new Webhook(SIGNING).verify(body, headers) as { id: string };
  t.match(delivered, { ...alert, execution: { name: 'back <b>up', outcome: { exitCode: 3 } } });
  t.match(headers, { authorization: 'Bearer SECRET-token', 'webhook-id': delivered.id });
  t.match(mail.mails[1], {
    headers: { subject: '✗ back <b>up failed' },
    text: /^exit 3 after .*\n\nExecution {2}back <b>up\n/,
  });
  t.match(JSON.parse(said()[1]!), alert);

  const dashes = await run(home, ['notify', '--channel', 'say', '--', '--title', '-body']);
  t.match(dashes, { status: 0, stdout: /sent/, stderr: '' });
  t.match(JSON.parse(said()[2]!), { rule: 'notify', title: '--title', body: '-body' });
  t.match(await run(home, ['notify', 'one', 'two', '--', 'three']), {
    status: 64,
    stderr: /quote the title and the body/,
  });

  const asked: string[] = [];
  const note = async (args: string[]) => {
    const { stdout, stderr } = await run(home, args);
    asked.push(stdout, stderr);
    return stdout + stderr;
  };
  status = 404;
  write(home, 'password', 'SECRET-wrong');
  write(home, 'said.status', '7\n');
  t.match(await note(['notify', '--test', 'hook']), /localhost:\d+ answered with 404/);
  t.match(await note(['notify', '--test', 'mail']), /535 5\.7\.8 \*\*\* is no password/);
  t.match(await note(['notify', '--test', 'say']), /ended with 7/);
  t.match(await note(['notify', '--test', 'nobody']), /no channel/);
  status = 500;
  await run(home, ['run', '--', 'false']);
  await waitFor('the mail to fail', async () => /failed[^\n]*535/s.test(await note(['notify', '--log', '--json'])));
  await waitFor('the hook to be tried', () => target.asked.length >= 4);
  await note(['rules']);
  await note(['daemon', 'status']);
  await note(['doctor']);
  await note(['notify', '--log']);
  await note(['config']);
  await daemon.kill('SIGTERM');
  for (const secret of SECRETS) {
    t.notMatch(leftBy(home), secret, 'in no file');
    t.notMatch(asked.join('\n'), secret, 'in nothing that is said');
  }
});

t.test('a daemon loads the packages of a channel with its first alert', async (t) => {
  const read = (file: string) => readFileSync(path.join(ROOT, 'dist', file), 'utf8');
  const loaded = new Set(['daemon.js']);
  const later = new Set<string>();
  for (const file of loaded) {
    for (const [, other = ''] of read(file).matchAll(/^(?:import|export)\b[^;'"]*["']\.\/([^"']+)["']/gm))
      loaded.add(other);
    for (const [, other = ''] of read(file).matchAll(/\bimport\("\.\/([^"]+)"\)/g)) {
      if (/^(?:undici|nodemailer)-/.test(other)) later.add(other.replace(/-.*/, ''));
      else loaded.add(other);
    }
  }
  t.ok(loaded.size > 1, 'what they share is found');
  t.strictSame([...later], ['nodemailer']);
  t.notOk(
    [...loaded].find((file) => /^import\b[^;]*"undici"/m.test(read(file))),
    'undici is imported when it is needed',
  );
  t.notOk([...loaded].find((file) => /^(?:undici|nodemailer)-/.test(file)));
});
