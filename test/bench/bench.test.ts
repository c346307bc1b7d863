/** The benchmark harness: its arithmetic, its files, and its cleanup. */
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { ROOT } from '../helpers/daemon.js';
import { waitFor } from '../helpers/wait.js';

interface Figure {
  name: string;
  unit: string;
  better?: 'less' | 'more';
  median: number;
  samples: number[];
}
interface Row {
  old: number | undefined;
  new: number | undefined;
  ratio: number | undefined;
  verdict: string;
}
const { compare, formatValue, median, summarize } = (await import(path.join(ROOT, 'test/bench/figures.mjs'))) as {
  median: (values: number[]) => number;
  summarize: (runs: object[][]) => Figure[];
  compare: (before: Figure[], after: Figure[]) => Row[];
  formatValue: (value: number | undefined, unit: string) => string;
};
const { parseOptions } = (await import(path.join(ROOT, 'test/bench/options.mjs'))) as {
  parseOptions: (argv: string[], parts: string[]) => { parts: string[]; rounds: number };
};
const { identify, load } = (await import(path.join(ROOT, 'test/bench/measurement.mjs'))) as {
  identify: (root: string) => object;
  load: (file: string, quick: boolean) => object;
};

t.test('computes medians and keeps all samples of several runs', async (t) => {
  t.equal(median([3, 1, 2]), 2);
  t.equal(median([4, 1, 2, 3]), 2.5);
  const run = (value: number) => [{ name: 'a', unit: 'ms', better: 'less', value }];
  const [figure] = summarize([run(5), run(1), [], run(3)]);
  t.match(figure, { name: 'a', unit: 'ms', better: 'less', median: 3, samples: [5, 1, 3] });
});

t.test('a comparison has a verdict only if the samples show a difference', async (t) => {
  const figure = (samples: number[], more: object = {}): Figure => ({
    ...{ name: 'a', unit: 'ms', better: 'less' },
    ...{ samples, median: median(samples) },
    ...more,
  });
  const fast = figure([10, 11, 11, 12]);
  const slow = figure([20, 22, 22, 24]);
  const reference = { better: undefined };
  const cases: [string, Figure[], Figure[], Partial<Row>][] = [
    ['less is better', [slow], [fast], { old: 22, new: 11, ratio: 0.5, verdict: 'better' }],
    ['more is worse', [fast], [slow], { ratio: 2, verdict: 'worse' }],
    [
      'where more is better',
      [figure([1, 2, 1, 2], { better: 'more' })],
      [figure([3, 6, 3, 6], { better: 'more' })],
      { ratio: 3, verdict: 'better' },
    ],
    [
      'one run beyond the others proves nothing',
      [figure([10, 30, 30, 30])],
      [figure([9, 9, 9, 11])],
      { verdict: 'ranges overlap' },
    ],
    ['nor do three runs', [figure([10, 10, 10])], [figure([30, 30, 30])], { ratio: 3, verdict: 'too few runs' }],
    ['a reference is not judged', [figure([1, 1], reference)], [figure([2, 2], reference)], { verdict: 'reference' }],
    ['a difference below zero has no ratio', [figure([-1])], [figure([1])], { ratio: undefined }],
    ['new', [], [fast], { old: undefined, new: 11, ratio: undefined, verdict: 'not in both' }],
    ['removed', [fast], [], { old: 11, new: undefined, ratio: undefined, verdict: 'not in both' }],
    ['another unit', [figure([1], { unit: 's' })], [fast], { ratio: undefined, verdict: 'was in s' }],
  ];
  for (const [name, before, after, expected] of cases) t.match(compare(before, after), [expected], name);
});

t.test('values keep three digits', async (t) => {
  t.same(
    [0.1234, 12.34, 123.4, 12345.6, 7, undefined].map((value) => formatValue(value, 'ms')),
    ['0.12 ms', '12.3 ms', '123 ms', '12,346 ms', '7 ms', '-'],
  );
});

t.test('parses the command line', async (t) => {
  const parse = (...argv: string[]) => parseOptions(argv, ['a', 'b', 'c']);
  t.match(parse(), { parts: ['a', 'b', 'c'], rounds: 1, quick: false });
  t.match(parse('c', 'a', '--quick'), { parts: ['a', 'c'], quick: true });
  t.match(parse('--against', 'x'), { rounds: 5 });
  t.match(parse('--against', 'x', '--rounds', '7'), { rounds: 7 });
  t.throws(() => parse('d'), { message: "unknown part 'd'; the parts are a, b, c" });
  t.throws(() => parse('--rounds', '0'), { message: "--rounds must be a whole number of at least 1, not '0'" });
  t.throws(() => parse('--against', 'x', '--compare', 'y'), { message: /exclude each other/ });
  t.throws(() => parse('--fast'), { message: /--fast/ });
});
/** Processes whose temporary directory is this one, or is in it. */
function processesIn(directory: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`TMPDIR=${directory}`);
    } catch {
      return false; // it has ended
    }
  });
}

