import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import type { Home } from '../../../helpers/daemon.js';
import { createHome } from '../../../helpers/daemon.js';
import { collectOutput } from '../../../helpers/output.js';
import { waitFor } from '../../../helpers/wait.js';

async function emit(home: Home, ...events: Record<string, unknown>[]): Promise<void> {
  const client = await home.connect();
  for (const event of events) await client.call('emit', { event });
  await client.close();
}

const output = (text: string, more = {}) => ({ type: 'output', execution: 'build-1', stream: 'stdout', text, ...more });
const message = (message: string, level = 'info', more = {}) => ({
  type: 'log',
  execution: 'build-1',
  message,
  level,
  ...more,
});

/** An execution with every kind of event, and another one. */
async function open(t: Test) {
  const home = createHome(t);
  const daemon = await home.startDaemon();
  await emit(
    home,
    { type: 'execution_started', execution: 'build-1', name: 'build', time: '2026-11-20T10:00:00Z' },
    output('one\ntwo', { time: '2026-11-20T10:00:01Z' }),
    output('bad', { stream: 'stderr', step: 'compile', time: '2026-11-20T10:00:02Z' }),
    message('fine', 'debug', { time: '2026-11-20T10:00:03Z' }),
    message('hm', 'warning', { step: 'compile', time: '2026-11-20T11:00:00Z' }),
    { type: 'output', execution: 'other', stream: 'stdout', text: 'else', time: '2026-11-20T11:00:01Z' },
    { type: 'progress', execution: 'build-1', current: 1, total: 2, time: '2026-11-20T11:00:02Z' },
    output('last', { unterminated: true }),
  );
  return { home, daemon, logs: (...args: string[]) => home.invoke(['logs', ...args]) };
}

const BUILD = 'one\ntwo\nbad\ndebug: fine\nwarning: hm\nlast';

t.test('prints output of one execution unchanged, and messages with their level', async (t) => {
  const { logs } = await open(t);
  for (const id of ['build-1', 'build', 'bu'])
    t.strictSame(await logs(id), { status: 0, stdout: BUILD, stderr: '' }, id);
  t.match(await logs('nothing'), { status: 66, stderr: 'progress: no execution "nothing"' });
});

t.test('lines of both outputs of a command are printed in the order in which it wrote them', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const gate = path.join(home.directory, 'gate');
  const order = ['out 1', 'err 2', 'out 3', 'err 4'];
  // each line waits until the previous one was read, since lines that are read together have no order
  const script = order
    .map((line, index) => {
      const write = `echo ${line} ${line.startsWith('err') ? '>&2' : ''}`;
      return index === 0 ? write : `while [ ! -e ${gate}${index} ]; do sleep 0.05; done; ${write}`;
    })
    .join('; ');
  const id = home.progress(['run', '--detach', '--', 'sh', '-c', script]).stdout.trim();
  for (const [index, line] of order.entries()) {
    await waitFor(line, async () => (await home.invoke(['logs', id])).stdout.includes(line));
    writeFileSync(`${gate}${index + 1}`, '');
  }
  t.equal((await home.invoke(['logs', id])).stdout, order.map((line) => `${line}\n`).join(''));
  t.equal((await home.invoke(['logs', id, '--stream', 'stderr'])).stdout, 'err 2\nerr 4\n');
});

t.test('silence of an execution is printed only on request', async (t) => {
  const { home, logs } = await open(t);
  await emit(home, { type: 'attention', execution: 'build-1', state: 'silent', reason: 'nothing heard for 2:00' });
  for (const args of [[], ['build'], ['--type', 'all'], ['build', '--type', 'all']])
    t.notMatch((await logs(...args)).stdout, 'nothing heard', args.join(' '));
  t.match((await logs('build', '--type', 'attention')).stdout, /quiet +nothing heard for 2:00\n$/);
  t.match((await logs('build', '--type', 'all', '--json')).stdout, '"nothing heard for 2:00"');
});

