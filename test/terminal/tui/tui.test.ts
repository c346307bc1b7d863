import t from 'tap';
import type { Execution } from '../../../src/core/execution.js';
import type { LogLine } from '../../../src/core/events/log.js';
import { makeExecution, makeStep, timeAt } from '../../helpers/models.js';
import { createTuiBench } from '../../helpers/tui.js';
import { waitFor } from '../../helpers/wait.js';

function several(): Execution[] {
  return [
    makeExecution({ id: 'bld', name: 'build', kind: 'run', startedAt: timeAt(0) }),
    makeExecution({ id: 'tst', name: 'test', kind: 'run', startedAt: timeAt(10_000), firstSeq: 2, parent: 'bld' }),
    makeExecution({
      id: 'agt',
      name: 'refactor',
      kind: 'agent',
      agent: { name: 'claude' },
      attention: { state: 'waiting', reason: 'allow rm?' },
      firstSeq: 3,
    }),
    makeExecution({ id: 'que', name: 'deploy', kind: 'run', status: 'queued', queue: 'prod', firstSeq: 4 }),
    makeExecution({ id: 'old', name: 'docs', kind: 'run', status: 'failed', endedAt: timeAt(-600_000), firstSeq: 0 }),
  ];
}

function logOf(count: number): LogLine[] {
  return Array.from({ length: count }, (_, index) => ({
    line: index + 1,
    seq: index + 1,
    time: timeAt(index * 1_000),
    type: 'output',
    text: `line ${index + 1}`,
  }));
}

t.test('lists what needs a person, what runs, what waits, and what has ended', (t) => {
  const lines = createTuiBench(several()).screen();
  t.match(lines[0], /^progress · 1 need you · 2 running · 1 queued · 1 finished +live$/);
  t.strictSame(
    lines.filter((line) => /^[A-Z ]+ \(\d+\)$/.test(line)),
    ['NEEDS YOU (1)', 'RUNNING (2)', 'QUEUED (1)', 'FINISHED (1)'],
  );
  t.match(lines[2], /^❯.*refactor .*waiting: allow rm\?/, 'the first execution is selected');
  t.match(
    createTuiBench(several()).screen(50)[0],
    /^progress · 1 need you · 2 running · 1 queued +live$/,
    'whole counts',
  );
  const child = lines.findIndex((line) => / {3}test/.test(line));
  t.match(lines[child - 1], /build/, 'a child is below its parent');
  t.end();
});

t.test('filters as it is typed; Enter keeps the filter, Esc removes it before it leaves', (t) => {
  const bench = createTuiBench(several());
  bench.press('/');
  bench.type('status:fail');
  t.match(bench.screen()[1], /^\/status:fail▏ {2}1 of 5/);
  t.notOk(bench.screen().some((line) => line.includes('build')));
  bench.press('enter');
  t.match(bench.screen()[1], /^\/status:fail {2}1 of 5/);
  bench.press('escape');
  t.ok(bench.screen().some((line) => line.includes('build')));
  t.notOk(bench.hasQuit());
  bench.press('q');
  t.ok(bench.hasQuit());
  t.end();
});

t.test('keys that are faster than frames act on what the filter leaves', (t) => {
  const bench = createTuiBench(several());
  bench.screen();
  bench.press('/');
  bench.type('status:fail');
  bench.press('enter', 'enter');
  t.match(bench.screen().join('\n'), /failed after/, 'it opens the only execution that is left');
  bench.press('escape', '/');
  bench.type('b');
  t.match(bench.screen()[1], /^\/b▏/, 'and a new filter begins empty');
  t.end();
});

t.test('leaving an execution returns to it in the list, whatever opened it', (t) => {
  const bench = createTuiBench(several());
  bench.screen();
  bench.tui.openExecution('que');
  t.match(bench.screen()[1], /^deploy/);
  bench.press('q');
  t.ok(bench.screen().some((line) => /^❯.*deploy/.test(line)));
  t.end();
});

t.test('letters typed into a filter are no commands', (t) => {
  const bench = createTuiBench(several());
  bench.press('/', 'q', 'x', 'r', 'y', 'space', 'backspace');
  t.notOk(bench.hasQuit());
  t.match(bench.screen()[1], /^\/qxry▏/);
  t.strictSame(bench.calls, []);
  t.end();
});

