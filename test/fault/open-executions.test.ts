/** Executions that never end: none is refused, ended or evicted, and only the active ones are in memory in detail. */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import t from 'tap';
import { createHome } from '../helpers/daemon.js';
import { shortOrLong } from '../helpers/long.js';

const COUNT = shortOrLong(8_000, 60_000);
/** Memory without any, after reading them again, and per summary. Complete ones take ten times as much. */
const RSS_BYTES = 140e6 + COUNT * 3_000;
const LINES = 12;
/** Two bytes per character in memory. */
const LINE = `Ω${'x'.repeat(390)}\n`;
const TEXT = `Ω${'x'.repeat(2_000)}`;

function* linesOf(from: number, to: number): Generator<string> {
  for (let at = from; at < to; at++) {
    const execution = `open-${at}`;
    const events = [
      { type: 'execution_started', execution, data: { name: `job ${at}`, argv: ['make', String(at)] } },
      { type: 'step_completed', execution, step: 'configure', data: { input: TEXT, output: TEXT } },
      { type: 'step_started', execution, step: 'compile', data: { name: 'Compile' } },
      { type: 'output', execution, data: { text: LINE.repeat(LINES) } },
    ];
    yield events.map((event) => JSON.stringify(event)).join('\n') + '\n';
  }
}

t.test(`${COUNT} executions that are open at once`, async (t) => {
  const home = createHome(t);
  let daemon = await home.startDaemon();
  let client = await home.connect();
  const socket = createConnection(home.paths.socket).resume();
  let ahead = 0;
  for (const lines of linesOf(0, COUNT)) {
    if (!socket.write(lines)) await once(socket, 'drain');
    if (++ahead % 2_000 !== 0) continue;
    const { execution, seq } = await client.call('get', { execution: 'open-0' });
    t.ok(execution.lastSeq <= seq, 'while more comes, the reply says up to where it holds');
  }
  socket.write(`{"op":"emit","id":1,"event":{"type":"log","execution":"open-1","data":{"message":"the last one"}}}\n`);
  await once(socket, 'data');
  socket.destroy();

  const check = async (when: string) => {
    const { executions, rss } = await client.call('status', {});
    t.strictSame(executions, { alive: COUNT, ended: 0, summarised: 0 }, `${when}: all are open`);
    t.comment(`${when}: ${Math.round(rss / 1e6)} MB`);
    const { execution } = await client.call('get', { execution: 'open-0' });
    const steps = [
      { id: 'configure', status: 'completed' },
      { id: 'compile', name: 'Compile', status: 'running' },
    ];
    t.match(
      execution,
      { name: 'job 0', status: 'running', steps, lines: LINES + 3 },
      `${when}: the oldest is complete`,
    );
    t.equal(execution.tail.length, LINES);
    return rss;
  };
  await check('live');
  const { executions } = await client.call('list', { limit: 1_000 });
  t.equal(executions.length, 1_000);
  await client.close();
  await daemon.kill('SIGTERM');
  daemon = await home.startDaemon();
  client = await home.connect();
  // garbage is collected before the measurement
  const rss = await check('after a restart');
  t.ok(rss < RSS_BYTES, `${Math.round(rss / 1e6)} MB`);
  await client.call('emit', { event: { type: 'execution_completed', execution: 'open-0' } });
  t.match((await client.call('get', { execution: 'open-0' })).execution, { status: 'completed', steps: [{}, {}] });
  t.equal((await client.call('status', {})).executions.alive, COUNT - 1);
  await client.close();
  await daemon.kill('SIGKILL');
});