t.test('--raw prints the original output: text, bytes, and the lines that events were parsed from', async (t) => {
  const { home, logs } = await open(t);
  const activity = { type: 'activity', execution: 'build-1', kind: 'assistant-text', text: 'short' };
  await emit(
    home,
    output('\n', { unterminated: true }),
    output('{"ping":1}', { stream: 'debug' }),
    { ...activity, raw: '{"text":"short"}' },
    { type: 'log', execution: 'build-1', message: 'retrying', raw: '{"retry":1}' },
    { ...activity, text: 'of another producer' },
    { type: 'output', execution: 'build-1', stream: 'stdout', base64: Buffer.from([0xff, 0]).toString('base64') },
    { ...activity, raw: '{"text":"cut"}', unterminated: true },
  );
  const written = 'one\ntwo\nlast\n{"ping":1}\n{"text":"short"}\n{"retry":1}\n\ufffd\0\n{"text":"cut"}';
  t.strictSame(await logs('build-1', '--raw'), { status: 0, stdout: written, stderr: '' });
  t.match(await logs('--raw'), { status: 64, stderr: /--raw needs an ID, and excludes --json/ });
  t.match(await logs('build-1', '--raw', '--json'), { status: 64 });
});

t.test('without an ID each line names its execution', async (t) => {
  const { logs } = await open(t);
  const lines = (await logs()).stdout.trimEnd().split('\n');
  t.equal(lines[0], '2026-11-20T10:00:01Z build-1    stdout     | one');
  t.equal(lines[5], '2026-11-20T11:00:01Z other      stdout     | else');
});

t.test('all conditions must hold', async (t) => {
  const { logs } = await open(t);
  const cases: [string[], string][] = [
    [['--stream', 'stderr'], 'bad\ndebug: fine\nwarning: hm\n'],
    [['--level', 'warning'], 'one\ntwo\nbad\nwarning: hm\nlast'],
    [['--level', 'error', '--stream', 'stderr'], 'bad\n'],
    [['--step', 'compile'], 'bad\nwarning: hm\n'],
    [['--type', 'log'], 'debug: fine\nwarning: hm\n'],
    [['--type', 'log', '--type', 'output', '--level', 'warning', '--stream', 'none'], 'warning: hm\n'],
    [['--type', 'log,output', '--step', 'compile', '--grep', '^h'], 'warning: hm\n'],
    [['--grep', 'one|last'], 'one\nlast'],
    [['--grep', '^two$'], 'two\n'],
    [['--grep', 'TWO', '-i'], 'two\n'],
    [['--grep', '[a-z]{4}', '-v'], 'one\ntwo\nbad\nwarning: hm\n'],
    [['--grep', 'bad', '-A', '1'], 'bad\ndebug: fine\n'],
    [['--grep', 'bad', '-B', '1'], 'two\nbad\n'],
    [['--grep', 'one|hm', '-C', '1'], 'one\ntwo\n--\ndebug: fine\nwarning: hm\nlast'],
    [['--grep', 'one|bad', '-C', '1'], 'one\ntwo\nbad\ndebug: fine\n'],
    [['--grep', 'one|bad|hm', '-C', '0'], 'one\nbad\nwarning: hm\n'],
    [['--grep', 'o', '--count'], '2\n'],
    [['--grep', 'o', '--count', '--json'], '{"count":1}\n'],
    [['--count'], '6\n'],
    [['--grep', 'a', '--tail', '1'], 'last'],
    [['--grep', 'b|o', '--tail', '2', '-C', '1'], 'bad\ndebug: fine\n'],
    [['--tail', '1'], 'last'],
    [['--tail', '2'], 'warning: hm\nlast'],
    [['--tail', '0'], ''],
    [['--tail', '5'], 'two\nbad\ndebug: fine\nwarning: hm\nlast'],
    [['--tail', '2', '--since', '1d', '--until', '2026-11-20T10:30:00Z'], ''],
    [['--until', '2026-11-20T10:00:02Z'], 'one\ntwo\n'],
    [['--since', '2026-11-20T10:00:02Z', '--until', '2026-11-20T10:00:03Z'], 'bad\n'],
    [['--name', 'bu*'], BUILD],
    [['--name', 'other*'], ''],
    [['--tail', '2', '--stream', 'stderr'], 'debug: fine\nwarning: hm\n'],
    [['--since', '2026-11-20T10:30:00Z'], 'warning: hm\nlast'],
    [['--since', '2026-11-20T12:30:00+02:00'], 'warning: hm\nlast'],
    [['--since', '99999d'], BUILD],
    [['--since', '0s'], ''],
  ];
  for (const [args, stdout] of cases)
    t.strictSame(await logs('build', ...args), { status: 0, stdout, stderr: '' }, args.join(' '));
  const nothing = ['\\p{Lu}', 'TWO', 'on?e!'];
  for (const grep of nothing)
    t.strictSame(await logs('build', '--grep', grep), { status: 1, stdout: '', stderr: '' }, `${grep} is not found`);
  t.match(await logs('build', '--grep', 'x', '--count'), { status: 1, stdout: '0\n' });
  const progress = (await logs('build', '--type', 'all', '--grep', '"total":2')).stdout;
  t.match(progress, / progress +50% 1\/2/);
});