t.test('asks before it stops, and names what it stops', async (t) => {
  const bench = createTuiBench(several());
  bench.screen();
  bench.press('down', 'x');
  t.match(bench.screen().at(-1), /^Stop build\? y\/N/);
  bench.press('n');
  t.strictSame(bench.calls, []);
  bench.press('x', 'y');
  await waitFor('the screen', () => bench.calls.length > 0);
  t.strictSame(bench.calls, ['stop bld']);
  t.end();
});

t.test('an action applies to all marked executions for which it is meant', async (t) => {
  const bench = createTuiBench(several());
  bench.screen();
  bench.press('space', 'space', 'space');
  t.match(bench.screen()[1], /3 marked/);
  bench.press('x');
  t.match(
    bench.screen().at(-1),
    /^Stop 2 executions\? y\/N/,
    'an agent that was not started by progress is not stopped',
  );
  bench.press('y');
  await waitFor('the screen', () => bench.calls.length > 1);
  t.strictSame(bench.calls.sort(), ['stop bld', 'stop tst']);
  t.end();
});

t.test('the selection stays on its execution while others come and go', (t) => {
  const bench = createTuiBench(several());
  bench.screen();
  bench.press('down', 'down');
  t.match(
    bench.screen().find((line) => line.startsWith('❯')),
    /test/,
  );
  bench.executions = [makeExecution({ id: 'new', name: 'newcomer', firstSeq: 9 }), ...bench.executions];
  t.match(
    bench.screen().find((line) => line.startsWith('❯')),
    /test/,
  );
  bench.executions = bench.executions.filter(({ id }) => id !== 'tst');
  t.ok(
    bench.screen().some((line) => line.startsWith('❯')),
    'another one is selected when it is gone',
  );
  t.end();
});

t.test('folds children, sorts and groups', (t) => {
  const bench = createTuiBench(several());
  bench.screen();
  bench.press('down', 'z');
  t.notOk(bench.screen().some((line) => / {3}test/.test(line)));
  bench.press('z', 'S');
  t.match(bench.screen()[1], /by name/);
  bench.press('B');
  t.ok(bench.screen().includes('CLAUDE (1)'));
  t.end();
});

t.test('help lists the keys that work on the page', (t) => {
  const bench = createTuiBench(several());
  bench.press('?');
  const help = bench.screen(100, 40).join('\n');
  for (const text of ['Stop (SIGINT, then SIGKILL after 5 s)', 'Filter:', 'Turn the mouse on or off'])
    t.match(help, text);
  bench.press('q');
  t.match(bench.screen()[0], /^progress/);
  t.notOk(bench.hasQuit(), 'q goes back one level');
  t.end();
});

t.test('opens an execution: tabs that have something to show, the log follows', async (t) => {
  const run = makeExecution({
    id: 'bld',
    name: 'build',
    kind: 'run',
    lines: 100,
    steps: [makeStep({ id: 'compile' })],
  });
  const bench = createTuiBench([run], logOf(100));
  bench.screen();
  bench.screen();
  bench.press('enter');
  bench.screen();
  await waitFor('the screen', () => bench.screen().some((line) => line.includes('line 100')));
  const lines = bench.screen();
  t.ok(lines.some((line) => line.includes('[1 Log]')));
  t.ok(lines.some((line) => line.includes('2 Steps')));
  t.notOk(
    lines.some((line) => line.includes('Transcript')),
    'no transcript of what is no agent',
  );
  t.match(lines.at(-2), /^FOLLOW · 100 lines/);
  t.end();
});

t.test('a log that is read does not move when lines arrive; going to the end follows again', async (t) => {
  const run = makeExecution({ id: 'bld', name: 'build', kind: 'run', lines: 100 });
  const bench = createTuiBench([run], logOf(100));
  bench.screen();
  bench.press('enter');
  bench.screen();
  await waitFor('the screen', () => bench.screen().some((line) => line.includes('line 100')));
  bench.press('pageup');
  const before = bench.screen().slice(4, -2);
  bench.log = logOf(150);
  bench.executions = [{ ...run, lines: 150 }];
  t.strictSame(bench.screen().slice(4, -2), before);
  t.match(bench.screen().at(-2), /50 new, f follows/);
  bench.press('G');
  bench.screen();
  await waitFor('the screen', () => bench.screen().some((line) => line.includes('line 150')));
  t.match(bench.screen().at(-2), /^FOLLOW/);
  t.end();
});

