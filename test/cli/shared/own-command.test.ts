import t from 'tap';
import { createHome } from '../../helpers/daemon.js';
import { collectOutput } from '../../helpers/output.js';
import { waitFor } from '../../helpers/wait.js';

/** A command of a hooked shell in process `pid`. */
const typed = (execution: string, pid: number, data: Record<string, unknown> = {}) => ({
  type: 'execution_started',
  execution,
  ...{ name: `line ${execution}`, kind: 'command', pid, ...data },
});

async function open(...events: Record<string, unknown>[]) {
  const home = createHome(t);
  await home.startDaemon();
  const client = await home.connect();
  for (const event of events) await client.call('emit', { event });
  await client.close();
  return home;
}

t.test('a list excludes its own command line, and not that of another shell', async (t) => {
  const home = await open(
    { type: 'execution_started', execution: 'run-1', name: 'build', kind: 'run', pid: process.ppid },
    typed('outer', process.pid),
    typed('other', 1),
    typed('older', process.ppid, { name: 'resumed by bg' }),
    typed('own', process.ppid),
    { type: 'execution_started', execution: 'remote', kind: 'command', pid: process.ppid, host: 'elsewhere' },
  );
  const ids = async (args: string[], env = {}) => {
    const { stdout } = await home.invoke([...args, '--json'], { env });
    return (JSON.parse(stdout) as { id: string }[]).map(({ id }) => id).sort();
  };
  const all = ['older', 'other', 'outer', 'own', 'remote', 'run-1'];
  t.strictSame(await ids(['ps']), ['older', 'other', 'outer', 'remote', 'run-1']);
  t.strictSame(await ids(['ps', '--all']), all);
  t.match((await home.invoke(['show', 'own'])).stdout, 'line own', 'its ID finds it');
  const hooked = { PROGRESS_COMMAND: 'other' };
  t.strictSame(await ids(['ps'], hooked), ['older', 'outer', 'own', 'remote', 'run-1'], 'a hook says which');
  t.strictSame(await ids(['ps'], { PROGRESS_COMMAND: '' }), all, 'or that the line is not recorded');
});

t.test('logs exclude their own command line unless requested', async (t) => {
  const home = await open(typed('other', 1), typed('own', process.ppid));
  const logs = async (...args: string[]) => (await home.invoke(['logs', '--type', 'all', ...args])).stdout;
  const everything = /line other[^]*line own/;
  t.match(await logs(), 'line other');
  t.notMatch(await logs(), 'line own');
  t.notMatch(await logs('--tail', '5'), 'line own');
  t.match(await logs('--all'), everything);
  t.match(await logs('own'), 'line own');
  t.match(await logs('--name', 'line o*'), everything);
});

t.test('watch excludes its own command line, whose start comes late', async (t) => {
  const home = await open(typed('other', 1));
  const child = home.spawn(['watch'], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.teardown(() => child.kill('SIGKILL'));
  const output = collectOutput(child);
  await waitFor('the backlog', () => output.stdout.includes('line other'));
  const before = new Date(Date.now() - 3_600_000).toISOString();
  const client = await home.connect();
  for (const event of [
    { ...typed('own', process.pid), time: before },
    { type: 'log', execution: 'own', message: 'of its own' },
    { type: 'log', execution: 'other', message: 'of the other' },
  ])
    await client.call('emit', { event });
  await client.close();
  await waitFor('what follows', () => output.stdout.includes('of the other'));
  t.notMatch(output.stdout, /line own|of its own/);
});
