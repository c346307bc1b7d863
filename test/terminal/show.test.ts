import t from 'tap';
import { showLines } from '../../src/terminal/show.js';
import { cellsOf } from '../../src/terminal/width.js';
import { randomExecution } from '../helpers/random-models.js';
import { createRandom } from '../helpers/random.js';
import { makeExecution, makeShipLogin, makeStep, START, timeAt } from '../helpers/models.js';

const STYLE = { color: false, ascii: false };
const OPTIONS = { now: START + 401_000, columns: 90, style: STYLE };

t.test('steps are a tree with durations and a timeline', (t) => {
  const lines = showLines(makeShipLogin(), OPTIONS);
  t.same(lines.slice(lines.indexOf('') + 1), [
    '✓ us-1 · Sign in                                                1:00  ▇▇▇',
    '✓ us-2 · Sign out                                               1:30    ▇▇▇▇▇',
    '● us-3 · Add password reset  2/5                                4:11         ▇▇▇▇▇▇▇▇▇▇▇▇▇',
    '  ● Run integration tests                                       1:04                  ▇▇▇▇',
    '  ✓ Reset link is e-mailed                                       48s           ▇▇▇',
    '  ✓ Token expires after 30 minutes                              1:12           ▇▇▇▇▇',
    '  ✗ Used token is rejected  failed · expected 401, got 200       31s                ▇▇▇',
    '  ● Rate limit: 5 per hour                                       31s                    ▇▇',
    '  ○ Audit entry is written',
  ]);
  t.end();
});

t.test('the header says what is known, and nothing else', (t) => {
  const execution = makeExecution({
    process: { argv: ['npm', 'test', "it's"], cwd: '/src', pid: 12 },
    queue: 'heavy',
    labels: { team: 'web' },
    resources: { cpu: 71.2, cpuSeconds: 61, rss: 1024, peakRss: 2048, processes: 3 },
    usage: { tokens: 12_345, costUsd: 0.4 },
  });
  const header = showLines(execution, OPTIONS);
  t.same(
    header.filter((line) => !line.startsWith('started')),
    [
      'ship-login-page',
      'id        7hq2m4kd9x',
      'kind      task',
      'status    ● running',
      "command   npm test 'it'\\''s'",
      'directory /src',
      'pid       12',
      'queue     heavy',
      'labels    team=web',
      'elapsed   6:41',
      'resources CPU 71% · 1:01 of CPU · memory 1.0 KiB · peak 2.0 KiB · 3 processes',
      'spent     12,345 tokens · $0.40',
    ],
  );
  t.end();
});

t.test('a command is shown as it was typed, with its directory', (t) => {
  const typed = {
    kind: 'command',
    process: { argv: ["echo 'a b' | cat"], cwd: '/src', tty: '/dev/pts/3', tmux: '%5' },
  };
  const header = showLines(makeExecution(typed), OPTIONS);
  t.ok(header.includes("command   echo 'a b' | cat"));
  t.ok(header.includes('terminal  /dev/pts/3, tmux pane %5'));
  t.notOk(showLines(makeExecution({ kind: 'run' }), OPTIONS).some((line) => line.startsWith('terminal')));
  t.end();
});

t.test('an ended execution has its outcome, error and successor', (t) => {
  const lines = showLines(
    makeExecution({
      status: 'failed',
      outcome: { exitCode: 1, error: 'tests failed', summary: 'Too bad.' },
      durationMs: 432_000,
      process: { pid: 12 },
      successor: 'x~2',
    }),
    OPTIONS,
  );
  t.ok(lines.includes('status    failed after 7:12, exit 1'), lines.join('\n'));
  t.ok(lines.includes('next      started again as x~2'));
  t.notMatch(lines.join('\n'), 'pid');
  t.same(lines.slice(-3), ['', 'tests failed', 'Too bad.']);
  t.end();
});

t.test('the model of a step is shown next to it', (t) => {
  const step = makeStep({
    id: 's',
    name: 'Review',
    status: 'completed',
    durationMs: 5,
    role: 'reviewer',
    model: 'opus',
    attempts: 2,
    commits: ['abc'],
  });
  t.match(
    showLines(makeExecution({ steps: [step] }), { ...OPTIONS, columns: 70 }).at(-1),
    '✓ Review  attempt 2 · reviewer opus · abc',
  );
  t.end();
});

