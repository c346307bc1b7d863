import t from 'tap';
import type { Execution } from '../../src/core/execution.js';
import type { TailLine } from '../../src/terminal/log-tail.js';
import type { View } from '../../src/terminal/view.js';
import { boxLines, untilTick } from '../../src/terminal/view.js';
import { cellsOf } from '../../src/terminal/width.js';
import { makeExecution, makeShipLogin, makeStep, START, timeAt } from '../helpers/models.js';

const PLAIN = { color: false, ascii: false };
const NOW = START + 401_000;

function viewOf(executions: Execution[], rest: Partial<View> = {}): View {
  return { executions, connection: { state: 'live' }, now: NOW, detail: true, ...rest };
}

function draw(view: View, columns: number, rows: number, style = PLAIN): string[] {
  return boxLines(view, { columns, rows }, style);
}

t.test('one execution: story, step, bar, clock, criteria, output', (t) => {
  t.same(draw(viewOf([makeShipLogin()]), 80, 24), [
    '╭─ progress · ship-login-page · 7hq2m4 ───────────────────────────────────────╮',
    '│ Story 3/7  us-3 · Add password reset                         2/5  ● running │',
    '│ Step       Run integration tests                                            │',
    '│ ██████████████▉░░░░░░░░░░░░░░   51%  18/35 tests  2/7 stories  2/5 criteria │',
    '│ Elapsed 6:41   ~6:30 left (5:00 to 8:00)                   CPU 71%  412 MiB │',
    '├─────────────────────────────────────────────────────────────────────────────┤',
    '│ ✅ 2 completed                                                              │',
    '│ ❌ Used token is rejected: expected 401, got 200                        31s │',
    '│ ⏳ Rate limit: 5 per hour                                               31s │',
    '│ ○  Audit entry is written                                                   │',
    '├─────────────────────────────────────────────────────────────────────────────┤',
    '│   tests/reset.spec.ts  ✓ sends mail (412 ms)                                │',
    '│   tests/reset.spec.ts  ✓ expires (1.1 s)                                    │',
    '│   tests/reset.spec.ts  … rejects used token                                 │',
    '╰─────────────────────────────────────────────────── q leave (keeps running) ─╯',
  ]);
  t.end();
});

t.test('with fewer rows: the steps shrink to three, then the log goes, then steps are counted', (t) => {
  const list = (rows: number) =>
    draw(viewOf([makeShipLogin()]), 80, rows)
      .slice(6, -1)
      .map((line) => line.slice(2, 28).trim());
  const log = [
    '├──────────────────────────',
    'tests/reset.spec.ts  ✓ s',
    'tests/reset.spec.ts  ✓ e',
    'tests/reset.spec.ts  … r',
  ];
  t.same(
    list(15).map((line) => line.slice(0, 26)),
    ['❌ 2 completed, 1 failed', '⏳ Rate limit: 5 per hour', '○  1 pending', '─'.repeat(26), ...log.slice(1)],
  );
  const four = [
    '✅ 2 completed',
    '❌ Used token is rejected:',
    '⏳ Rate limit: 5 per hour',
    '○  Audit entry is written',
  ];
  t.same(list(14), four, 'no log');
  t.same(list(12), four);
  t.same(list(11), ['❌ 2 completed, 1 failed', '⏳ Rate limit: 5 per hour', '○  1 pending']);
  t.same(list(10), ['⏳ Rate limit: 5 per hour', '❌ Used token is rejected:']);
  t.same(list(8), [], 'the bar and the clock stay to the end');
  t.end();
});

t.test('the log has the time and the level of each line, and takes the rows that are left', (t) => {
  const log: TailLine[] = Array.from({ length: 80 }, (_, n) => ({ time: timeAt(n * 1_000), text: `line ${n}` }));
  log.push({ time: timeAt(80_000), level: 'warning', text: 'slow disk' });
  const clock = (n: number) => new Date(START + n * 1_000).toTimeString().slice(0, 8);
  const lines = draw(viewOf([makeShipLogin()], { log }), 80, 60).map((line) => line.slice(2, -1).trim());
  t.equal(lines.length, 59);
  t.equal(lines.at(-2), `${clock(80)} WARNING slow disk`);
  t.equal(lines.at(-3), `${clock(79)} line 79`);
  const colored = draw(viewOf([makeShipLogin()], { log }), 80, 30, { color: true, ascii: false }).at(-2);
  t.match(colored, '\u001b[33mslow disk');
  t.end();
});

