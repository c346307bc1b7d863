import { spawnSync } from 'node:child_process';
import t from 'tap';
import { FORMATS } from '../../src/agents/formats.js';
import { bytesOf, recordings, replay } from '../helpers/replay.js';

/** Returns the progress events, in the order of the lines. */
function progressOf(text: string, stepMs = 200): string[] {
  const lines = text.split(/(?<=[\r\n])/).map((line) => Buffer.from(line));
  const { events } = replay(lines, { stepMs });
  return events
    .filter(({ type }) => type === 'progress')
    .map(({ data }) => `${String(data['current'])}/${String(data['total'])} ${String(data['message'])}`.trim());
}

t.test('a meter is recognised when the same shape has grown', async (t) => {
  t.strictSame(progressOf('at 10%\nat 20%\nat 30%\n'), ['20/100 at', '30/100 at']);
  t.strictSame(progressOf('Loading 5% |#   |\rLoading 50% |##  |\rLoading 100% |####|\n'), [
    '50/100 Loading',
    '100/100 Loading',
  ]);
  t.strictSame(progressOf('[1/3] a\n[2/3] b\n[3/4] c\n'), ['2/3 b', '3/4 c'], 'the total may grow');
  t.strictSame(progressOf('objects (1/9)\nobjects (2/9)\n'), ['2/9 objects']);
  t.strictSame(progressOf('a.py ..   [ 50%]\nb.py ..   [100%]\n'), ['100/100']);
});

t.test('prose with numbers is not a meter', async (t) => {
  const prose = [
    ...[
      'We are 20% faster.',
      'Errors fell by 30% this year.',
      'see (1/2) of the letter',
      'and then (2/2) of another one',
    ],
    ...['50% of 10', '[2/1] wrong', '300%', 'cpu 90%', 'cpu 40%', 'cpu 30%', '5/9', '12:30:59 [1/3', 'a%b%c%', '%'],
  ];
  t.strictSame(progressOf(`${prose.join('\n')}\n`), []);
});

t.test('a level is not progress', async (t) => {
  const rows: Record<string, string[]> = {
    'it begins in the middle and moves little': ['disk 41%', 'disk 42%', 'disk 43%', 'disk 44%'],
    'its words say so, in front': ['CPU 3%', 'CPU 12%', 'CPU 40%', 'CPU 90%'],
    'its words say so, after it': ['/: 3% used', '/: 30% used', '/: 60% used'],
    'it falls in the middle': ['level 5%', 'level 3%', 'level 50%', 'level 30%', 'level 60%', 'level 90%'].slice(2),
  };
  for (const [about, lines] of Object.entries(rows)) t.strictSame(progressOf(`${lines.join('\n')}\n`), [], about);
  t.strictSame(progressOf('at 40%\nat 50%\nat 66%\nat 70%\n'), ['66/100 at', '70/100 at'], 'progress that goes on');
  t.strictSame(progressOf('at 40% [==>  ]\nat 41% [==>  ]\n'), ['41/100 at'], 'a bar');
  t.strictSame(progressOf('[ 40%] Building a\n[ 41%] Building b\n[ 42%] Building b\n').length > 0, true, 'a build');
});

t.test('a restarted meter must grow again', async (t) => {
  t.strictSame(progressOf('one 5%\none 60%\none 0%\none 10%\n'), ['60/100 one', '10/100 one']);
});

t.test('a fast meter is throttled, and its last value is always emitted', async (t) => {
  const text = Array.from({ length: 100_000 }, (_, n) => `(${n}/100000)\n`).join('');
  const events = progressOf(text, 0);
  t.ok(events.length <= 3, `${events.length} events`);
  t.equal(events.at(-1), '99999/100000');
});

t.test('taskbar progress disables guessed meters', async (t) => {
  const bar = (percent: number, end: string) => `\u001b]9;4;1;${percent}${end}`;
  const text = `${bar(10, '\u0007')}(1/9)\r${bar(20, '\u001b\\')}(2/9)\r${bar(30, '\u0007')}(3/9)\r`;
  const { events } = replay(bytesOf(Buffer.from(text)), { stepMs: 200 });
  t.strictSame(
    events.map(({ data }) => data['current']),
    [10, 20, 30],
  );
  const others = '\u001b]9;4;3\u0007\u001b]9;a word\u0007\u001b]9;4;0;0\u0007\u001b]9;4;9;9\u0007';
  t.strictSame(replay([Buffer.from(others)]).events, []);
});

