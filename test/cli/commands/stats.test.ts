import t from 'tap';
import { openWeb } from '../../helpers/http.js';

interface Named {
  name: string;
  kind: string;
  runs: number;
  details?: { estimates: { at: number; runs: number }[] };
}

t.test('statistics of finished executions, in a table, in detail, and over HTTP', async (t) => {
  const web = await openWeb(t, 'alerts: { desktop: false }\n');
  const { home, client } = web;
  const emit = async (event: object) => void (await client.call('emit', { event }));
  const time = (day: number, second: number) => new Date(Date.UTC(2026, 0, day, 0, 0, second)).toISOString();
  const build = async (day: number, status: string, more: object = {}) => {
    const execution = `b${day}`;
    await emit({ type: 'execution_started', execution, kind: 'run', name: 'build', time: time(day, 0) });
    for (const [step, from, to] of [
      ['compile', 0, 8],
      ['pack', 8, 10],
    ] as const) {
      await emit({ type: 'step_started', execution, step, time: time(day, from) });
      const isBroken = status === 'failed' && step === 'pack';
      const end = isBroken ? { type: 'step_failed', error: 'disk full' } : { type: 'step_completed' };
      await emit({ ...end, execution, step, time: time(day, to) });
    }
    await emit({ type: `execution_${status}`, execution, time: time(day, 10), ...more });
  };
  const stats = async (...args: string[]) => await home.invoke(['stats', ...args]);

  await t.test('an empty table', async (t) => {
    t.strictSame(await stats(), { status: 0, stdout: 'Nothing has finished yet.\n', stderr: '' });
    t.strictSame(JSON.parse((await stats('--json')).stdout), []);
  });

  for (const day of [1, 2, 3, 4, 5]) await build(day, 'completed', { cpuSeconds: 4, peakRss: 1_048_576 });
  await build(6, 'failed', { exitCode: 2 });
  await emit({ type: 'execution_started', execution: 'd1', kind: 'command', name: 'deploy', time: time(7, 0) });
  await emit({ type: 'execution_completed', execution: 'd1', time: time(7, 90) });

  await t.test('a table, the name that ended last first', async (t) => {
    const { stdout } = await stats();
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    t.strictSame(rows[0], ['NAME', 'KIND', 'RUNS', 'OK', 'MEDIAN', 'P90', 'LAST', 'AGO', 'TREND']);
    t.match(rows[1], ['deploy', 'command', '1', '100%', '1:30', '1:30', '✓ 1:30', /^\d+d$/, '█']);
    t.match(rows[2], ['build', 'run', '6', '83%', '10s', '10s', '✗ 10s', /^\d+d$/, '█████']);
    t.equal(rows.length, 3);
  });

  await t.test('--kind and --since choose executions', async (t) => {
    const chosen = async (...args: string[]) =>
      (JSON.parse((await stats('--json', ...args)).stdout) as Named[]).map(({ name, runs }) => [name, runs]);
    t.strictSame(await chosen('--kind', 'command'), [['deploy', 1]]);
    t.strictSame(await chosen('--since', '2026-01-05T00:00:00Z'), [
      ['deploy', 1],
      ['build', 2],
    ]);
    t.strictSame(await chosen('--since', '2026-02-01T00:00:00Z'), []);
    t.equal((await stats('--kind', 'agent')).stdout, 'Nothing of this kind and time has finished.\n');
    t.match(await stats('--since', 'noon'), { status: 64, stderr: /--since: "noon" is not a time/ });
  });

  await t.test('one name, also by the ID of an execution', async (t) => {
    const { status, stdout } = await stats('build');
    t.equal(status, 0);
    t.match(stdout, /^build\nkind +run\nruns +6 finished runs · 5 completed · 1 failed\nsuccess +83%\n/);
    t.match(stdout, /^resources peak memory 1.0 MiB \(p90 1.0 MiB\) · 4.0s of CPU/m);
    t.match(stdout, /^compile +5 +8.0s +8.0s +80%$/m);
    t.match(stdout, /^ +1 +pack +disk full +b6$/m);
    t.match(stdout, /^at 50% +2 +0.0% +0.0s +2\/2$/m);
    t.equal((await stats('b3')).stdout, stdout);
  });

  await t.test('an unknown name', async (t) => {
    const unknown = await stats('biuld');
    t.match(await stats(''), { status: 64, stderr: /a name that is not empty/ });
    t.match(unknown, { status: 66, stdout: '', stderr: /no execution is named "biuld"; did you mean "build"\?/ });
    t.match(await stats('xyz'), {
      status: 66,
      stderr: /no execution is named "xyz"; 'progress stats' lists the names/,
    });
    const other = await stats('build', '--kind', 'agent');
    t.match(other, { status: 66, stderr: /no execution "build" of this kind and time has finished/ });
    await emit({ type: 'execution_started', execution: 'o1', name: 'open' });
    t.match(await stats('open'), { status: 66, stderr: /no execution "open" has finished/ });
  });

  await t.test('the route has the same values', async (t) => {
    const { status, json } = await web.ask('/api/v1/stats?name=build');
    t.equal(status, 200);
    t.strictSame(json['names'], JSON.parse((await stats('build', '--json')).stdout));
    t.match((await web.ask('/api/v1/stats?limit=1')).json, { names: [{ name: 'deploy' }], more: 1 });
    t.equal((await web.ask('/api/v1/stats?name=nothing')).status, 404);
    t.equal((await web.ask('/api/v1/stats?since=noon')).status, 400);
  });
});