t.test('finished steps are one line, and a running one shows what it is in', (t) => {
  const steps = [
    ...Array.from({ length: 12 }, (_, n) => makeStep({ id: `a${n}`, status: 'completed' })),
    makeStep({ id: 'skip', status: 'skipped' }),
    makeStep({ id: 'deploy', name: 'Deploy', status: 'running', startedAt: timeAt(0) }),
    makeStep({ id: 'up', name: 'Upload', status: 'running', parent: 'deploy', startedAt: timeAt(0) }),
    makeStep({ id: 'first', name: 'Chunk 1', status: 'completed', parent: 'up' }),
    makeStep({ id: 'next', name: 'Chunk 2', status: 'running', parent: 'up', startedAt: timeAt(0) }),
    ...Array.from({ length: 40 }, (_, n) => makeStep({ id: `b${n}` })),
  ];
  const lines = draw(viewOf([makeExecution({ steps })]), 80, 20).map((line) => line.slice(2, -1).trim());
  t.match(lines.slice(1, 4).join('\n'), /^Step 14\/54 {2}Deploy .*\nStep {8}Upload\nStep 2\/2 {4}Chunk 2$/);
  t.equal(lines[7], '✅ 12 completed, 1 skipped');
  t.match(lines[8], /^⏳ Deploy +0\/1 {2}6:41$/);
  t.match(lines.at(-2), /^○ {2}\d\d pending$/);
  const evicted = makeExecution({ steps: steps.slice(13), droppedSteps: { completed: 12_000 } });
  t.match(draw(viewOf([evicted]), 80, 20)[7], '✅ 12,000 completed');
  t.end();
});

t.test('the error of a failed step that is not listed is shown with its type', (t) => {
  const steps = [
    makeStep({ id: 'us-1', kind: 'story', name: 'Log in', status: 'failed', error: 'no', errorType: 'Timeout' }),
    makeStep({ id: 'us-2', kind: 'story', name: 'Log out', status: 'running' }),
    makeStep({ id: 'c', kind: 'criterion', parent: 'us-2', status: 'running' }),
  ];
  t.match(draw(viewOf([makeExecution({ steps })]), 80, 24)[2], '✗ us-1 · Log in: Timeout: no');
  t.end();
});

t.test('narrow terminals have no border, tiny ones a single line', (t) => {
  t.same(draw(viewOf([makeShipLogin()]), 50, 12), [
    'progress · ship-login-page · 7hq2m4',
    'Story 3/7  us-3 · Add password re… 2/5  ● running',
    'Step       Run integration tests',
    '████████▋░░░░░░░░   51%  18/35 tests  2/7 stories',
    'Elapsed 6:41   ~6:30 left (5:00 to 8:00)',
    '❌ 2 completed, 1 failed',
    '⏳ Rate limit: 5 per hour                     31s',
    '○  1 pending',
    '  tests/reset.spec.ts  ✓ sends mail (412 ms)',
    '  tests/reset.spec.ts  ✓ expires (1.1 s)',
    '  tests/reset.spec.ts  … rejects used token',
  ]);
  t.same(draw(viewOf([makeShipLogin()]), 80, 5), [
    '⏳ ship-login-page  Run integration tests                      51%  6:41  ~6:30',
  ]);
  t.same(draw(viewOf([makeShipLogin()]), 30, 40), ['⏳ ship-lo…  51%  6:41  ~6:30']);
  t.same(draw(viewOf([]), 30, 40), ['Nothing is running.']);
  t.same(draw(viewOf([makeShipLogin()]), 80, 1), [], 'a single row belongs to the cursor');
  t.end();
});

