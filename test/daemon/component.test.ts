import t from 'tap';
import { ProgressError } from '../../src/core/base/errors.js';
import { parseConfig } from '../../src/config/load.js';
import { type Component, Components } from '../../src/daemon/component.js';

const CONFIG = parseConfig('', 'config.yaml');

/** Components that record their calls. */
function open(names: readonly string[], more: Readonly<Record<string, Component>> = {}) {
  const diary: string[] = [];
  const components = new Components((message) => diary.push(`log ${message}`));
  for (const name of names) {
    components.add({
      start: () => void diary.push(`start ${name}`),
      onBatch: (events, lines) => diary.push(`batch ${name} ${events.length} ${lines.length}`),
      onDrain: () => diary.push(`drain ${name}`),
      configure: () => void diary.push(`configure ${name}`),
      close: () => void diary.push(`close ${name}`),
      ...more[name],
    });
  }
  return { components, diary };
}

t.test('components start, receive batches and are configured in order, and drain and close in reverse', async (t) => {
  const { components, diary } = open(['a', 'b']);
  t.equal(components.add({}).constructor, Object, 'every method is optional');
  await components.start();
  components.onBatch({ events: [], lines: ['{}'] });
  components.onDrain();
  await components.configure(CONFIG);
  await components.close();
  components.onBatch({ events: [], lines: [] });
  t.strictSame(diary, [
    ...['start a', 'start b', 'batch a 0 1', 'batch b 0 1', 'drain b', 'drain a'],
    ...['configure a', 'configure b', 'close b', 'close a'],
    ...['batch a 0 0', 'batch b 0 0'],
  ]);
});

t.test('a component starts when the one before it has started', async (t) => {
  const { components, diary } = open(['a', 'b'], {
    a: {
      async start() {
        await new Promise(setImmediate);
        diary.push('started a');
      },
    },
  });
  await components.start();
  t.strictSame(diary, ['started a', 'start b']);
});

t.test('a start that fails or is aborted starts no further component; all of them are closed', async (t) => {
  const failing = open(['a', 'b', 'c'], { b: { start: () => Promise.reject(new Error('no')) } });
  await t.rejects(failing.components.start(), { message: 'no' });
  await failing.components.close();
  t.strictSame(failing.diary, ['start a', 'close c', 'close b', 'close a']);

  const stop = new AbortController();
  const aborted = open(['a', 'b'], { a: { start: () => stop.abort() } });
  await t.rejects(aborted.components.start(stop.signal), { name: 'AbortError' });
  t.strictSame(aborted.diary, []);
});

t.test('a component that cannot be closed does not keep the others open', async (t) => {
  const fail = (message: string) => ({ close: () => Promise.reject(new ProgressError('internal', message)) });
  const { components, diary } = open(['a', 'b', 'c'], { b: fail('second'), c: fail('first') });
  await t.rejects(components.close(), { message: 'first' });
  t.strictSame(diary, ['close a', 'log while closing: second']);
});