/** Runs benchmarks of the fixture in a temporary directory, whose path is short enough for sockets. */
function fixture(t: Test) {
  const directory = mkdtempSync(path.join(tmpdir(), 'progress-test-'));
  t.teardown(() => {
    for (const pid of processesIn(directory)) process.kill(pid, 'SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });
  const log = path.join(directory, 'log');
  const env = { ...process.env, TMPDIR: directory, BENCH_TEST_LOG: log, NODE_OPTIONS: '' };
  const argv = (...args: string[]) => [path.join(ROOT, 'test/fixtures/bench-parts.mjs'), ...args];
  return {
    directory,
    log,
    env,
    argv,
    run(args: string[], more: NodeJS.ProcessEnv = {}) {
      return spawnSync(process.execPath, argv(...args), {
        env: { ...env, ...more },
        encoding: 'utf8',
        timeout: 120_000,
      });
    },
    left: () => readdirSync(directory).filter((name) => name.startsWith('progress-bench-')),
  };
}

t.test('a failing part is reported, the others run, and the status is 1', async (t) => {
  const bench = fixture(t);
  const file = path.join(bench.directory, 'saved.json');
  const { status, stdout, stderr } = bench.run(['--quick', '--save', file, 'fails', 'crashes', 'measures']);
  t.equal(status, 1, stderr);
  t.match(stdout, /^QUICK: all sizes are reduced/);
  t.match(stdout, /before the error +1 s\n {2}FAILED: nothing works/);
  t.match(stdout, /FAILED: ended early with status 7/);
  t.match(
    stdout,
    /time +30 ms {2}aim: at most 20 ms\n {2}node +5 ms {2}reference\n {2}missing: no-such-peer \(not installed\)/,
  );
  t.match(stdout, /3 parts, 2 failed: fails, crashes\nMissing: no-such-peer\n/);
  t.match(JSON.parse(readFileSync(file, 'utf8')), {
    ...{
      format: 1,
      quick: true,
      rounds: 1,
      node: process.version,
      commit: /^[0-9a-f]{40}$/,
      machine: { cores: Number },
    },
    figures: [
      { part: 'fails', name: 'before the error' },
      { part: 'measures', name: 'time', unit: 'ms', better: 'less', median: 30, samples: [30] },
      { part: 'measures', name: 'node' },
    ],
    failed: [{ part: 'fails', message: 'nothing works' }, { part: 'crashes' }],
    missing: [{ part: 'measures', name: 'no-such-peer', reason: 'not installed' }],
  });
  t.same(bench.left(), []);

  const again = bench.run(['--quick', '--compare', file, 'measures']);
  t.equal(again.status, 0, again.stderr);
  t.match(again.stdout, /time +30 ms +30 ms +1\.00 {2}too few runs\n/);
  t.throws(() => load(file, false), {
    message: `${file} was measured with --quick, so its sizes differ from this run`,
  });
});

t.test('two checkouts are measured in turn', async (t) => {
  const bench = fixture(t);
  const other = path.join(bench.directory, 'other');
  for (const folder of ['src', 'dist']) mkdirSync(path.join(other, folder), { recursive: true });
  for (const file of ['src/a.ts', 'dist/daemon.js']) writeFileSync(path.join(other, file), '');
  utimesSync(path.join(other, 'dist/daemon.js'), 1, 1);
  const args = ['--against', other, '--rounds', '2', 'measures'];
  const { status, stdout, stderr } = bench.run(args, { BENCH_TEST_OTHER: other });
  t.equal(status, 0, stderr);
  const order = readFileSync(bench.log, 'utf8').split('\n').slice(0, -1);
  t.same(
    order.map((root) => (root === other ? 'old' : 'new')),
    ['old', 'new', 'new', 'old'],
  );
  t.match(stdout, /old +new +new\/old\n {2}time +10 ms +30 ms +3\.00 {2}too few runs\n {2}node .* reference\n/);
  t.match(stdout, /Against: .*sources newer than the build/);
});

t.test('refuses what cannot be compared', async (t) => {
  const directory = t.testdir({ text: 'text', other: '{"format":0,"figures":[]}' });
  const file = (name: string) => path.join(directory, name);
  t.throws(() => load(file('none'), false), { message: /^cannot read .*none: ENOENT/ });
  t.throws(() => load(file('text'), false), { message: /^cannot read .*text: .*JSON/ });
  t.throws(() => load(file('other'), false), { message: `${file('other')} was not written by --save of this version` });
  t.throws(() => identify(directory), { message: `${directory} holds no built checkout; run 'npm run build' there` });
});

t.test('cleans up, however a benchmark ends', async (t) => {
  const cases: [part: string, signal: NodeJS.Signals, status: number | null, toGroup: boolean][] = [
    ['runs', 'SIGINT', 130, true],
    ['hangs', 'SIGTERM', 143, false],
    ['hangs', 'SIGKILL', null, false],
  ];
  for (const [part, signal, status, toGroup] of cases) {
    await t.test(`${signal} during '${part}'`, async (t) => {
      const bench = fixture(t);
      const child = spawn(process.execPath, bench.argv(part), { env: bench.env, stdio: 'ignore', detached: true });
      const exited = new Promise((resolve) => child.once('exit', resolve));
      await waitFor('the part to hang', () => existsSync(bench.log) && readFileSync(bench.log, 'utf8').endsWith('\n'));
      const { directory, pids } = JSON.parse(readFileSync(bench.log, 'utf8')) as { directory: string; pids: number[] };
      const running = processesIn(directory);
      for (const pid of pids) t.ok(running.includes(pid), `process ${pid} runs`);
      t.ok(running.length > pids.length, 'and others do');
      process.kill(toGroup ? -child.pid! : child.pid!, signal);
      t.equal(await exited, status);
      // without its supervisor the part removes everything, which the exit of the supervisor does not wait for
      if (signal === 'SIGKILL') await waitFor('the part to end', () => processesIn(directory).length === 0);
      t.same(processesIn(directory), []);
      t.same(bench.left(), []);
    });
  }
});
