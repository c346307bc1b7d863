import t from 'tap';
import { createHome } from '../../helpers/daemon.js';
import { recordings, replay } from '../../helpers/replay.js';
import { sentOf } from '../../helpers/vocabularies.js';

t.test('prints a finished session of an agent, complete and summarised', async (t) => {
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
  t.match(stdout, /^\d\d:\d\d:\d\d claude · claude-opus-4-8\[1m\] · \/home\/user\/demo3\n/);
  t.match(
    stdout,
    / ▸ Agent: Count text files\n[\d:]{8} {3}» SUBAGENT-TASK: .*\n[\d:]{8} {3}▸ Bash: ls \*\.txt \| wc -l\n[\d:]{8} {5}2\n/,
  );
  t.match(stdout, /\n[\d:]{8} 1\.2s · 12,208 tokens · \$0\.05\n[\d:]{8} ✓ completed in 1\.0s\n$/);
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
  t.match((await home.invoke(['watch', 'agent'])).stdout, /^\S+ activity +tool-call Bash: ls -1$/m);

  const wrong = await home.invoke(['show', '--transcript', '--json', 'agent']);
  t.equal(wrong.status, 64);
  t.equal((await home.invoke(['show', '--transcript', 'nobody'])).status, 66);
});

t.test('--timeline prints the events of an execution in order, with an icon for each kind', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const client = await home.connect();
  for (const event of sentOf('stories', 'stories-rest', 'executions', 'invocations'))
    await client.call('emit', { event });
  await client.close();
  const timelineOf = async (id: string) =>
    (await home.invoke(['show', '--timeline', id])).stdout.replaceAll(/^\d\d:\d\d:\d\d /gm, '').split('\n');

  t.match(await timelineOf('REL-7'), [
    '▶ start Release 2.4 total=3',
    '▶ story 1/3 "US-1 · Tag the release" started',
    '✓ criterion 1/1 "Version is bumped" completed 1.2s',
    '✓ criterion 2/2 "Tag is pushed" completed 0.8s',
    '✓ story 1/3 "US-1 · Tag the release" completed 2.4s c0ffee1',
    '▶ story 2/3 "US-2 · Publish the packages" started',
    '✓ criterion 1/4 "Build all targets" completed 5.0s',
    '✗ timeout: The signing service timed out after 30 s (retryable)',
    '✓ criterion 2/4 "Sign artifacts" completed 7.0s',
    '✗ story 2/3 "US-2 · Publish the packages" failed 20s',
    '▶ story 3/3 "US-3 · Write the notes" started',
    '✓ story 3/3 "US-3 · Write the notes" completed 1.0s',
    /^✗ end failed after=\S+ 1 story failed$/,
    '',
  ]);
  t.match(await timelineOf('exec-42'), [
    '▶ start nightly-report total=3',
    '▶ step 1/3 "Fetch" started',
    '│ | $ fetch --all',
    '∿ resources cpu=86% rss=100 MiB',
    '✓ step 1/3 "Fetch" completed 12s',
    '▶ step 2/3 "Render" started',
    '✗ step 2/3 "Render" failed 3.0s template not found',
    '▲ retrying with the default template {"attempt":2}',
    '▶ step 2/3 "Render" started',
    '✓ step 2/3 "Render" completed 3.0s',
    '- step 3/3 "Mail" skipped',
    '✓ end completed after=18s',
    '',
  ]);
  t.match(await timelineOf('T-1'), [
    '▶ start Verify e-mail sign-in',
    '▶ invocation "coder · codex · gpt-5" started',
    "⚡ tool-call rg -n 'verified' src/",
    '⚡ tool-call cat src/auth.ts',
    '│ | 2 files changed',
    '✗ lint failed once',
    '✓ invocation "coder · codex · gpt-5" completed 3:30',
    '! attention waiting review',
    '▶ invocation "reviewer · claude · opus" started',
    '✗ invocation "reviewer · claude · opus" failed 30s rejected: no test',
    '✗ end failed after=4:04',
    '',
  ]);
  for (const other of ['--json', '--transcript'])
    t.equal((await home.invoke(['show', '--timeline', other, 'T-1'])).status, 64);
});

t.test('--timeline orders late events by their time, and so does show', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const client = await home.connect();
  const at = (seconds: number) => `2026-11-30T10:00:${String(seconds).padStart(2, '0')}.000Z`;
  for (const [seconds, type, step] of [
    [0, 'execution_started'],
    [10, 'step_started', 'one'],
    [20, 'step_completed', 'one'],
    [50, 'execution_completed'],
    [30, 'step_started', 'two'],
    [40, 'step_failed', 'two'],
  ] as const)
    await client.call('emit', { event: { type, execution: 'late', time: at(seconds), ...(step && { step }) } });
  await client.close();
  const lines = (await home.invoke(['show', '--timeline', 'late'])).stdout.split('\n');
  t.strictSame(
    lines.map((line) => line.slice(6, 8)),
    ['00', '10', '20', '30', '40', '50', ''],
  );
  t.match((await home.invoke(['show', 'late'])).stdout, /✗ two +failed +10s/);
});