t.test('cycles, unknown parents and deep nesting terminate', (t) => {
  const circle = [
    makeStep({ id: 'a', parent: 'b' }),
    makeStep({ id: 'b', parent: 'a' }),
    makeStep({ id: 'c', parent: 'gone' }),
  ];
  const lines = showLines(makeExecution({ steps: circle }), OPTIONS);
  t.same(lines.slice(-3), ['○ c', '○ a', '  ○ b']);
  const chain = Array.from({ length: 5_000 }, (_, index) =>
    makeStep({ id: `s${index}`, parent: `s${index - 1}`, startedAt: timeAt(0) }),
  );
  t.ok(showLines(makeExecution({ steps: chain }), OPTIONS).every((line) => cellsOf(line) <= 90));
  t.end();
});

t.test('any execution fits the width and is safe to print', (t) => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const columns = 20 + (seed % 120);
    const lines = showLines(randomExecution(createRandom(seed), seed), { ...OPTIONS, columns });
    const tooWide = lines.find((line) => cellsOf(line) > columns);
    if (tooWide !== undefined) t.fail(`seed ${seed}: ${JSON.stringify(tooWide)} in ${columns}`);
    if (/[\u0000-\u001f\u009b\u202e]/.test(lines.join(''))) t.fail(`seed ${seed}: control character`);
  }
  t.pass('200 executions');
  t.end();
});

t.test('a queued run shows what it waits for', (t) => {
  const { startedAt: _never, ...queued } = makeExecution({
    status: 'queued',
    queue: 'build',
    queuedAt: timeAt(0),
    after: ['aaaa', 'bbbb'],
  });
  const lines = showLines(queued, { ...OPTIONS, now: START + 180_000, position: 2 });
  for (const pattern of [/^status +◦ queued$/, /^queue +build, position 2$/, /^after +aaaa bbbb$/, /^waited +3m$/])
    t.ok(
      lines.some((line) => pattern.test(line)),
      String(pattern),
    );
  t.end();
});

t.test('a failed command shows the end of its output, unless steps say what failed', (t) => {
  const tail = Array.from({ length: 12 }, (_, n) => `line ${n + 1}`);
  const failed = makeExecution({ status: 'failed', tail, lines: 40, outcome: { exitCode: 2 } });
  const lines = showLines(failed, OPTIONS);
  t.same(lines.slice(lines.indexOf('line 3') - 2), [
    '',
    'end of the output; progress logs 7hq2m4kd9x prints all',
    ...tail.slice(2),
  ]);
  t.match(showLines({ ...failed, tail: ['one'], lines: 1 }, OPTIONS).slice(-2), ['output', 'one']);
  t.notMatch(showLines({ ...failed, status: 'completed' }, OPTIONS).join('\n'), 'line 12');
  t.notMatch(showLines({ ...failed, steps: makeShipLogin().steps }, OPTIONS).join('\n'), 'line 12');
  t.end();
});

t.test('long values are wrapped, long names of steps leave room for what happened; in a pipe nothing is', (t) => {
  const command = ['make', ...Array.from({ length: 12 }, (_, n) => `target-${n}`)];
  const step = makeStep({ id: 'a', name: 'x'.repeat(90), status: 'failed', error: 'expected 401', durationMs: 1_000 });
  const execution = makeExecution({ kind: 'run', process: { argv: command }, steps: [step] });
  const lines = showLines(execution, { ...OPTIONS, columns: 60 });
  t.ok(lines.every((line) => cellsOf(line) <= 60));
  t.match(lines.join('\n'), /^command +make target-0 .*\n {10}target-\d+ /m);
  t.match(lines.join('\n'), /^✗ x+… {2}failed · expected 401 +1\.0s$/m);
  const piped = showLines(execution, { ...OPTIONS, columns: Infinity }).join('\n');
  t.match(piped, /^command +make .*target-11$/m);
  t.match(piped, /^✗ x{90} {2}failed · expected 401 +1\.0s/m);
  t.end();
});
