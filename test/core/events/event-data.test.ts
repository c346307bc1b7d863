/** Type tests of events: what compiles here is narrowed in the library. */
import t from 'tap';
import type { EventDataByType, EventOf, ExecutionEvent, Progress } from '../../../src/index.js';
import { isKnownEvent } from '../../../src/index.js';
import { EVENT_TYPES } from '../../../src/core/events/event.js';

const event = (type: string, data: Record<string, unknown>): ExecutionEvent => ({
  seq: 1,
  time: '2026-11-20T12:48:46.123Z',
  type,
  data,
});

/** Only compiled: the type of an event narrows its data. */
function shareOf(known: EventOf<'progress' | 'output'>): number {
  if (known.type === 'output') return known.data.text?.length ?? 0;
  const { current = 0, total = 1 }: EventDataByType['progress'] = known.data;
  // @ts-expect-error a field of another type
  const text: string | undefined = known.data.text;
  return text === undefined ? current / total : 0;
}

/** Only compiled: a subscription to known types yields these, any other one yields all events. */
async function* subscriptions(client: Progress, types: string[]) {
  for await (const { type, data } of client.subscribe({ types: ['progress'] })) {
    const current: number | undefined = data.current;
    yield `${type satisfies 'progress'} ${current}`;
  }
  for await (const given of client.subscribe({ types })) yield given.data['current'] satisfies unknown;
  for await (const given of client.subscribe()) yield given.type satisfies string;
}

t.test('an event of a known type has typed data', (t) => {
  const given = event('progress', { current: 1, total: 4 });
  if (!isKnownEvent(given) || given.type !== 'progress') throw new Error('not narrowed');
  t.equal(shareOf(given), 0.25);
  t.type(subscriptions, 'function');
  t.end();
});

t.test('every type of the table is known, and others are not', (t) => {
  t.ok(EVENT_TYPES.every((type) => isKnownEvent(event(type, {}))));
  for (const type of ['task.started', 'constructor', '']) t.notOk(isKnownEvent(event(type, {})), type);
  t.end();
});
