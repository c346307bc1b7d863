import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import t from 'tap';
import type { Home } from '../../helpers/daemon.js';
import { createHome } from '../../helpers/daemon.js';
import { waitFor } from '../../helpers/wait.js';

const CONFIG = (port: number) => `web: { port: ${port} }\n`;

/** A free port, usually with a free successor. */
async function freePort(): Promise<number> {
  return await new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function take(port: number): Promise<() => void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return () => void server.close();
}

const urlOf = async (home: Home, ...args: string[]) => {
  const { stdout, stderr } = await home.invoke(['web', '--no-open', ...args]);
  return stdout.trim() || stderr.trim();
};
const portOf = (url: string) => Number(new URL(url).port);

t.test(
  'it prints an address with a code, on the configured port, the next free one, or the one asked for',
  async (t) => {
    const home = createHome(t);
    const port = await freePort();
    writeFileSync(home.paths.config, CONFIG(port));
    t.match(await urlOf(home), new RegExp(`^http://127\\.0\\.0\\.1:${port}/#c=[\\w-]{22}$`));
    t.not(await urlOf(home), await urlOf(home), 'each code is another one');
    const other = await freePort();
    t.equal(portOf(await urlOf(home, '--port', String(other))), other);
    t.equal(portOf(await urlOf(home)), other, 'it stays where it is');
    await fetch(`http://127.0.0.1:${other}/healthz`);
    await t.rejects(fetch(`http://127.0.0.1:${port}/healthz`), 'and is no longer where it was');
    const free = await take(port);
    t.teardown(free);
    t.match(await home.invoke(['web', '--no-open', '--port', String(port)]), { status: 69, stderr: /taken.*--port/ });
    t.match(await home.invoke(['web', 'off']), { status: 0, stdout: 'the viewer is off\n' });
    const next = portOf(await urlOf(home));
    t.ok(next > port && next < port + 20, `${next} after ${port}`);
  },
);

t.test('it listens again after the daemon was started again, until off', async (t) => {
  const home = createHome(t);
  const port = await freePort();
  await urlOf(home, '--port', String(port));
  const token = () => readFileSync(home.paths.webToken, 'utf8');
  const before = (await home.invoke(['web', '--no-open']), existsSync(home.paths.webToken) ? token() : '');
  await home.invoke(['daemon', 'restart']);
  t.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
  if (before) t.equal(token(), before);
  await home.invoke(['web', 'off']);
  await home.invoke(['daemon', 'restart']);
  await t.rejects(fetch(`http://127.0.0.1:${port}/healthz`));
  t.notOk(existsSync(home.paths.web));
});

t.test('web.enabled makes the daemon listen at its start', async (t) => {
  const home = createHome(t);
  const port = await freePort();
  writeFileSync(home.paths.config, `web: { port: ${port}, enabled: true }\n`);
  await home.invoke(['daemon', 'restart']);
  t.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
});

t.test('an execution has its address; JSON; wrong usage', async (t) => {
  const home = createHome(t);
  writeFileSync(home.paths.config, CONFIG(await freePort()));
  await home.invoke(['emit', '--wait', 'execution_started', '--execution', 'a b/c', 'name=Nightly']);
  t.match(await urlOf(home, 'Nightly'), /\/executions\/a%20b%2Fc#c=/);
  t.match(await home.invoke(['web', 'nobody', '--no-open']), { status: 66 });
  t.match(JSON.parse((await home.invoke(['web', '--json'])).stdout), { url: /#c=/ });
  t.strictSame(JSON.parse((await home.invoke(['web', 'off', '--json'])).stdout), { url: null });
  for (const args of [
    ['off', '--port', '9000'],
    ['--port', '0'],
    ['--port', 'x'],
    ['--port', '70000'],
  ])
    t.equal((await home.invoke(['web', '--no-open', ...args])).status, 64, args.join(' '));
});

t.test('the browser gets a private file, never the code in its arguments', async (t) => {
  const home = createHome(t);
  writeFileSync(home.paths.config, CONFIG(await freePort()));
  const bin = path.join(home.directory, 'bin');
  mkdirSync(bin);
  const opened = path.join(home.directory, 'opened');
  writeFileSync(
    path.join(bin, 'xdg-open'),
    `#!/bin/sh\nprintf '%s\\n' "$*" > ${opened}.new && mv ${opened}.new ${opened}\n`,
  );
  chmodSync(path.join(bin, 'xdg-open'), 0o755);
  const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, SSH_CONNECTION: undefined, BROWSER: undefined };
  const { stdout } = await home.invoke(['web'], { env });
  const code = new URL(stdout.trim()).hash.slice('#c='.length);
  const file = await waitFor('the browser', () => existsSync(opened) && readFileSync(opened, 'utf8').trim());
  t.notOk(file.includes(code));
  const page = readFileSync(file, 'utf8');
  const [, target = ''] = /url=([^"]+)"/.exec(page) ?? [];
  t.match(target, /^http:\/\/127\.0\.0\.1:\d+\/#c=/);
  const answer = await fetch(new URL('/api/v1/session', target), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Origin: new URL(target).origin },
    body: JSON.stringify({ code: new URL(target).hash.slice('#c='.length) }),
  });
  t.equal(answer.status, 200);
});