t.test('finds in the whole log, with n and N, by regular expression between slashes', async (t) => {
  const run = makeExecution({ id: 'bld', name: 'build', kind: 'run', lines: 2_000 });
  const bench = createTuiBench([run], logOf(2_000));
  bench.screen();
  bench.press('enter', 'g');
  bench.screen();
  bench.press('/');
  bench.type('line 77');
  bench.press('enter');
  await waitFor('the screen', () => bench.screen().at(-2)?.includes('1/11') === true);
  await waitFor('the screen', () => bench.screen().some((line) => line.includes('line 77')));
  bench.press('n');
  t.match(bench.screen().at(-2), /2\/11/);
  bench.press('N', 'N');
  t.match(bench.screen().at(-2), /11\/11/, 'the last one is before the first one');
  bench.press('/');
  bench.type('/^line 1[23]$/');
  bench.press('enter');
  await waitFor('the screen', () => bench.screen().at(-2)?.includes('/2') === true);
  bench.press('/');
  bench.type('nowhere');
  bench.press('enter');
  await waitFor('the screen', () => bench.screen().at(-2)?.includes('"nowhere" not found') === true);
  t.end();
});

t.test('goes to a time of day', async (t) => {
  const run = makeExecution({ id: 'bld', name: 'build', kind: 'run', lines: 3_000, startedAt: timeAt(0) });
  const bench = createTuiBench([run], logOf(3_000));
  bench.screen();
  bench.press('enter');
  bench.screen();
  const wanted = new Date(Date.parse(timeAt(1_200_000)));
  const clock = [wanted.getHours(), wanted.getMinutes(), wanted.getSeconds()].map((n) => String(n).padStart(2, '0'));
  bench.press('@');
  bench.type(clock.join(':'));
  bench.press('enter');
  await waitFor('the screen', () => bench.screen().some((line) => line.endsWith(' line 1201')));
  bench.press('@');
  bench.type('soon');
  bench.press('enter');
  await waitFor('the screen', () => bench.screen().at(-1)?.includes('is not a time of day') === true);
  t.end();
});

t.test('fits any size, and says so where it cannot', (t) => {
  const bench = createTuiBench(several(), logOf(10));
  for (const [columns, rows] of [
    [40, 10],
    [20, 4],
    [200, 60],
    [80, 24],
  ] as const) {
    const lines = bench.tui.lines({ columns, rows }, { color: true, ascii: false });
    t.equal(lines.length, rows);
  }
  t.match(bench.screen(10, 3)[0], /at least/);
  t.end();
});

t.test('queues: a waiting run is moved, slots and pause are changed, the selection stays on its run', async (t) => {
  const bench = createTuiBench(several());
  bench.queues = [{ name: 'prod', slots: 1, paused: false, running: ['bld'], waiting: ['que', 'tst', 'agt'] }];
  bench.press('Q');
  await waitFor('the queues', () => bench.screen()[1]?.includes('prod') === true);
  t.match(bench.screen()[1], /^❯ prod {2}1 slot · 1 running · 3 waiting/);
  t.match(bench.screen()[2], /⏳ {2}build +1:00$/);
  bench.press('J', 'down', 'K', 'down', 'K', 'J');
  // faster than the daemon answers
  bench.press('down', 'K', 'K', 'K', '+', 'p');
  await waitFor('the calls', () => bench.calls.length >= 5);
  t.strictSame(bench.calls, [
    ...['move que 2', 'move agt 2', 'move agt 1'],
    ...['queue prod {"slots":2}', 'queue prod {"paused":true}'],
  ]);
  bench.queues = [{ name: 'prod', slots: 1, paused: false, running: ['bld'], waiting: ['agt', 'tst', 'que'] }];
  await waitFor('the new order', () => bench.screen()[4]?.includes('test') === true);
  t.match(bench.screen()[3], /^❯ +1 {2}refactor/);
  t.end();
});