t.test('ASCII mode draws ASCII only', (t) => {
  const execution = { ...makeShipLogin(), tail: [] };
  const lines = draw(viewOf([execution]), 80, 24, { color: false, ascii: true });
  t.notMatch(lines.join('\n'), /[^\n -~]/);
  t.match(lines.join('\n'), '| [x] 2 completed');
  t.match(lines[3], /^\| #{14}-{15} {3}51%/);
  t.end();
});

t.test('several executions: a row each, what needs a person first, then what runs', (t) => {
  const executions = [
    makeExecution({
      id: 'd',
      name: 'docs-site',
      status: 'failed',
      outcome: { exitCode: 2, error: 'dead links' },
      endedAt: timeAt(9),
      durationMs: 100_000,
    }),
    makeShipLogin(),
    makeExecution({ id: 'n', name: 'nightly-etl', progress: { current: 7, total: 8 }, startedAt: timeAt(-2_000_000) }),
    makeExecution({ id: 'k', name: '漢字のビルド', status: 'paused', lastActivity: timeAt(200_000) }),
    makeExecution({ id: 'r', name: 'agent', attention: { state: 'waiting', reason: 'may I run rm?' } }),
  ];
  t.same(draw(viewOf(executions), 90, 24), [
    '╭─ progress · 1 waiting · 2 running · 1 paused · 1 failed ──────────────────────────────╮',
    '│ !  agent                             waiting: may I run rm?               6:41        │',
    '│ ⏳ ship-login-page  █████▏░░░░  51%  Run integration tests                6:41  ~6:30 │',
    '│ ⏳ nightly-etl      ████████▊░  88%                                      40:01  ~5:30 │',
    '│ ‖  漢字のビルド                      paused                               3:20        │',
    '│ ❌ docs-site                         failed, exit 2: dead links           1:40        │',
    '╰───────────────────────────────────────────────────────────── q leave (keeps running) ─╯',
  ]);
  t.end();
});

t.test('uses the height of the terminal, and counts the rest by status', (t) => {
  const many = Array.from({ length: 11 }, (_, index) => makeExecution({ id: `e${index}`, name: `job ${index}` }));
  const lines = draw(viewOf(many), 80, 40);
  t.equal(lines.length, 13);
  t.notMatch(lines.at(-2), ' and ');
  t.match(draw(viewOf(many), 80, 8).at(-2), '│ and 7 running ');
  t.end();
});

t.test('an empty view has advice', (t) => {
  t.match(draw(viewOf([]), 80, 24)[1], 'Nothing is running. Start something: progress run -- make test');
  t.end();
});

t.test('without a connection the time of the values is shown, everything is dim, and the clocks stop', (t) => {
  const lost: View['connection'] = {
    state: 'lost',
    since: NOW - 14_000,
    reason: 'no daemon is running; start it with `progress daemon start`',
  };
  const since = new Date(NOW - 14_000).toTimeString().slice(0, 8);
  const first = draw(viewOf([makeShipLogin()], { connection: lost }), 80, 24);
  t.match(first[1], '! no daemon is running; start it with `progress daemon start`');
  t.match(draw(viewOf([makeShipLogin()], { connection: lost }), 100, 24)[1], `values from ${since} │`);
  t.match(first.join('\n'), 'Elapsed 6:27');
  t.same(draw(viewOf([makeShipLogin()], { connection: lost, now: NOW + 60_000 }), 80, 24), first);
  const colored = draw(viewOf([makeShipLogin()], { connection: lost }), 80, 24, { color: true, ascii: false });
  t.ok(colored.every((line) => /^\u001b\[2m[^\u001b]*\u001b\[0m$/.test(line)));
  t.match(draw(viewOf([makeShipLogin()], { connection: lost }), 80, 5), [/^! ⏳/], 'in one line too');
  t.end();
});

t.test('with snapshots instead of a stream the clocks continue', (t) => {
  const lines = draw(viewOf([makeShipLogin()], { connection: { state: 'snapshots', since: NOW } }), 80, 24);
  t.match(lines[1], /! stream cut at \d\d:\d\d:\d\d: showing snapshots/);
  t.match(lines.join('\n'), 'Elapsed 6:41');
  t.end();
});

t.test('attention is highlighted, with its reason', (t) => {
  const execution = makeExecution({ attention: { state: 'waiting', reason: 'permission to run rm' } });
  t.match(draw(viewOf([execution]), 80, 24)[1], /! waiting for you: permission to run rm +! waiting │$/);
  const { attention: { state: _none } = {}, ...active } = execution;
  t.match(draw(viewOf([{ ...active, lastActivity: timeAt(0) }]), 80, 24).join('\n'), 'last activity 6m ago');
  t.end();
});

t.test('a step shows its model and its attempts', (t) => {
  const step = makeStep({
    id: 's',
    name: 'Review',
    status: 'running',
    role: 'reviewer',
    provider: 'anthropic',
    model: 'opus',
    attempts: 2,
  });
  t.match(
    draw(viewOf([makeExecution({ steps: [step] })]), 80, 24)[1],
    /Step 1\/1 +Review +attempt 2 +reviewer anthropic opus +● running/,
  );
  t.end();
});

t.test('a run without a plan shows its command, and no bar', (t) => {
  const lines = draw(viewOf([makeExecution({ process: { argv: ['make', 'test'] } })]), 80, 24);
  t.match(lines[1], '│ make test ');
  t.equal(lines.length, 4);
  t.end();
});

t.test('without a list of criteria the plan is shown', (t) => {
  const steps = ['types', 'lint', 'tests'].map((name, index) =>
    makeStep({
      id: name,
      name,
      status: index === 0 ? 'completed' : index === 1 ? 'running' : 'pending',
      startedAt: timeAt(0),
    }),
  );
  const lines = draw(viewOf([makeExecution({ steps })]), 80, 24);
  t.match(lines.join('\n'), /Step 2\/3 +lint[^]*✅ types[^]*⏳ lint[^]*○ {2}tests/);
  t.match(lines.join('\n'), ' 33%  1/3 steps');
  t.end();
});

t.test('hostile texts reach the screen as text', (t) => {
  const evil = '\u001b[2J\u001b]0;owned\u0007\u009b31m\r\n\u202e';
  const execution = makeExecution({
    name: evil,
    id: evil,
    attention: { state: 'waiting', reason: evil },
    tail: [evil, `${evil}\u001b[31mred`],
    progress: { current: 1, total: 2, unit: evil, message: evil },
    steps: [makeStep({ id: 'x', name: evil, kind: evil, status: 'running', role: evil, model: evil })],
  });
  for (const style of [PLAIN, { color: true, ascii: false }]) {
    for (const view of [viewOf([execution]), viewOf([execution, makeShipLogin()])]) {
      const text = draw(view, 80, 30, style)
        .join('\n')
        .replace(/\u001b\[[0-9;]*m/g, '');
      t.notMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    }
  }
  t.end();
});

t.test('an agent shows its model, usage, texts and calls', (t) => {
  const agent = makeExecution({
    kind: 'agent',
    name: 'fix',
    agent: { name: 'claude', model: 'opus' },
    process: { argv: ['claude', '-p'] },
    usage: { tokens: 12_208, costUsd: 0.05 },
    tail: [
      'first',
      ...Array.from({ length: 5 }, (_, n) => `line ${n}`),
      '  ▸ Bash: ls',
      'a word '.repeat(15).trim(),
      `▸ Bash: ${'x'.repeat(100)}`,
    ],
  });
  const lines = draw(viewOf([agent]), 80, 24).map((line) => line.slice(2, -1).trimEnd());
  t.match(lines[1], /^claude · opus +● running$/);
  t.match(lines[2], /12,208 tokens {2}\$0\.05$/);
  t.strictSame(lines.slice(4, -1), [
    ...['first', 'line 0', 'line 1', 'line 2', 'line 3', 'line 4', '  ▸ Bash: ls'],
    ...['a word a word a word a word a word a word a word a word a word a word a', 'word a word a word a word a word'],
    `▸ Bash: ${'x'.repeat(66)}…`,
  ]);
  const ascii = draw(viewOf([agent]), 80, 24, { color: false, ascii: true }).join('\n');
  t.match(ascii, / {3}> Bash: ls/);
  t.notMatch(ascii, /▸/);
  const program = draw(viewOf([{ ...agent, kind: 'run' }]), 80, 24);
  t.equal(program.filter((line) => line.includes('word')).length, 1, 'a program knows how wide its lines are');
  t.end();
});

t.test('meters in the output show their last state', (t) => {
  const lines = draw(viewOf([makeExecution({ tail: ['10%\r50%\r99%'] })]), 80, 24);
  t.match(lines.at(-2), /^│ 99% +│$/);
  t.end();
});

t.test('every line has the same width inside a border', (t) => {
  const widths = new Set(draw(viewOf([makeShipLogin()]), 300, 60).map(cellsOf));
  t.same([...widths], [110], 'and wide terminals are not filled');
  t.end();
});

t.test('the clock ticks only while something runs', (t) => {
  t.equal(untilTick(viewOf([])), undefined);
  t.equal(untilTick(viewOf([makeExecution({ status: 'paused' })])), undefined);
  t.equal(untilTick(viewOf([makeExecution({ status: 'completed' })])), undefined);
  t.equal(untilTick(viewOf([makeExecution()], { now: START + 60_250 })), 750, 'to the next full second');
  t.equal(untilTick(viewOf([makeExecution()], { now: START + 5_000 })), 100, 'in tenths at first');
  t.equal(untilTick(viewOf([makeExecution()], { connection: { state: 'lost', since: START } })), undefined);
  const step = makeStep({ id: 's', status: 'running', startedAt: timeAt(60_000) });
  t.equal(untilTick(viewOf([makeExecution({ steps: [step] })], { now: START + 62_000 })), 100, 'of a step as well');
  t.end();
});
