import t from 'tap';
import { createHome } from '../helpers/daemon.js';
import { recordings, replay } from '../helpers/replay.js';

t.test('a session of an agent can be read afterwards, whole and in short', async (t) => {
  const { content } = recordings().find(({ name }) => name === 'claude-stream/rec-2.1.197-full.jsonl')!;
  const home = createHome(t);
  await home.startDaemon();
  const client = await home.connect();
  const start = { type: 'execution_started', data: { name: 'agent', kind: 'run' } };
  const end = { type: 'execution_completed', data: { exitCode: 0, durationMs: 1_000 } };
  for (const event of [start, ...replay([content], { stepMs: 100 }).events, end]) {
    await client.call('emit', { event: { execution: 'session-1', ...event } });
  }
  await client.close();

  const { stdout } = await home.invoke(['show', '--transcript', 'agent']);
  t.match(stdout, /^claude · claude-opus-4-8\[1m\] · \/home\/user\/demo3\n/);
  t.match(stdout, /\n▸ Agent: Count text files\n {2}» SUBAGENT-TASK: .*\n {2}▸ Bash: ls \*\.txt \| wc -l\n {4}2\n/);
  t.match(stdout, /\n1\.2s · 12,208 tokens, \$0\.05\n✓ completed in 1\.0s\n$/);
  t.notMatch(stdout, '{"type"', 'no line of JSON');

  const short = (await home.invoke(['show', 'agent'])).stdout;
  t.match(short, /\nagent +claude claude-opus-4-8\[1m\]\nsession +f753fb96-/);
  t.match(short, /\nspent +12,208 tokens · \$0\.05\n/);
  t.match(
    short,
    /\n. Agent: Count text files.*\n {2}. Bash: ls \*\.txt \| wc -l/,
    'its sub-agent’s call lies in its call',
  );
  t.match((await home.invoke(['logs', 'agent'])).stdout, /▸ Bash: ls -1/);
  t.match((await home.invoke(['watch', 'agent'])).stdout, /\S+Z session-1 +activity +tool-call Bash: ls -1\n/);

  const wrong = await home.invoke(['show', '--transcript', '--json', 'agent']);
  t.equal(wrong.status, 64);
  t.equal((await home.invoke(['show', '--transcript', 'nobody'])).status, 66);
});
