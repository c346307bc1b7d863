import { appendFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { createHome } from '../../helpers/daemon.js';
import { readSpoolFiles } from '../../helpers/spool.js';
import { waitFor } from '../../helpers/wait.js';

const start = (execution: string, name: string, cwd = '/') => ({
  type: 'execution_started',
  execution,
  data: { name, kind: 'command', argv: [name], cwd },
});

t.test('secrets in the spool are in no file once the journal has the events', async (t) => {
  const home = createHome(t);
  writeFileSync(home.paths.config, "masks: ['C-[0-9]+']\nignore: { commands: ['hidden *'] }\n");
  mkdirSync(home.paths.spool, { recursive: true, mode: 0o700 });
  const own = path.join(home.paths.spool, `bash-${process.pid}-abc.ndjson`);
  const shared = path.join(home.paths.spool, 'shared.ndjson');
  const add = (file: string, ...events: object[]) =>
    appendFileSync(file, events.map((event) => `${JSON.stringify(event)}\n`).join(''), { mode: 0o600 });
  const hex = (text: string) => Buffer.from(text).toString('hex');
  const stop = { session_id: 'session-1', hook_event_name: 'Stop' };
  add(
    own,
    start('plain-one', 'make test'),
    start('shape-one', 'mysql -phunter2'),
    start('named-one', 'show C-2222'),
    start('left-out', 'hidden hunter2'),
  );
  add(
    shared,
    { type: 'log', execution: 'plain-one', data: { message: 'ghp_hunter2hunter2hunter2' } },
    { type: 'agent_hook', data: { agent: 'claude', payload: { ...stop, reason: 'token=hunter2' } } },
    {
      type: 'agent_hook',
      data: { agent: 'claude', beginning: hex(JSON.stringify(stop).slice(0, 20)), end: hex('"}') },
    },
  );
  const sizes = [own, shared].map((file) => statSync(file).size);
  const daemon = await home.startDaemon();
  const spool = () => [...readSpoolFiles(home).values()].join('');
  await waitFor('the spool to hold no secret', () => !/hunter2|C-2222|"beginning"/.test(spool()));
  t.match(spool(), 'make test', 'other lines stay');
  t.strictSame(
    [own, shared].map((file) => statSync(file).size),
    sizes,
  );
  const journal = readdirSync(home.paths.journal)
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => readFileSync(path.join(home.paths.journal, name), 'utf8'))
    .join('');
  t.match(journal, '"argv":["mysql -p***"]');
  t.match(journal, '"argv":["show ***"]');
  t.notMatch(journal, /hunter2|C-2222/);

  add(own, start('late-one', 'redis-cli -a hunter2'));
  await waitFor('it', async () => (await home.invoke(['ps', '--json'])).stdout.includes('late-one'));
  await daemon.kill('SIGTERM');
  t.notMatch(spool(), 'hunter2', 'a daemon that stops leaves none either');
});
