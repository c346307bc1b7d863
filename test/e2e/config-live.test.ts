import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect as dial } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import type { Test } from 'tap';
import type { DaemonStatus } from '../../src/api/messages.js';
import { createHome } from '../helpers/daemon.js';
import { freePort, openStream } from '../helpers/http.js';
import { waitFor } from '../helpers/wait.js';

async function open(t: Test) {
  const home = createHome(t);
  await home.startDaemon();
  const client = await home.connect();
  t.teardown(() => client.destroy());
  const status = async (): Promise<DaemonStatus> => await client.call('status', {});
  /** Waits until the daemon uses the configuration. */
  const configure = async (text: string) => {
    const { since } = (await status()).config;
    writeFileSync(`${home.paths.config}.new`, text);
    renameSync(`${home.paths.config}.new`, home.paths.config);
    await waitFor('the configuration to be taken over', async () => (await status()).config.since !== since);
  };
  const emit = async (event: object) => await client.call('emit', { event });
  return { home, client, status, configure, emit };
}

/** A home shared by tests that are independent of earlier events and configurations. */
const shared = await open(t);

t.test('lower limits free memory', async (t) => {
  const { status, configure, emit } = shared;
  for (const execution of ['a', 'b', 'c', 'd']) await emit({ type: 'execution_completed', execution });
  t.match((await status()).executions, { ended: 4, summarised: 0 });
  await configure('memory: { ended: 1, summaries: 2 }\n');
  await waitFor('less', async () => (await status()).executions.ended === 1);
  t.match((await status()).executions, { ended: 1, summarised: 2 });
});

t.test('the journal uses new limits and another way of syncing', async (t) => {
  const { status, configure, emit } = shared;
  const text = 'x'.repeat(70_000);
  await emit({ type: 'output', execution: 'x', text });
  t.equal((await status()).journal.segments, 1);
  await configure('journal: { segmentSize: 64KiB, sync: always }\n');
  await emit({ type: 'output', execution: 'x', text });
  await waitFor('the segment to end', async () => (await status()).journal.segments > 1);
  await emit({ type: 'output', execution: 'x', text });
  const { journal } = await status();
  t.equal(journal.synced, journal.seq, 'at once');
});