t.test('groups', async (t) => {
  const lines = ['::group::Install', 'x', '::group::Build%2Cit', '::error file=a.c,line=3::no%0Asuch', '::endgroup::'];
  const text = [...lines, 'std::vector::x', '##[group]Test', 'C::error::b'].join('\n');
  const { events, text: shown } = replay([Buffer.from(text)], { status: 'failed' });
  t.strictSame(
    events.map(({ type, data }) => [type, data['name'] ?? data['message']].join(' ').trim()),
    [
      'step_started Install',
      'step_completed',
      'step_started Build%2Cit',
      'log no\nsuch',
      'step_completed',
      'step_started Test',
      'step_failed',
    ],
  );
  t.equal(shown, text, 'the text stays as it was');
});

t.test('TAP without versions and details', async (t) => {
  const text = '1..3\nok 1 first\nnot ok 2 - second\nok 3 # skip no network\nBail out! the disk is gone\n';
  const { execution, events } = replay([Buffer.from(text)]);
  t.strictSame(
    execution.steps.map(({ name, status }) => `${name} ${status}`),
    ['first completed', 'second failed', 'test 3 skipped'],
  );
  t.match(execution.progress, { current: 3, total: 3, unit: 'tests' });
  t.match(
    events.find(({ type }) => type === 'log'),
    { data: { level: 'error', message: 'Bail out! the disk is gone' } },
  );
  t.strictSame(replay([Buffer.from('ok\nok 1\nnot ok this\n1..2 of them\n')]).execution.steps, [], 'words are none');
});

t.test('real output of node:test', async (t) => {
  const source = `import test from 'node:test';
    await test('outer', async (t) => { await t.test('inner', () => {}); await t.test('bad', () => { throw new Error('so it is'); }); });
    await test('left', { skip: true }, () => {});`;
  const args = ['--test-reporter=tap', '--input-type=module', '-e', source];
  const { stdout } = spawnSync(process.execPath, args);
  const { execution, text } = replay([stdout]);
  t.equal(text, stdout.toString());
  t.strictSame(
    execution.steps.map(({ id, name, status, parent }) => [id, name, status, parent].join(' ').trim()),
    ['test 1 outer failed', 'test 1.1 inner completed test 1', 'test 1.2 bad failed test 1', 'test 2 left skipped'],
  );
  t.equal(execution.steps.find(({ name }) => name === 'bad')?.error, 'so it is');
});

t.test('go test -json', async (t) => {
  const line = (fields: object) => `${JSON.stringify({ Time: 'x', ...fields })}\n`;
  const test = { Package: 'm/p', Test: 'TestA' };
  const text = [
    'go: downloading something\n',
    line({ Action: 'start', Package: 'm/p' }),
    line({ Action: 'run', ...test }),
    line({ Action: 'run', Package: 'm/p', Test: 'TestA/sub' }),
    line({ Action: 'output', Package: 'm/p', Test: 'TestA/sub', Output: '    a_test.go:7: got 3\n' }),
    line({ Action: 'output', Package: 'm/p', Test: 'TestA/sub', Output: '    --- FAIL: TestA/sub (0.00s)\n' }),
    line({ Action: 'fail', Package: 'm/p', Test: 'TestA/sub', Elapsed: 0.25 }),
    line({ Action: 'fail', ...test, Elapsed: 0.5 }),
    line({ Action: 'skip', Package: 'm/q', Test: 'TestB', Elapsed: 0 }),
    line({ Action: 'constructor', Package: 'm/q' }),
    line({ Action: 'fail', Package: 'm/p', Elapsed: 1.5 }),
    '{"Action":"torn\n',
  ].join('');
  const { execution, text: shown } = replay([Buffer.from(text)]);
  t.equal(shown, text);
  t.match(execution.steps, [
    { id: 'm/p', status: 'failed', durationMs: 1_500 },
    { name: 'TestA', parent: 'm/p', status: 'failed', durationMs: 500 },
    { name: 'sub', parent: 'm/p.TestA', status: 'failed', durationMs: 250, error: 'a_test.go:7: got 3' },
    { name: 'TestB', status: 'skipped' },
  ]);
});

t.test('pieces without a separator are skipped, and later ones are read', async (t) => {
  const long = Buffer.from('x'.repeat(200_000));
  const { events, kept } = replay([long, long, Buffer.from('\n10%\n20%\n')], { stepMs: 200 });
  t.equal(kept.length, 400_009);
  t.equal(events.length, 1);
});

t.test('a text without the marks of a format is not parsed', async (t) => {
  const lines = recordings().flatMap(({ content }) => content.toString().split(/[\r\n\u0007]/));
  for (const { name, kind, marks, create } of FORMATS.all) {
    if (kind !== 'text') continue;
    if (!marks) throw new Error(`${name} has no marks`);
    const parser = create();
    const passedOver = lines.filter((line) => !marks.some((mark) => line.includes(mark)));
    t.ok(passedOver.length > 0, name);
    t.strictSame(
      passedOver.flatMap((line) => parser.line(line, 0) ?? []),
      [],
      name,
    );
  }
});
