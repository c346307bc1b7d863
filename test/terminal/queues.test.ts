import t from 'tap';
import type { QueueView } from '../../src/core/state/queues.js';
import { queueLines } from '../../src/terminal/queues.js';
import { cellsOf } from '../../src/terminal/width.js';
import { makeExecution, START, timeAt } from '../helpers/models.js';
import { between, createRandom } from '../helpers/random.js';
import { randomExecution, randomText } from '../helpers/random-models.js';

const OPTIONS = { now: START + 401_000, columns: 80, style: { color: false, ascii: false }, prefixes: new Map() };
const BUILD: QueueView = { name: 'build', slots: 2, paused: true, running: ['aaaa'], waiting: ['bbbb', 'cccc'] };

function byId(...executions: ReturnType<typeof makeExecution>[]) {
  return new Map(executions.map((execution) => [execution.id, execution]));
}

t.test('a queue has its slots, and a line for each of its executions', (t) => {
  const waiting = makeExecution({ id: 'bbbb', name: 'tests', status: 'queued', queuedAt: timeAt(0), after: ['aaaa'] });
  const known = byId(makeExecution({ id: 'aaaa', name: 'compile' }), waiting);
  t.same(queueLines([BUILD], known, OPTIONS), [
    'build  paused, 1 of 2 slots taken, 2 waiting',
    '  ●  aaaa  6:41  compile',
    '  1  bbbb    6m  tests (after aaaa)',
    '  2  cccc',
  ]);
  t.same(queueLines([], new Map(), OPTIONS), ['No queues. progress run --queue NAME -- command makes one.']);
  t.end();
});

t.test('on a narrow terminal names are cut last, and the time is omitted', (t) => {
  const known = byId(makeExecution({ id: 'aaaa', name: 'npm run build:production' }));
  t.same(queueLines([{ ...BUILD, waiting: [] }], known, { ...OPTIONS, columns: 27 }), [
    'build  paused, 1 of 2 slot…',
    '  ●  aaaa  npm run build:p…',
  ]);
  t.end();
});

t.test('no line is wider than the terminal', (t) => {
  for (const columns of [20, 40, 60, 80, 120]) {
    for (let seed = 1; seed <= 100; seed++) {
      const random = createRandom(seed);
      const executions = Array.from({ length: between(random, 0, 6) }, (_, index) => randomExecution(random, index));
      const ids = executions.map(({ id }) => id);
      const running = ids.splice(0, between(random, 0, 3));
      const queue: QueueView = { name: randomText(random), slots: 2, paused: random() < 0.5, running, waiting: ids };
      const lines = queueLines([queue, BUILD], byId(...executions), { ...OPTIONS, columns });
      const widest = Math.max(...lines.map(cellsOf));
      if (widest > columns) t.fail(`${widest} cells at ${columns}, seed ${seed}:\n${lines.join('\n')}`);
    }
  }
  t.end();
});