t.test('the limit of connections rises and falls', async (t) => {
  const { home, status, configure } = shared;
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

t.test('agents are followed as configured', async (t) => {
  const { client, configure } = shared;
  const followed = async () =>
    (await client.call('follow', {})).agents.filter(({ following }) => following).map(({ agent }) => agent);
  t.strictSame(await followed(), []);
  await client.call('follow', { agent: 'gemini', on: true });
  await configure('follow: { claude: true }\n');
  await waitFor('claude', async () => (await followed()).includes('claude'));
  await configure('follow: { codex: true, silence: 1h }\n');
  await waitFor('codex', async () => (await followed()).includes('codex'));
  t.strictSame(await followed(), ['codex', 'gemini'], 'a requested one continues');
});

t.test('the viewer starts, moves and stops', async (t) => {
  const { configure } = shared;
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

t.test('a viewer that was started by a command stays where it is', async (t) => {
  const { client, configure } = shared;
  const port = await freePort();
  await client.call('web', { on: true, port });
  await configure(`web: { port: ${await freePort()}, maxStreams: 5 }\n`);
  t.equal((await client.call('web', { on: true })).url, `http://127.0.0.1:${port}/`);
});

t.test('HTTP streams use another limit and heartbeat', async (t) => {
  const { home, configure } = shared;
  const first = await openStream(t, home);
  const greeting = () =>
    JSON.parse(first.messages.find(({ event }) => event === 'stream_open')?.data ?? '{}') as object;
  await waitFor('the greeting', () => first.messages.length > 0);
  t.match(greeting(), { heartbeat: 30_000 });
  await configure('web: { maxStreams: 1, heartbeat: 1s }\n');
  t.equal((await openStream(t, home)).status, 503);
  first.close();
  const second = await waitFor('room', async () => {
    const stream = await openStream(t, home);
    return stream.status === 200 && stream;
  });
  const beats = () => second.messages.filter(({ event }) => event === 'stream_position').length;
  await waitFor('two heartbeats', () => beats() >= 2);
});

t.test('an invalid file is reported by doctor, status and the log, and changes nothing', async (t) => {
  const { home, status, configure } = shared;
  await configure('memory: { ended: 5 }\n');
  writeFileSync(home.paths.config, 'memory: { ended: many }\n');
  await waitFor('the problem', async () => (await status()).config.problems.length > 0);
  const { stdout } = home.progress(['daemon', 'status']);
  t.match(
    stdout,
    /^config +\S+ IS INVALID; the values from .* ago remain in effect\n {13}\S+:1:18: memory.ended: is "many"/m,
  );
  const doctor = home.progress(['doctor']);
  t.equal(doctor.status, 1);
  t.match(doctor.stdout, /problem +config +\S+:1:18: memory.ended: is "many"/);
  t.match(doctor.stdout, 'the daemon keeps the values of');
  t.match(readFileSync(home.paths.daemonLog, 'utf8'), /the file is invalid, the previous values stay in use/);
});

t.test('secrets and configured patterns in output are masked before they are written', async (t) => {
  const { home, configure, emit } = shared;
  const journal = () => readFileSync(`${home.paths.journal}/current.jsonl`, 'utf8');
  const token = 'ghp_0123456789abcdefghij';
  await emit({ type: 'output', execution: 'y', data: { text: `x ${token} C-1234` } });
  t.match(journal(), 'x *** C-1234');
  await configure("masks: ['C-[0-9]{4}']\n");
  await emit({ type: 'output', execution: 'y', data: { text: 'y C-1234' } });
  const { status: code, stdout } = home.progress(['run', '--', 'sh', '-c', `echo z C-1234; echo ${token} >&2`]);
  t.strictSame([code, stdout], [0, 'z C-1234\n'], 'the terminal shows it');
  home.progress(['emit', 'log', `message=spooled C-1234 ${token}`]);
  await waitFor('the line from the spool', () => journal().includes('spooled *** ***'));
  t.match(journal(), 'y ***');
  t.match(journal(), 'z ***');
  t.notMatch(journal(), token);
  t.equal(journal().split('C-1234').length, 2, 'only the one from before');
});

t.test('commands of a shell are ignored as configured', async (t) => {
  const { home, client, configure } = await open(t);
  const command = (execution: string, name: string, cwd = '/') => {
    const data = { kind: 'command', name, cwd };
    const lines = [
      { type: 'execution_started', execution, data },
      { type: 'execution_completed', execution, data: { exitCode: 0 } },
    ];
    appendFileSync(`${home.paths.spool}/shared.ndjson`, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  };
  const names = async () => {
    const { executions } = await client.call('list', { all: true });
    return executions.map(({ name }) => name).sort();
  };
  home.progress(['emit', 'log', '--execution', 'first', 'message=x']); // makes the spool
  command('c1', 'make all');
  await waitFor('the command', async () => (await names()).includes('make all'));
  await configure('ignore: { commands: ["make *"], directories: [/private] }\n');
  command('c2', 'make more');
  command('c3', 'vi', '/private/x');
  command('c4', 'true');
  await waitFor('the last', async () => (await names()).includes('true'));
  t.strictSame(await names(), ['first', 'make all', 'true']);
});

t.test('queues are declared, and a later setting holds until the declaration changes', async (t) => {
  const { home, client, configure } = await open(t);
  const slots = async () =>
    Object.fromEntries((await client.call('queues', {})).queues.map((queue) => [queue.name, queue.slots]));
  const become = async (wanted: object) =>
    await waitFor(`queues ${JSON.stringify(wanted)}`, async () => isDeepStrictEqual(await slots(), wanted));
  await configure('queues: { builds: { slots: 3 }, "a b": { } }\n');
  await become({ 'a b': 1, builds: 3 });
  home.progress(['queue', 'set', 'builds', '--slots', '5']);
  await become({ 'a b': 1, builds: 5 });
  await configure('queues: { builds: { slots: 3 } }\n');
  await become({ builds: 5 });
  t.equal(home.progress(['daemon', 'restart']).status, 0);
  t.match(JSON.parse(home.progress(['queue', '--json']).stdout), [{ name: 'builds', slots: 5 }]);
  t.equal(home.progress(['config', 'set', 'queues.builds.slots', '4']).status, 0);
  const next = await home.connect();
  t.teardown(() => next.destroy());
  await waitFor('the new declaration', async () => (await next.call('queues', {})).queues[0]?.slots === 4);
});