t.test('runs a command again as it is, or edited; a mask in an edited command is refused', async (t) => {
  const run = makeExecution({
    ...{ id: 'bld', name: 'build', kind: 'run' },
    process: { argv: ['deploy', '--token', '***', 'a b'] },
  });
  const bench = createTuiBench([run]);
  bench.screen();
  bench.press('r');
  t.match(bench.screen().at(-1), /^Run again: deploy --token '\*\*\*' 'a b'▏$/);
  bench.press('enter');
  bench.press('r', 'x', 'escape');
  await waitFor('the new run', () => bench.screen().at(-1)?.startsWith('Started as new') === true);
  t.strictSame(bench.calls.splice(0), ['rerun bld']);
  bench.press('r', 'x', 'enter');
  t.match(bench.screen().at(-1), /^\*\*\* stands for a secret that is not shown/);
  t.strictSame(bench.calls, []);
  bench.press('r', 'C-u');
  bench.type("deploy 'to prod");
  bench.press('enter');
  t.match(bench.screen().at(-1), /^unclosed quote/);
  bench.press('r', 'C-u', 'enter');
  t.match(bench.screen().at(-1), /^There is no command/);
  bench.press('r', 'C-u');
  bench.type('deploy --to prod');
  bench.press('enter');
  await waitFor('the run', () => bench.calls.length > 0);
  t.strictSame(bench.calls, ['rerun bld ["deploy","--to","prod"]']);
  t.end();
});

t.test('attaches, and exports to a file whose replacement is asked for', async (t) => {
  const bench = createTuiBench([makeExecution({ id: 'bld', name: 'build', kind: 'run' })]);
  bench.screen();
  bench.press('a', 'E');
  t.match(bench.screen().at(-1), /^Export to: progress-bld\.tar\.gz▏$/);
  bench.press('enter');
  await waitFor('the question', () => bench.screen().at(-1)?.startsWith('Replace progress-bld.tar.gz? y/N') === true);
  bench.press('y');
  await waitFor('the report', () => bench.screen().at(-1)?.startsWith('Written to progress-bld.tar.gz') === true);
  t.strictSame(bench.calls, ['attach bld', 'export bld progress-bld.tar.gz', 'export bld progress-bld.tar.gz force']);
  t.end();
});

t.test('a notice stays until the next key', (t) => {
  const bench = createTuiBench(several());
  const event = { seq: 1, type: 'attention', execution: 'agt', time: new Date().toISOString() };
  bench.tui.onEvents([{ ...event, data: { state: 'waiting', reason: 'allow rm?' } }]);
  t.match(bench.screen().at(-1), /^refactor needs you: allow rm\?/);
  t.ok((bench.tui.untilNoticeEnds() ?? 0) > 0, 'or for a while');
  t.strictSame(bench.calls, ['bell']);
  bench.press('down');
  t.notMatch(bench.screen().at(-1), /needs you/);
  t.end();
});

function nightly(fields: Parameters<typeof makeExecution>[0] = {}): Execution {
  const usual = (name: string, seconds: number) => ({
    name,
    durations: [1, 1.1, 1.2].map((factor) => factor * seconds * 1_000),
  });
  return makeExecution({
    ...{ id: 'ngt', name: 'nightly', kind: 'run', lines: 10 },
    expectation: {
      ...{ runs: 3, durations: [60_000], parallelism: 1, leadMs: 0, tailMs: 0, coverage: 1 },
      steps: [usual('Plan', 10), usual('Code', 15), usual('Test', 60)],
    },
    steps: [
      makeStep({ id: 'p', name: 'Plan', status: 'completed', startedAt: timeAt(0), endedAt: timeAt(20_000) }),
      makeStep({ id: 'c', name: 'Code', status: 'running', startedAt: timeAt(20_000), needs: ['p'] }),
      makeStep({ id: 't', name: 'Test', needs: ['c'] }),
      makeStep({ id: 'd', name: 'Deploy', needs: ['t'] }),
    ],
    ...fields,
  });
}