t.test('--json prints events as in the journal', async (t) => {
  const { logs, home } = await open(t);
  const journal = (await home.invoke(['logs', '--type', 'all', '--json'])).stdout;
  t.equal(journal.split('\n').length, 9);
  for (const line of journal.trim().split('\n'))
    t.match(JSON.parse(line), { seq: Number, time: String, type: String, data: Object });
  t.match(
    JSON.parse((await logs('build', '--json', '--tail', '1')).stdout),
    output('last').execution === 'build-1' ? { data: { text: 'last' } } : {},
  );
});

t.test('works without a daemon, with or without a checkpoint, by ID, prefix or name', async (t) => {
  const { logs, daemon, home } = await open(t);
  await daemon.kill('SIGTERM');
  for (const id of ['build-1', 'build', 'bu'])
    t.strictSame(await logs(id), { status: 0, stdout: BUILD, stderr: '' }, id);
  rmSync(home.paths.checkpoint);
  for (const id of ['build-1', 'build', 'bu'])
    t.strictSame(await logs(id), { status: 0, stdout: BUILD, stderr: '' }, id);
  t.equal((await logs('nothing')).status, 66);
  t.match(await home.invoke(['daemon', 'status']), { status: 69 }, 'and none was started');
  const empty = createHome(t);
  t.strictSame(await empty.invoke(['logs']), { status: 0, stdout: '', stderr: '' });
  t.equal((await empty.invoke(['logs', 'x'])).status, 66);
});

t.test('compressed segments are read like any other', async (t) => {
  const home = createHome(t);
  writeFileSync(home.paths.config, 'journal: { segmentSize: 64KiB }\n');
  const daemon = await home.startDaemon();
  await emit(home, { type: 'execution_started', execution: 'long' }, { type: 'execution_started', execution: 'pad' });
  for (let n = 0; n < 40; n++) {
    await emit(
      home,
      { type: 'output', execution: 'long', text: `line ${n}` },
      { type: 'output', execution: 'pad', text: 'p'.repeat(10_000) },
    );
  }
  const archives = () => readdirSync(home.paths.journal).filter((name) => name.endsWith('.jsonl.gz'));
  await waitFor('compression', () => archives().length >= 3);
  const expected = Array.from({ length: 40 }, (_, n) => `line ${n}\n`).join('');
  t.equal((await home.invoke(['logs', 'long'])).stdout, expected);
  await daemon.kill();
  t.equal((await home.invoke(['logs', 'long'])).stdout, expected);
  t.equal(
    (await home.invoke(['logs', 'long', '--tail', '3', '--grep', '[05]$'])).stdout,
    'line 25\nline 30\nline 35\n',
  );
});

