import t from 'tap';
import { createHome } from '../../../helpers/daemon.js';

t.test('ps and show', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const client = await home.connect();
  t.teardown(() => client.destroy());
  const emit = async (...events: Record<string, unknown>[]) => {
    for (const event of events) await client.call('emit', { event });
  };

  t.test('an empty list', async (t) => {
    t.strictSame(await home.invoke(['ps']), {
      status: 0,
      stdout: 'Nothing is running. progress ps --all shows what has ended.\n',
      stderr: '',
    });
    t.strictSame((await home.invoke(['ps', '-a'])).stdout, 'Nothing has run yet.\n');
    t.strictSame(JSON.parse((await home.invoke(['ps', '--json'])).stdout), []);
  });

  t.test('lists running executions, newest first; with --all finished ones too', async (t) => {
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
    const table = async (...args: string[]) =>
      (await home.invoke(['ps', ...args])).stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}/));
    const [heading, ...rows] = await table();
    t.strictSame(heading, ['ID', 'STATUS', 'NAME', 'PROGRESS', 'STEP', 'TIME']);
    t.strictSame(
      rows.map(([id, status, name]) => [id, status?.replace(/^\S+ | \d+s$/g, ''), name]),
      [
        ['cccc', 'waiting', 'asks'],
        ['bbbb', 'queued #1', 'later'],
        ['aaaa2', 'running', 'make -j4'],
        ['aaaa1', 'running', 'first'],
      ],
    );
    t.equal(rows[0]?.[3], 'may I?');
    t.match(rows[2]?.slice(3, 5), ['25% 1/4 files', 'compile']);
    const all = await table('--all');
    t.match(all[1], ['dddd', /failed$/, 'broken', 'no such file', '1.5s', '2']);
    t.equal(all.length, 6);
    const json = JSON.parse((await home.invoke(['ps', '--all', '--json'])).stdout) as Record<string, unknown>[];
    t.match(json[0], {
      id: 'dddd',
      status: 'failed',
      outcome: { exitCode: 2, error: 'no such file' },
      durationMs: 1500,
    });
    t.match(json[3], { steps: [{ id: 'cc', name: 'compile', status: 'running' }] });
  });

  t.test('shows current use of resources, and the peak after the end', async (t) => {
    const used = { cpu: 140.4, rss: 3 * 1024 ** 3, processes: 2, peakRss: 4 * 1024 ** 3, cpuSeconds: 75 };
    await emit(
      { type: 'execution_started', execution: 'eeee', name: 'hungry' },
      { type: 'resource_update', execution: 'eeee', ...used },
    );
    const row = async (...args: string[]) => {
      const [heading = '', ...rows] = (await home.invoke(['ps', ...args])).stdout.split('\n');
      return [heading, rows.find((line) => line.startsWith('eeee'))];
    };
    t.match(await row(), [/ CPU +MEMORY /, / 140% +3\.0 GiB /]);
    const fields = 'CPU 140% · 1:15 of CPU · memory 3.0 GiB · peak 4.0 GiB · 2 processes';
    t.match((await home.invoke(['show', 'eeee'])).stdout, new RegExp(`^resources +${fields}$`, 'm'));
    t.match(JSON.parse((await home.invoke(['show', '--json', 'eeee'])).stdout), { resources: used });
    await emit({ type: 'execution_completed', execution: 'eeee', cpuSeconds: 80.5, peakRss: 1 });
    t.match((await row('--all'))[1], /hungry +4\.0 GiB /);
    t.match(
      (await home.invoke(['show', 'eeee'])).stdout,
      /^resources +CPU up to [\d.]+% · 1:20 of CPU · peak 4\.0 GiB$/m,
    );
  });

  t.test('groups executions, with positions in queues', async (t) => {
    await emit(
      {
        type: 'execution_started',
        execution: 'ffff',
        name: 'now',
        queue: 'heavy',
        labels: { team: 'web', env: 'prod' },
      },
      { type: 'execution_queued', execution: 'gggg', name: 'last', queue: 'heavy', labels: { team: 'api' } },
    );
    const lines = async (...args: string[]) => (await home.invoke(['ps', ...args])).stdout.split('\n');
    const heavy = await lines('--by', 'queue');
    t.equal(heavy[1], 'heavy · 1 running · 2 queued');
    t.match(heavy.slice(2, 5), [/^gggg .*queued #2 /, /^ffff .*running /, /^bbbb .*queued #1 /]);
    t.match(heavy.slice(5, 7), ['', /^no queue · \d running$/]);
    const ofLabels = async (text: string) => (await lines('--by', text)).filter((line) => line.includes(' · '));
    t.strictSame((await ofLabels('label')).slice(0, 3), [
      'env=prod · 1 running',
      'team=api · 1 queued',
      'team=web · 1 running',
    ]);
    t.match(await ofLabels('label:env'), ['env=prod · 1 running', /^no label · /]);
    type Json = { by: string; name: string | null; running: number; queued: number; executions: { id: string }[] }[];
    const json = JSON.parse((await home.invoke(['ps', '--by=queue', '--json'])).stdout) as Json;
    t.match(json[0], { by: 'queue', name: 'heavy', running: 1, queued: 2, executions: [{ id: 'gggg' }, {}, {}] });
    t.equal(json[1]?.name, null);
    t.match(await home.invoke(['ps', '--by', 'name']), {
      status: 64,
      stderr: 'progress: --by: "name" is none of agent, queue, label, label:KEY',
    });
    await emit(...['ffff', 'gggg'].map((execution) => ({ type: 'execution_cancelled', execution })));
  });

  t.test('sorts by a key, and shows the columns that were asked for', async (t) => {
    await emit(
      { type: 'execution_started', execution: 'hhhh1', name: 'busy' },
      { type: 'resource_update', execution: 'hhhh1', cpu: 90 },
      { type: 'execution_started', execution: 'hhhh2', name: 'idle' },
      { type: 'resource_update', execution: 'hhhh2', cpu: 10 },
    );
    const lines = async (...args: string[]) => (await home.invoke(['ps', ...args])).stdout.trimEnd().split('\n');
    const names = async (sort: string) => (await lines('--columns', 'name,cpu', '--sort', sort)).slice(0, 3);
    t.match(await names('-cpu'), [/^NAME +CPU$/, /^busy +90%$/, /^idle +10%$/]);
    t.match(await names('cpu'), [/^NAME/, /^idle/, /^busy/]);
    type Json = { id: string }[];
    const json = JSON.parse((await home.invoke(['ps', '--json', '--sort', '-cpu'])).stdout) as Json;
    t.match(json, [{ id: 'hhhh1' }, { id: 'hhhh2' }]);
    for (const [args, error] of [
      [['--sort', 'age'], /--sort: "age" is none of name, status, elapsed,.* or one of them after a minus/],
      [['--columns', 'name,age'], /--columns: "age" is none of id, status, name,/],
      [['--columns', 'name,name'], /--columns: "name" is named twice/],
      [['--watch', 'often'], /--watch: "often" is not a number of seconds from 0\.1 to 3600/],
      [['--watch'], /--watch needs a terminal; 'progress watch' prints changes as lines/],
      [['--watch', '--json'], /--json excludes --columns and --watch/],
    ] as const)
      t.match(await home.invoke(['ps', ...args]), { status: 64, stderr: error });
    await emit(...['hhhh1', 'hhhh2'].map((execution) => ({ type: 'execution_completed', execution })));
  });

  t.test('cuts nothing in a pipe', async (t) => {
    const name = 'a name that is longer than any terminal is wide '.repeat(5).trim();
    await emit({ type: 'execution_started', execution: 'iiii', name });
    t.match((await home.invoke(['ps'])).stdout, name);
    await emit({ type: 'execution_completed', execution: 'iiii' });
  });

  t.test('the printed prefix finds the execution', async (t) => {
    await emit({ type: 'execution_started', execution: 'dddd9' });
    const shown = (await home.invoke(['ps'])).stdout.split('\n')[1]?.split(' ')[0] ?? '';
    t.match(await home.invoke(['show', '--json', shown]), { status: 0, stdout: /"id": "dddd9"/ });
    await emit({ type: 'execution_completed', execution: 'dddd9' });
  });

  t.test('show prints everything, and finds executions by ID, prefix or name', async (t) => {
    await emit({
      type: 'step_completed',
      execution: 'aaaa2222',
      step: 'cc',
      role: 'compiler',
      model: 'gcc',
      durationMs: 250,
    });
    const { status, stdout } = await home.invoke(['show', 'aaaa2']);
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
    t.match(await home.invoke(['show', 'aaaa']), {
      status: 64,
      stderr: /"aaaa" is ambiguous \(aaaa2222, aaaa1111\): use more characters of the ID/,
    });
    t.match(await home.invoke(['show', 'zzzz']), { status: 66, stderr: 'progress: no execution "zzzz"' });
    t.match(JSON.parse((await home.invoke(['show', '--json', 'broken'])).stdout), {
      id: 'dddd',
      outcome: { exitCode: 2 },
    });
    t.match((await home.invoke(['show', '\u001b[31m\u009b'])).stderr, /^progress: no execution "\\u001b\[31m/);
    t.notMatch((await home.invoke(['show', '\u009b2J'])).stderr, '\u009b');
  });
});

t.test('hundreds of executions are listed page by page', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const lines = Array.from({ length: 1_500 }, (_, n) => `{"type":"execution_started","execution":"many-${n}"}\n`);
  await home.invoke(['emit', '--stdin', '--wait'], { input: lines.join('') });
  const listed = JSON.parse((await home.invoke(['ps', '--json'])).stdout) as { id: string }[];
  t.strictSame(
    listed.map(({ id }) => id),
    Array.from({ length: 1_500 }, (_, n) => `many-${1_499 - n}`),
  );
});