t.test('steps have their usual durations beside them; what takes longer is marked', (t) => {
  const bench = createTuiBench([nightly()]);
  bench.screen();
  bench.press('enter', '2');
  const lines = bench.screen();
  const line = (name: string) => lines.find((one) => one.includes(name) && !one.includes('Step'));
  t.match(line('✓ Plan'), /Plan .* 20s \/ usual 11s$/);
  t.match(line('● Code'), /Code .* 40s \/ usual 16s !$/);
  t.match(line('○ Test'), /Test .* {4}usual 1:06$/);
  t.match(line('○ Deploy'), /Deploy$/, 'no history, no usual duration');
  t.notOk(
    bench.screen(50).some((one) => one.includes('usual')),
    'names are worth more on a narrow screen',
  );
  t.end();
});

t.test('the timeline shows what ran, ghosts of usual durations, and planned steps', (t) => {
  const bench = createTuiBench([nightly()]);
  bench.screen();
  bench.press('enter', '3');
  const lines = bench.screen(80, 20);
  const at = lines.findIndex((one) => one.includes('✓ Plan'));
  t.match(lines[at - 1], /^ +0\.0s +\d+s/);
  t.match(lines[at], / 20s {2}▇+$/, 'it took longer than usual');
  t.match(lines[at + 1], / 40s {2} +▇+$/);
  t.match(lines[at + 2], /○ Test +┈+$/);
  const ended = createTuiBench([nightly({ status: 'failed', endedAt: timeAt(60_000) })]);
  ended.screen();
  ended.press('enter', '3');
  t.notOk(
    ended.screen().some((one) => one.includes('┈')),
    'nothing is planned any more',
  );
  t.end();
});

t.test('the transcript has a heading per turn, calls on one line, and those of sub-agents apart', async (t) => {
  const run = makeExecution({
    ...{ id: 'agt', name: 'refactor', kind: 'agent', lines: 9 },
    steps: [makeStep({ id: 's1', name: 'Agent: Count files', kind: 'subagent', status: 'completed' })],
  });
  const result = ['a.txt', 'b.txt', 'c.txt', 'd.txt', 'e.txt', 'f.txt', 'g.txt'];
  const lines: Partial<LogLine>[] = [
    { kind: 'prompt', text: 'Tidy the\nfolder' },
    { kind: 'assistant-text', text: 'I will list it.' },
    { kind: 'tool-call', tool: 'Bash', text: '{"command":"ls -1"}', detail: '{\n  "command": "ls -1"\n}' },
    { kind: 'tool-result', text: 'a.txt', detail: result.join('\n') },
    { type: 'output', stream: 'debug', text: '{"type":"stream_event"}' },
    { type: 'step_completed', text: 'toolu_1 completed' },
    { kind: 'prompt', text: 'Count them', step: 's1' },
    { kind: 'assistant-text', text: 'There are 7.', step: 's1' },
    { kind: 'assistant-text', text: 'Done.' },
  ];
  const log = lines.map((line, index) => ({ ...logOf(9)[index], type: 'activity', ...line }) as LogLine);
  const bench = createTuiBench([run], log);
  bench.screen();
  bench.press('enter');
  const rows = () => bench.screen(60, 30).map((row) => row.replace(/^\d\d:\d\d:\d\d | {9}/, ''));
  await waitFor('the transcript', () => rows().some((row) => row.endsWith('Done.')));
  const shown = rows();
  const first = shown.findIndex((row) => row.startsWith('── Prompt ──'));
  t.match(shown.slice(first, first + 11), [
    /^── Prompt ─+$/,
    '» Tidy the',
    '  folder',
    'I will list it.',
    '  ▸ Bash: ls -1',
    ...['  a.txt', '  b.txt', '  c.txt', '  d.txt', '  e.txt', '  … 2 more lines'],
  ]);
  t.match(shown.slice(first + 11, first + 15), [
    /^│ ── Agent: Count files ─+$/,
    '│ » Count them',
    '│ There are 7.',
    'Done.',
  ]);
  bench.press('u');
  await waitFor('the sub-agent', () => !rows().some((row) => row.endsWith('Done.')));
  t.match(bench.screen(60, 30).at(-2), /step Agent: Count files: 2 shown/);
  bench.press('u');
  await waitFor('all', () => rows().some((row) => row.endsWith('Done.')));
  bench.press('3');
  bench.screen();
  bench.press('enter');
  t.ok(
    bench.screen(80).some((row) => row.includes('[1 Transcript]')),
    'Enter on the step of a sub-agent shows its transcript',
  );
  t.end();
});
