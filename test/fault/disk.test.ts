/** A full disk, and a disk that fails once. */
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { openSource, readJournal } from '../../src/journal/reader.js';
import { createHome } from '../helpers/daemon.js';
import { waitFor } from '../helpers/wait.js';
import { checkJournal, checkSource, countersOf, readFiles } from './helpers/journal-check.js';
import { openLines } from './helpers/line-client.js';
import { isAble, isMissing } from '../helpers/needs.js';
import { cpuSeconds } from './helpers/process.js';
import { startResender } from './helpers/resender.js';
import { isDiskMissing, startDaemonOnSmallDisk } from './helpers/small-disk.js';

t.test('a full disk', async (t) => {
  if (isDiskMissing(t)) return;
  const { pid, paths, fill, free } = await startDaemonOnSmallDisk(t, createHome(t));
  const client = await openLines(t, paths.socket);
  await client.ask({ op: 'emit', event: { type: 'execution_started', execution: 'known', data: {} } });
  const resenders = ['a', 'b'].map((source) => {
    return startResender({ socket: paths.socket, source, burst: 3, pauseMs: 20, window: 200, padding: '' });
  });
  // a client that ignores replies, and sends nothing again
  const stubborn = await openLines(t, paths.socket);
  let n = 0;
  const nagging = setInterval(
    () => void stubborn.write(`${JSON.stringify({ type: 'log', source: 'stubborn', n: n++ })}\n`),
    5,
  );
  await waitFor('something to be acknowledged', () => resenders.every(({ acked }) => acked > 20));
  fill();

  const refused = await waitFor('a refusal', async () => {
    const { error } = await client.ask({ op: 'emit', event: { type: 'log', data: {} } });
    return error;
  });
  t.match(refused, { code: 'disk_full', retryable: true, message: /free some space/ });
  const asker = { type: 'log', source: 'asker', data: {} };
  t.match(await client.ask({ op: 'emit', event: { ...asker, n: 0 } }), { error: { code: 'disk_full' } });
  await waitFor('everybody to be refused', () => resenders.every(({ refusals }) => refusals > 0));
  t.match(await client.ask({ op: 'get', execution: 'known' }), { execution: { id: 'known', status: 'running' } });
  t.match(await client.ask({ op: 'list' }), { executions: Array });
  t.match(await client.ask({ op: 'status' }), { journal: { failure: { code: 'disk_full' } } }, 'status reports it');
  const { re } = await client.ask({ op: 'subscribe', after: 0 });
  await waitFor('history to be read', () => client.lines.some(({ on, events }) => on === re && events));
  const before = cpuSeconds(pid);
  await delay(2_500);
  const used = cpuSeconds(pid) - before;
  t.ok(used < 1, `the processor is left alone (${used.toFixed(2)} s in 2.5 s)`);
  for (const { source } of resenders) checkSource(t, readFiles(t, paths.journal), { source, acked: -1 });

  free();
  await waitFor('events to be taken again', async () => {
    return (await client.ask({ op: 'emit', event: { type: 'log', data: {} } }))['seq'] !== undefined;
  });
  const { journal } = await client.ask({ op: 'status' });
  t.notOk((journal as { failure?: unknown }).failure, 'status is clean again');
  const behind = await client.ask({ op: 'emit', event: { ...asker, n: 1 } });
  t.match(behind, { error: { code: 'disk_full', message: /send n 0 of this source again first/ } });
  for (const n of [0, 1]) t.type((await client.ask({ op: 'emit', event: { ...asker, n } }))['seq'], 'number');
  clearInterval(nagging);
  await Promise.all(resenders.map((resender) => resender.finish()));
  const written = checkJournal(t, paths.journal);
  for (const resender of resenders) checkSource(t, written, resender);
  const stubbornly = countersOf(written, 'stubborn');
  t.strictSame(
    stubbornly,
    stubbornly.map((_, index) => index),
    'nothing is taken behind what was refused',
  );
  t.ok(stubbornly.length < n, 'until that is sent again');
  await stubborn.write(`${JSON.stringify({ type: 'log', source: 'stubborn', n: stubbornly.length })}\n`);
  await stubborn.write(`${JSON.stringify({ type: 'log', source: 'stubborn', n: stubbornly.length + 1 })}\n`);
  await waitFor(
    'what was sent again',
    () => countersOf(readFiles(t, paths.journal), 'stubborn').length === stubbornly.length + 2,
  );
  t.ok(
    written.some(({ type, data }) => type === 'journal_note' && data['kind'] === 'recovered'),
    'the journal notes it',
  );
});

t.test('a sync that fails once loses no acknowledged event', async (t) => {
  if (isMissing(t, 'strace', isAble('strace', '-qq', 'true'))) return;
  const home = createHome(t);
  const inject = ['-e', 'trace=fdatasync', '-e', 'inject=fdatasync:error=EIO:when=2'];
  const wrapper = ['strace', '-f', '-qq', '-o', '/dev/null', ...inject];
  const daemon = await home.startDaemon({ wrapper, env: { UV_THREADPOOL_SIZE: '1' } });
  const resender = startResender({ socket: home.paths.socket, source: 'load', burst: 10, pauseMs: 10 });
  const { journal } = home.paths;
  await waitFor('the journal to note it', () => {
    return readFiles(t, journal).some(({ type, data }) => type === 'journal_note' && data['kind'] === 'resynced');
  });
  await resender.finish();
  t.equal(resender.refusals, 0, 'no producer is affected');
  await daemon.kill();
  const counters: number[] = [];
  let last = 0;
  for await (const part of readJournal(openSource(journal))) {
    if ('gap' in part) t.fail(`a gap: ${JSON.stringify(part.gap)}`);
    else {
      for (const { seq, source, n } of part.events) {
        if (seq <= last) t.fail('seq does not increase');
        last = seq;
        if (source === 'load') counters.push(n!);
      }
    }
  }
  t.strictSame(
    counters,
    counters.map((_, index) => index),
    'each event once, in its order',
  );
  t.ok(counters.length > resender.acked);
});
