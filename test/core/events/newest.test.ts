import t from 'tap';
import type { ExecutionEvent } from '../../../src/core/events/event.js';
import { keepNewest } from '../../../src/core/events/newest.js';

let seq = 0;
const event = (type: string, data: object = {}, more: object = {}): ExecutionEvent =>
  ({ seq: ++seq, time: '2026-01-01T00:00:00.000Z', type, execution: 'a', data, ...more }) as ExecutionEvent;

const keptOf = (...events: ExecutionEvent[]): number[] =>
  keepNewest(events).flatMap((isKept, index) => (isKept ? [index] : []));

t.test('the newest line, message and count of each execution and step is kept', async (t) => {
  const output = (more: object = {}) => event('output', { text: 'x', stream: 'stdout' }, more);
  t.strictSame(keptOf(output(), output(), output()), [2]);
  t.strictSame(keptOf(output({ execution: 'b' }), output(), output({ step: 's' })), [0, 1, 2]);
  t.strictSame(keptOf(output(), event('output', { text: 'x', stream: 'stderr' })), [0, 1]);
  t.strictSame(keptOf(event('log', { message: 'a' }), event('log', { message: 'b' })), [1]);
  t.strictSame(keptOf(event('progress', { current: 1 }), event('progress', { current: 2 })), [1]);
});

t.test('nothing is left out that a newer event does not supersede', async (t) => {
  const change = event('step_started', {}, { step: 's' });
  t.strictSame(keptOf(change, change), [0, 1], 'changes of state');
  t.strictSame(keptOf(event('log', { level: 'error', message: 'a' }), event('log', { message: 'b' })), [0, 1]);
  const parts = [
    event('progress', { message: 'a' }),
    event('progress', { current: 1 }),
    event('progress', { total: 9 }),
  ];
  t.strictSame(keptOf(...parts), [0, 1, 2], 'progress with other fields');
  t.strictSame(keptOf(event('activity', { kind: 'prompt' }), event('activity', { kind: 'prompt' })), [0, 1]);
});
