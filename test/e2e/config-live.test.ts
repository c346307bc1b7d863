import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect as dial } from 'node:net';
import t from 'tap';
import type { Test } from 'tap';
import type { DaemonStatus } from '../../src/protocol/messages.js';
import { createHome } from '../helpers/daemon.js';
import { freePort, openStream } from '../helpers/http.js';
import { waitFor } from '../helpers/wait.js';

async function open(t: Test) {
  const home = createHome(t);
  await home.startDaemon();
  const client = await home.connect();
  t.teardown(() => client.destroy());
  const status = async (): Promise<DaemonStatus> => await client.call('status', {});
  /** Returns when the daemon goes by it. */
  const configure = async (text: string) => {
    const { since } = (await status()).config;
    writeFileSync(`${home.paths.config}.new`, text);
    renameSync(`${home.paths.config}.new`, home.paths.config);
    await waitFor('the configuration to be taken over', async () => (await status()).config.since !== since);
  };
  const emit = async (event: object) => await client.call('emit', { event });
  return { home, client, status, configure, emit };
}

t.test('the journal takes other bounds and another way of syncing', async (t) => {
  const { status, configure, emit } = await open(t);
  const text = 'x'.repeat(70_000);
  await emit({ type: 'output', execution: 'a', text });
  t.equal((await status()).journal.segments, 1);
  await configure('journal: { segmentSize: 64KiB, sync: always }\n');
  await emit({ type: 'output', execution: 'a', text });
  await waitFor('the segment to end', async () => (await status()).journal.segments > 1);
  await emit({ type: 'output', execution: 'a', text });
  const { journal } = await status();
  t.equal(journal.synced, journal.seq, 'at once');
});

t.test('memory is given back when less is to be remembered', async (t) => {
  const { status, configure, emit } = await open(t);
  for (const execution of ['a', 'b', 'c', 'd']) await emit({ type: 'execution_completed', execution });
  t.match((await status()).executions, { ended: 4, summarised: 0 });
  await configure('memory: { ended: 1, summaries: 2 }\n');
  await waitFor('less', async () => (await status()).executions.ended === 1);
  t.match((await status()).executions, { ended: 1, summarised: 2 });
});

t.test('more connections are let in, and fewer', async (t) => {
  const { home, status, configure } = await open(t);
  const { connections } = await status();
  await configure('socket: { maxConnections: 8 }\n');
  const sockets = Array.from({ length: 10 }, () => dial(home.paths.socket).on('error', () => undefined));
  t.teardown(() => sockets.forEach((socket) => socket.destroy()));
  await waitFor('the rest to be turned away', async () => (await status()).counters.refusedConnections > 0);
  t.equal((await status()).connections, 8);
  await configure('socket: { maxConnections: 100 }\n');
  const more = Array.from({ length: 10 }, () => dial(home.paths.socket));
  t.teardown(() => more.forEach((socket) => socket.destroy()));
  await waitFor('all of them', async () => (await status()).connections >= connections + 10);
});

t.test('agents are followed and left as the configuration says', async (t) => {
  const { client, configure } = await open(t);
  const followed = async () =>
    (await client.call('follow', {})).agents.filter(({ following }) => following).map(({ agent }) => agent);
  t.strictSame(await followed(), []);
  await client.call('follow', { agent: 'gemini', on: true });
  await configure('follow: { claude: true }\n');
  await waitFor('claude', async () => (await followed()).includes('claude'));
  await configure('follow: { codex: true, silence: 1h }\n');
  await waitFor('codex', async () => (await followed()).includes('codex'));
  t.strictSame(await followed(), ['codex', 'gemini'], 'what somebody has asked for goes on');
});

t.test('the viewer comes, moves and goes', async (t) => {
  const { configure } = await open(t);
  const [one, other] = [await freePort(), await freePort()];
  const answers = async (port: number) =>
    await fetch(`http://127.0.0.1:${port}/healthz`).then(
      ({ status }) => status === 200,
      () => false,
    );
  await configure(`web: { enabled: true, port: ${one} }\n`);
  await waitFor('it to come', () => answers(one));
  await configure(`web: { enabled: true, port: ${other} }\n`);
  await waitFor('it to move', () => answers(other));
  t.notOk(await answers(one));
  await configure(`web: { port: ${other} }\n`);
  await waitFor('it to go', async () => !(await answers(other)));
});

t.test('a viewer that somebody has asked for stays where it is', async (t) => {
  const { client, configure } = await open(t);
  const port = await freePort();
  await client.call('web', { on: true, port });
  await configure(`web: { port: ${await freePort()}, maxStreams: 5 }\n`);
  t.equal((await client.call('web', { on: true })).url, `http://127.0.0.1:${port}/`);
});

t.test('streams over HTTP get another bound and another heartbeat', async (t) => {
  const { home, configure } = await open(t);
  const first = await openStream(t, home);
  const greeting = () => JSON.parse(first.messages.find(({ event }) => event === 'open')?.data ?? '{}') as object;
  await waitFor('the greeting', () => first.messages.length > 0);
  t.match(greeting(), { heartbeat: 30_000 });
  await configure('web: { maxStreams: 1, heartbeat: 1s }\n');
  t.equal((await openStream(t, home)).status, 503);
  first.close();
  const second = await waitFor('room', async () => {
    const stream = await openStream(t, home);
    return stream.status === 200 && stream;
  });
  const beats = () => second.messages.filter(({ event }) => event === 'at').length;
  await waitFor('two heartbeats', () => beats() >= 2);
});

t.test('a broken file is told of by doctor, by status and in the log, and changes nothing', async (t) => {
  const { home, status, configure } = await open(t);
  await configure('memory: { ended: 5 }\n');
  writeFileSync(home.paths.config, 'memory: { ended: many }\n');
  await waitFor('the problem', async () => (await status()).config.problems.length > 0);
  const { stdout } = home.progress(['daemon', 'status']);
  t.match(stdout, /^config +\S+ IS WRONG: the values from .* ago hold\n {13}\S+:1:18: memory.ended: is "many"/m);
  const doctor = home.progress(['doctor']);
  t.equal(doctor.status, 1);
  t.match(doctor.stdout, /problem +config +\S+:1:18: memory.ended: is "many"/);
  t.match(doctor.stdout, 'the daemon goes on with the values of');
  t.match(readFileSync(home.paths.daemonLog, 'utf8'), /the values from before hold, for the file is wrong/);
});