t.test('-f follows new events until the execution ends', async (t) => {
  const { home, daemon } = await open(t);
  const child = home.spawn(['logs', '-f', 'build', '--tail', '1', '--level', 'info'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed = collectOutput(child);
  await waitFor('the past', () => printed.stdout === 'last');
  await emit(home, output(' word'), message('unseen', 'debug'), { type: 'output', execution: 'other', text: 'unseen' });
  await waitFor('what came', () => printed.stdout === 'last word\n');
  await daemon.kill();
  await waitFor('the complaint', () => printed.stderr.includes('trying again'));
  await home.startDaemon();
  await emit(home, output('after the restart'), { type: 'execution_completed', execution: 'build-1' });
  const { status, stdout } = await printed.ended;
  t.equal(status, 0);
  t.equal(stdout, 'last word\nafter the restart\n');
  const over = await home.invoke(['logs', '-f', 'build', '--tail', '1']);
  t.strictSame(over, { status: 0, stdout: 'after the restart\n', stderr: '' }, 'of what is over nothing more comes');
});

t.test('control sequences are kept when the output is not a terminal', async (t) => {
  const { home, logs } = await open(t);
  await emit(
    home,
    { type: 'execution_started', execution: 'esc' },
    { type: 'output', execution: 'esc', text: '\u001b[31mred\u001b[0m \u001b]0;title\u0007' },
  );
  t.equal((await logs('esc')).stdout, '\u001b[31mred\u001b[0m \u001b]0;title\u0007\n');
  t.notMatch((await logs()).stdout, '\u001b', 'in lines that are ours they are shown');
});

t.test('contradicting options are refused', async (t) => {
  const logs = (...args: string[]) => createHome(t).invoke(['logs', ...args]);
  const cases: [string[], RegExp][] = [
    [['-i'], /need --grep/],
    [['-v'], /need --grep/],
    [['-C', '2'], /need --grep/],
    [['--grep', '('], /--grep: "\(": is no regular expression/],
    [['--grep', '(?=x)'], /--grep/],
    [['--grep', 'x', '-A', 'many'], /--after-context must be a whole number from 0 to 10000/],
    [['--tail', '100001'], /--tail must be a whole number/],
    [['--tail', '3', '--count'], /exclude each other/],
    [['-f', '--until', 'now'], /--follow excludes --until and --count/],
    [['--since', 'soon'], /--since: "soon" is not a time/],
    [['--until', '1970'], /--until: "1970" is not a time/],
    [['--label', 'team'], /--label: "team" is not key=value/],
  ];
  for (const [args, stderr] of cases) t.match(await logs(...args), { status: 64, stdout: '', stderr }, args.join(' '));
});

t.test('labels and names are those of the execution, also of one that is no longer in memory', async (t) => {
  const home = createHome(t);
  writeFileSync(home.paths.config, 'memory: { ended: 1, summaries: 1 }\n');
  const daemon = await home.startDaemon();
  const teams = ['infra', 'infra-eu', 'web', 'infra', 'web'];
  for (const [n, team] of teams.entries()) {
    const execution = `job-${n}`;
    await emit(
      home,
      { type: 'execution_started', execution, name: `nightly ${n}`, labels: { team } },
      { type: 'output', execution, text: `by ${n}\nand more` },
      { type: 'execution_completed', execution },
    );
  }
  await emit(home, { type: 'output', execution: 'unlabelled', text: 'by nobody' });
  const found = async (...args: string[]) =>
    [...(await home.invoke(['logs', '--grep', 'by', '--json', ...args])).stdout.matchAll(/"execution":"([^"]*)"/g)].map(
      ([, id]) => id,
    );
  for (const when of ['with a daemon', 'without']) {
    t.strictSame(await found('--label', 'team=infra'), ['job-0', 'job-3'], when);
    t.strictSame(await found('--label', 'team=infra*'), ['job-0', 'job-1', 'job-3'], when);
    t.strictSame(await found('--label', 'team=infra*', '--label', 'team=*eu'), ['job-1'], when);
    t.strictSame(await found('--name', 'nightly ?', '--label', 'team=web'), ['job-2', 'job-4'], when);
    t.strictSame(await found('--label', 'branch=*'), [], when);
    if (when !== 'without') await daemon.kill();
  }
});

t.test('-f follows across rotation and compression, with a search', async (t) => {
  const home = createHome(t);
  writeFileSync(home.paths.config, 'journal: { segmentSize: 64KiB }\n');
  await home.startDaemon();
  await emit(home, { type: 'execution_started', execution: 'long' }, output('hit 0', { execution: 'long' }));
  const child = home.spawn(['logs', '-f', 'long', '--grep', '^HIT', '-i'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const printed = collectOutput(child);
  await waitFor('the past', () => printed.stdout === 'hit 0\n');
  for (let n = 1; n <= 20; n++) {
    await emit(home, output(`miss\nhit ${n}`, { execution: 'long' }), output('p'.repeat(10_000), { execution: 'pad' }));
  }
  await waitFor('archives', () => readdirSync(home.paths.journal).filter((name) => name.endsWith('.gz')).length >= 2);
  await emit(home, { type: 'execution_completed', execution: 'long' });
  const { status, stdout } = await printed.ended;
  t.equal(status, 0);
  t.equal(stdout, Array.from({ length: 21 }, (_, n) => `hit ${n}\n`).join(''));
  t.equal((await home.invoke(['logs', 'long', '--grep', '^hit 1', '--count'])).stdout, '11\n');
});
