import t from 'tap';
import type { RuleConfig } from '../../src/config/alert-schema.js';
import { createAlertBench } from '../helpers/alert-bench.js';
import type { Draft } from '../helpers/events.js';
import { folded } from '../helpers/events.js';

let count = 0;

/** An execution with a new ID that ends like this. */
function run(end: string, name = 'nightly', data = {}): Draft[] {
  const execution = `e${++count}`;
  return [
    { type: 'execution_started', execution, data: { name } },
    { type: `execution_${end}`, execution, data },
  ];
}

function bench(...rules: (Partial<RuleConfig> | 'builtin')[]) {
  const bench = createAlertBench({ rules });
  return {
    ...bench,
    /** Titles of the alerts sent while these run one after the other. */
    titles: async (...runs: Draft[][]) => {
      const before = bench.sent.length;
      for (const events of runs) {
        await bench.write(...events);
        await bench.settle();
      }
      return bench.sent.slice(before).map(({ title }) => title);
    },
  };
}

const FAILED = '✗ nightly failed';
const when = { status: ['failed', 'timeout'] as const };

t.test('each match fires by default', async (t) => {
  const { titles } = bench({ when });
  t.strictSame(await titles(run('failed'), run('failed'), run('completed'), run('failed')), [FAILED, FAILED, FAILED]);
});

t.test('repeat: streak fires once for consecutive failures of a name', async (t) => {
  const { titles, restart } = bench({ when, repeat: 'streak' });
  t.strictSame(await titles(run('failed'), run('failed'), run('timeout')), [FAILED]);
  t.strictSame(await titles(run('failed', 'other'), run('failed', 'other')), ['✗ other failed']);
  t.strictSame(await titles(run('cancelled'), run('failed')), [], 'what a user stops has neither failed nor succeeded');
  restart();
  t.strictSame(await titles(run('failed')), [], 'a restart breaks no streak');
  t.strictSame(await titles(run('completed'), run('failed'), run('failed')), [FAILED], 'a success does');
});

t.test('a streak fires at the first failure that matches the rule', async (t) => {
  const { titles } = bench({ when: { exitStatus: [2] }, repeat: 'streak' });
  const exit = (exitCode: number) => run('failed', 'nightly', { exitCode });
  t.strictSame(await titles(exit(1), exit(2), exit(2)), [FAILED]);
});

t.test('a failure and a success in one write end the streak before the alert is written', async (t) => {
  const { titles } = bench({ when, repeat: 'streak' });
  t.strictSame(await titles([...run('failed'), ...run('completed')], run('failed')), [FAILED, FAILED]);
});

t.test('recovered is the first success of a name after a failure', async (t) => {
  const { titles, sent, restart } = bench({ when: { status: ['recovered'] } });
  t.strictSame(await titles(run('completed'), run('failed'), run('failed', 'other')), []);
  restart();
  t.strictSame(await titles(run('timeout'), run('cancelled'), run('completed')), ['✓ nightly recovered']);
  t.match(sent.at(-1)?.body, /^after 2 failures/);
  t.strictSame(await titles(run('completed'), run('completed')), []);
  t.strictSame(await titles(run('completed', 'other')), ['✓ other recovered']);
  t.match(sent.at(-1)?.body, /^after 1 failure/);
});

t.test('a status is any of several, and a success without a previous failure is completed', async (t) => {
  const { titles } = bench({ when: { status: ['failed', 'recovered'] }, repeat: 'streak' });
  t.strictSame(await titles(run('failed'), run('failed'), run('completed'), run('completed'), run('failed')), [
    FAILED,
    '✓ nightly recovered',
    FAILED,
  ]);
  const both = bench({ when: { status: ['completed'] } });
  t.strictSame(await both.titles(run('failed'), run('completed')), ['✓ nightly completed']);
});

t.test('a late end of a lost execution counts', async (t) => {
  const lost = run('lost');
  const execution = lost[0]?.execution ?? '';
  const state = folded([...lost, { type: 'execution_completed', execution }]);
  t.strictSame(
    [...state.alerts.streaks.values()].map(({ failures, ended }) => [failures, ended]),
    [[0, 0]],
  );
});
