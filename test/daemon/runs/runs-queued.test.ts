import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { isFinal } from '../../../src/core/execution.js';
import { bootId, identityOf } from '../../../src/platform/processes.js';
import { startRunHome } from '../../helpers/runs.js';
import { waitFor } from '../../helpers/wait.js';

t.test('a run that began and ended without a daemon is not scheduled', async (t) => {
  const home = await startRunHome(t);
  home.progress(['queue', 'set', 'q', '--slots', '1']);
  home.progress(['queue', 'pause', 'q']);
  const id = await home.start(['--queue', 'q'], 'true');
  const spec = `${home.paths.runs}/${id}/spec.json`;
  // as if the daemon had been killed right after it started the runner
  renameSync(spec, `${spec}.away`);
  home.progress(['queue', 'resume', 'q']);
  await home.daemon.kill();
  renameSync(`${spec}.away`, spec);
  const { pid } = spawnSync('true');
  const source = `run-${pid}-${id}`;
  const record = { runner: { pid, start: 1, boot: bootId() }, source };
  writeFileSync(`${home.paths.runs}/${id}/runner.json`, JSON.stringify(record));
  const tell = (type: string, data: object) =>
    appendFileSync(
      `${home.paths.spool}/${source}.ndjson`,
      `${JSON.stringify({ type, execution: id, time: new Date().toISOString(), data })}\n`,
    );
  tell('execution_started', { queue: 'q' });
  for (let n = 0; n < 1_000; n++) tell('output', { text: 'x'.repeat(1_000) });
  tell('execution_completed', { exitCode: 0 });
  await home.replaceDaemon();
  await waitFor('an end', async () => isFinal((await home.get(id)).status));
  t.match(await home.get(id), { status: 'completed', outcome: { exitCode: 0 } });
});

t.test('a command whose runner was killed before it recorded the start is found and can be stopped', async (t) => {
  const home = await startRunHome(t);
  home.progress(['queue', 'set', 'q', '--slots', '1']);
  home.progress(['queue', 'pause', 'q']);
  const id = await home.start(['--queue', 'q'], 'sleep', '300');
  const child = spawn('sleep', ['300'], { detached: true, stdio: 'ignore', env: { PROGRESS_EXECUTION: id } });
  await waitFor('it to be there', () => identityOf(child.pid!));
  const { pid } = spawnSync('true');
  const runner = { pid, start: 1, boot: bootId() };
  const record = { runner, source: `run-${pid}-${id}`, child: identityOf(child.pid!) };
  writeFileSync(`${home.paths.runs}/${id}/runner.json`, JSON.stringify(record));
  home.progress(['queue', 'resume', 'q']);
  t.match(await home.until(id, 'running'), { orphaned: true, process: { pid: child.pid } });
  t.match(home.progress(['stop', id]), { status: 0, stdout: /stopped by SIGINT/ });
  await home.until(id, 'lost');
  t.equal(child.exitCode ?? child.signalCode, 'SIGINT');
});

t.test('an execution that another program has queued can be dismissed', async (t) => {
  const home = await startRunHome(t);
  const client = await home.connect();
  t.teardown(() => client.destroy());
  await client.call('emit', { event: { type: 'execution_queued', execution: 'theirs' } });
  t.match(home.progress(['stop', 'theirs']), { status: 0, stdout: /dismissed/ });
  t.match(await home.get('theirs'), { status: 'cancelled', outcome: { dismissed: true } });
});
