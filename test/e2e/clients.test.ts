/** The clients in the manual, run as they are printed. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { createHome, ROOT } from '../helpers/daemon.js';
import { readAll } from '../helpers/journal.js';
import { whyNo } from '../helpers/needs.js';
import { waitFor } from '../helpers/wait.js';

/** The literal blocks of a section, formatted. */
function blocksOf(page: string, section: string): string[] {
  const text =
    readFileSync(path.join(ROOT, 'man', page), 'utf8')
      .split(`.Sh ${section}\n`)[1]
      ?.split('\n.Sh ')[0] ?? '';
  return [...text.matchAll(/^\.Bd -literal\n([\s\S]*?)^\.Ed$/gm)].map(([, block = '']) =>
    block.replaceAll('\\e', '\\'),
  );
}

/** A home with a daemon, and `progress` in PATH. */
async function open(t: Test) {
  const home = createHome(t);
  await home.startDaemon();
  home.env['PATH'] = [path.join(ROOT, 'bin'), process.env['PATH']].join(':');
  const save = (name: string, text: string) => {
    const file = path.join(home.directory, name);
    writeFileSync(file, text);
    return file;
  };
  return { ...home, save };
}

const LINES = ['first', '  with  spaces\\and "quotes"', 'naïve 漢字', ''];
const [python = '', shell = ''] = blocksOf('progress-protocol.7', 'CLIENTS');

for (const { name, command, text, skip } of [
  { name: 'in Python', command: 'python3', text: python, skip: whyNo('python3') },
  { name: 'in the shell', command: 'sh', text: shell, skip: whyNo('jq') || whyNo('curl') },
]) {
  t.test(`the client ${name} sends each line once, and ends when one is refused`, { skip }, async (t) => {
    t.ok(text.trimEnd().split('\n').length <= 10, 'ten lines');
    const home = await open(t);
    const program = home.save('client', text);
    const send = (input: string) => spawnSync(command, [program], { env: home.env, encoding: 'utf8', input });
    t.match(send(LINES.map((line) => `${line}\n`).join('')), { status: 0, stderr: '' });
    const written = (await readAll(home.paths.journal)).events.filter(({ type }) => type === 'log');
    t.strictSame(
      written.map(({ data }) => data['message']),
      LINES,
    );
    t.strictSame(
      written.map(({ n }) => n),
      [1, 2, 3, 4],
    );
    t.match(written[0]?.source, /^import-/);
    t.not(send(`${'x'.repeat(300_000)}\n`).status, 0, 'too long');
  });
}

t.test('a program follows a stream and answers by POST', async (t) => {
  const home = await open(t);
  const [block = ''] = blocksOf('progress-http.7', 'WEBSOCKETS');
  const undici = path.join(ROOT, 'node_modules/undici/index.js');
  const program = home.save('answer.mjs', block.replace('"undici"', JSON.stringify(undici)));
  const client = await home.connect();
  t.teardown(() => client.destroy());
  await client.call('emit', { event: { type: 'execution_started', execution: 'd1', data: { name: 'deploy' } } });
  const answering = spawn(process.execPath, [program, home.paths.httpSocket, 'deploy'], {
    env: home.env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  t.teardown(() => answering.kill('SIGKILL'));
  await client.call('emit', {
    event: { type: 'attention', execution: 'd1', data: { state: 'waiting', reason: 'go on?' } },
  });
  const answer = await waitFor('the answer', async () =>
    (await readAll(home.paths.journal)).events.find(({ type }) => type === 'log'),
  );
  t.match(answer, { execution: 'd1', data: { message: 'answer to: go on?' } });
});
