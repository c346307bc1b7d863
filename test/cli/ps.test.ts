import t from 'tap';
import { createHome } from '../helpers/daemon.js';

t.test('ps and show', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const client = await home.connect();
  t.teardown(() => client.destroy());
  const emit = async (...events: Record<string, unknown>[]) => {
    for (const event of events) await client.call('emit', { event });
  };

  t.test('nothing runs', (t) => {
    t.strictSame(home.progress(['ps']), {
      status: 0,
      stdout: 'Nothing is running. progress ps --all shows what has ended.\n',
      stderr: '',
    });
    t.strictSame(home.progress(['ps', '-a']).stdout, 'Nothing has run yet.\n');
    t.strictSame(JSON.parse(home.progress(['ps', '--json']).stdout), []);
    t.end();
  });

  t.test('what runs, the newest first; with --all what has ended too', async (t) => {
    await emit(
      { type: 'execution_started', execution: 'aaaa1111', name: 'first' },
      { type: 'execution_started', execution: 'aaaa2222', argv: ['make', '-j4'] },
      { type: 'progress', execution: 'aaaa2222', current: 1, total: 4, unit: 'files' },
      { type: 'step_started', execution: 'aaaa2222', step: 'cc', name: 'compile' },
      { type: 'execution_queued', execution: 'bbbb', name: 'later', queue: 'heavy' },
      { type: 'execution_started', execution: 'cccc', name: 'asks' },
      { type: 'attention', execution: 'cccc', state: 'waiting', reason: 'may I?' },
      { type: 'execution_started', execution: 'dddd', name: 'broken' },
      { type: 'execution_failed', execution: 'dddd', exitCode: 2, error: 'no such file', durationMs: 1500 },
    );
    const table = (...args: string[]) =>
      home
        .progress(['ps', ...args])
        .stdout.trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}/));
    const [heading, ...rows] = table();
    t.strictSame(heading, ['ID', 'STATUS', 'NAME', 'PROGRESS', 'STEP', 'TIME']);
    t.strictSame(
      rows.map(([id, status, name]) => [id, status?.replace(/^\S+ /, ''), name]),
      [
        ['cccc', 'waiting', 'asks'],
        ['bbbb', 'queued', 'later'],
        ['aaaa2', 'running', 'make -j4'],
        ['aaaa1', 'running', 'first'],
      ],
    );
    t.equal(rows[0]?.[3], 'may I?');
    t.match(rows[2]?.slice(3, 5), ['25% 1/4 files', 'compile']);
    const all = table('--all');
    t.match(all[1], ['dddd', /failed$/, 'broken', 'no such file', '1.5s', '2']);
    t.equal(all.length, 6);
    const json = JSON.parse(home.progress(['ps', '--all', '--json']).stdout) as Record<string, unknown>[];
    t.match(json[0], { id: 'dddd', status: 'failed', exitCode: 2, error: 'no such file', durationMs: 1500 });
    t.match(json[3], { steps: [{ id: 'cc', name: 'compile', status: 'running' }] });
  });

  t.test('the prefix that stands there is one that is understood', async (t) => {
    await emit({ type: 'execution_started', execution: 'dddd9' });
    const shown = home.progress(['ps']).stdout.split('\n')[1]?.split(' ')[0] ?? '';
    t.match(home.progress(['show', '--json', shown]), { status: 0, stdout: /"id": "dddd9"/ });
    await emit({ type: 'execution_completed', execution: 'dddd9' });
  });

  t.test('show tells everything, and keeps the rules for ids', async (t) => {
    await emit({
      type: 'step_completed',
      execution: 'aaaa2222',
      step: 'cc',
      role: 'compiler',
      model: 'gcc',
      durationMs: 250,
    });
    const { status, stdout } = home.progress(['show', 'aaaa2']);
    t.equal(status, 0);
    for (const pattern of [
      /^make -j4$/m,
      /^id +aaaa2222$/m,
      /^status +\S+ running$/m,
      /^command +make -j4$/m,
      /^progress +25% 1\/4 files$/m,
      /compile.*0\.3s.*compiler.*gcc|compile.*compiler gcc/,
    ])
      t.match(stdout, pattern);
    t.match(home.progress(['show', 'aaaa']), {
      status: 64,
      stderr: /"aaaa" may be aaaa2222, aaaa1111: write more of the id/,
    });
    t.match(home.progress(['show', 'zzzz']), { status: 66, stderr: 'progress: no execution "zzzz"' });
    t.match(JSON.parse(home.progress(['show', '--json', 'broken']).stdout), { id: 'dddd', exitCode: 2 });
    t.match(home.progress(['show', '\u001b[31m\u009b']).stderr, /^progress: no execution "\\u001b\[31m/);
    t.notMatch(home.progress(['show', '\u009b2J']).stderr, '\u009b');
  });
});

t.test('hundreds of executions are listed page by page', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const lines = Array.from({ length: 1_500 }, (_, n) => `{"type":"execution_started","execution":"many-${n}"}\n`);
  home.progress(['emit', '--stdin', '--wait'], { input: lines.join('') });
  const listed = JSON.parse(home.progress(['ps', '--json']).stdout) as { id: string }[];
  t.strictSame(
    listed.map(({ id }) => id),
    Array.from({ length: 1_500 }, (_, n) => `many-${1_499 - n}`),
  );
});
