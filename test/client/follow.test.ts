import { getEventListeners } from 'node:events';
import type { Test } from 'tap';
import t from 'tap';
import type { Followed } from '../../src/client/follow.js';
import { follow } from '../../src/client/follow.js';
import type { ExecutionEvent } from '../../src/core/events/event.js';
import { encodeLine } from '../../src/protocol/lines.js';
import type { Answer, Line } from '../helpers/fake-daemon.js';
import { createPaths, HELLO, listenAs } from '../helpers/fake-daemon.js';
import { createHome } from '../helpers/daemon.js';
import { numbered } from '../helpers/events.js';
import { waitFor, waitUntilStable } from '../helpers/wait.js';

/** Follows in the background and records the results. */
function collect(t: Test, options: Parameters<typeof follow>[0]) {
  const followed: Followed[] = [];
  const abort = new AbortController();
  const done = (async () => {
    for await (const one of follow({ ...options, signal: abort.signal })) followed.push(one);
  })();
  t.teardown(() => abort.abort());
  const events = (): ExecutionEvent[] => followed.flatMap((one) => (one.kind === 'events' ? one.events : []));
  return { followed, abort, done, events };
}

const subscribes = (lines: Line[]) => lines.filter(({ op }) => op === 'subscribe');
const answer: Answer = ({ op }) => (op === 'hello' ? HELLO : op === 'subscribe' ? { after: 7, seq: 9 } : undefined);

t.test('it reconnects, resumes at its position in its journal, and reports the interruption', async (t) => {
  const paths = createPaths(t);
  const first = await listenAs(t, paths, answer);
  const { followed, events, abort, done } = collect(t, { paths, start: false, subscribe: { types: ['log'] } });
  await waitFor('the subscription', () => followed.length === 1);
  t.match(followed[0], { kind: 'connected', hello: HELLO });
  for (const socket of first.sockets) {
    socket.write(encodeLine({ on: 1, events: numbered([{ type: 'log' }, { type: 'log' }], 8) }));
    socket.write(encodeLine({ on: 1, position: 20 }));
  }
  await waitFor('the events', () => events().length === 2);
  await first.close();
  await waitFor('the loss', () => followed.at(-1)?.kind === 'lost');
  t.match(followed.at(-1), { attempt: 0, error: { code: 'unavailable' } });
  await waitFor('another attempt', () => followed.some((one) => one.kind === 'lost' && one.attempt === 1));
  const second = await listenAs(t, paths, answer);
  await waitFor('the return', () => followed.at(-1)?.kind === 'connected');
  t.match(subscribes(second.lines), [{ types: ['log'], after: 20, journal: 'j1' }]);
  abort.abort();
  await done;
});

t.test('a gap and a reset are reported, and advance the position', async (t) => {
  const paths = createPaths(t);
  const daemon = await listenAs(t, paths, answer);
  const { followed } = collect(t, { paths, start: false, subscribe: { after: 0 } });
  await waitFor('the subscription', () => followed.length === 1);
  for (const push of [{ gap: { from: 1, to: 30, why: 'retention' } }, { reset: { why: 'future', from: 12 } }]) {
    for (const socket of daemon.sockets) socket.write(encodeLine({ on: 1, ...push }));
    await waitFor('it', () => Object.keys(push)[0] === followed.at(-1)?.kind);
    for (const socket of daemon.sockets) socket.destroy();
    await waitFor('the return', () => followed.at(-1)?.kind === 'connected');
  }
  t.strictSame(
    subscribes(daemon.lines).map(({ after }) => after),
    [0, 30, 12],
  );
});

t.test('a failure of the first connection is thrown; with a position to resume at it is retried', async (t) => {
  const paths = createPaths(t);
  await t.rejects(collect(t, { paths, start: false, subscribe: {} }).done, { code: 'unavailable' });
  const resume = { after: 3, journal: 'j1' };
  const { followed } = collect(t, { paths, start: false, subscribe: {}, resume });
  await waitFor('the loss', () => followed[0]?.kind === 'lost');
  const daemon = await listenAs(t, paths, answer);
  await waitFor('the connection', () => followed.at(-1)?.kind === 'connected');
  t.match(subscribes(daemon.lines), [resume]);
});

t.test('a slow consumer applies backpressure, so memory is bounded', async (t) => {
  const paths = createPaths(t);
  const line = encodeLine({
    on: 1,
    events: [{ seq: 1, time: '', type: 'log', data: { message: 'x'.repeat(60_000) } }],
  });
  let pushed = 0;
  await listenAs(t, paths, (request, socket) => {
    if (request['op'] !== 'subscribe') return answer(request, socket);
    socket.on('drain', push);
    setImmediate(push);
    function push(): void {
      while (pushed < 2_000 && (pushed++, socket.write(line)));
    }
    return { after: 0, seq: 0 };
  });
  const abort = new AbortController();
  const followed = follow({ paths, start: false, subscribe: {}, signal: abort.signal });
  await followed.next();
  t.match(await followed.next(), { value: { kind: 'events' } });
  await waitUntilStable('the number of pushes', () => pushed);
  t.ok(pushed < 500, `${pushed} of 2000 lines were taken`);
  let taken = 1;
  while (taken < 2_000) {
    await followed.next();
    taken++;
  }
  t.equal(pushed, 2_000, 'reading continues when the consumer does');
  abort.abort();
});

t.test('a consumer that stops closes the connection', async (t) => {
  const paths = createPaths(t);
  const daemon = await listenAs(t, paths, answer);
  const { followed, abort, done } = collect(t, { paths, start: false, subscribe: {} });
  await waitFor('the subscription', () => followed.length === 1);
  abort.abort();
  await done;
  await waitFor('the end of the connection', () => daemon.sockets.size === 0);
});

t.test('1,000 reconnects leak no listener, socket or timer', async (t) => {
  const paths = createPaths(t);
  const daemon = await listenAs(t, paths, answer);
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  process.on('warning', onWarning);
  t.teardown(() => process.off('warning', onWarning));
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  const resources = () => process.getActiveResourcesInfo().length;
  const { signal } = abort;
  const followed = follow({ paths, start: false, subscribe: {}, signal, retryMs: 0 });
  let before = 0;
  for (let round = 0; round <= 1_000; round++) {
    let next = await followed.next();
    while (!next.done && next.value.kind !== 'connected') next = await followed.next();
    if (round === 10) before = resources();
    for (const socket of daemon.sockets) socket.destroy();
  }
  const listeners = getEventListeners(signal, 'abort').length;
  t.ok(listeners <= 2, `${listeners} listeners`);
  t.ok(resources() <= before + 5, `${resources()} resources, ${before} before`);
  t.same(warnings, []);
});

t.test('restarts of a real daemon lose and duplicate no event', async (t) => {
  const home = createHome(t);
  const daemons = [await home.startDaemon()];
  const { events } = collect(t, { paths: home.paths, start: false, subscribe: { after: 0, types: ['log'] } });
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < 20; n++) {
      const client = await home.connect();
      await client.call('emit', { event: { type: 'log', data: { round, n } } });
      await client.close();
    }
    await daemons.at(-1)!.kill(round % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
    daemons.push(await home.startDaemon());
  }
  await waitFor('all events', () => events().length >= 60);
  t.strictSame(
    events().map(({ data }) => `${String(data['round'])}/${String(data['n'])}`),
    Array.from({ length: 60 }, (_, index) => `${Math.floor(index / 20)}/${index % 20}`),
  );
});
