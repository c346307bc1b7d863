/** Killed anywhere between an event and the record of its alert, the daemon sends it at least once, with one ID. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { Home } from '../helpers/daemon.js';
import { createHome } from '../helpers/daemon.js';
import { readAll } from '../helpers/journal.js';
import { shortOrLong } from '../helpers/long.js';
import type { Target } from '../helpers/target.js';
import { startTarget } from '../helpers/target.js';
import { waitFor } from '../helpers/wait.js';

const ROUNDS = shortOrLong(3, 100);

interface Delivery {
  id: string;
  execution: string;
}

/** The alerts that a target has received. */
const deliveriesTo = ({ asked }: Target): Delivery[] =>
  asked.map(({ body }) => {
    const { id, execution } = JSON.parse(body) as { id: string; execution: { id: string } };
    return { id, execution: execution.id };
  });

function configure(home: Home, url: string): void {
  mkdirSync(path.dirname(home.paths.config), { recursive: true });
  const lines = [
    ...['alerts:', '  rate: 1000', 'rules:', '  - name: ops', '    when: { status: failed }', '    notify: ops'],
    ...['channels:', '  ops:', '    type: webhook', `    url: ${url}`],
  ];
  writeFileSync(home.paths.config, `${lines.join('\n')}\n`);
}

async function fail(home: Home, execution: string): Promise<void> {
  const client = await home.connect();
  await client.call('emit', { event: { type: 'execution_failed', execution } });
  await client.close();
}

/** Outcomes of alerts in the journal. */
async function outcomes(home: Home): Promise<unknown[]> {
  const { events } = await readAll(home.paths.journal);
  return events.filter(({ type }) => type === 'alert_triggered').map(({ data }) => data['outcome']);
}

t.test('killed while the target reads the alert: sends it again with the same ID, once', async (t) => {
  const home = createHome(t);
  let kill: (() => void) | undefined;
  const target = await startTarget(t, (response) => (kill ? kill() : response.end()));
  configure(home, target.url());
  const first = await home.startDaemon();
  kill = () => process.kill(first.pid, 'SIGKILL');
  await fail(home, 'a').catch(() => undefined);
  await waitFor('the first attempt', () => deliveriesTo(target).length === 1);
  await first.kill();
  t.strictSame(await outcomes(home), ['pending']);
  kill = undefined;
  const second = await home.startDaemon();
  await waitFor('the second attempt', async () => (await outcomes(home)).includes('sent'));
  const [attempt, again, ...others] = deliveriesTo(target);
  t.equal(attempt?.id, again?.id);
  t.strictSame(others, []);
  await second.kill();
  const third = await home.startDaemon();
  await fail(home, 'b');
  await waitFor('what comes then', () => deliveriesTo(target).some(({ execution }) => execution === 'b'));
  t.equal(deliveriesTo(target).length, 3);
  await third.kill();
});

t.test('killed while the target is down: sends the alert when both are back', async (t) => {
  const home = createHome(t);
  configure(home, 'http://localhost:1/');
  const first = await home.startDaemon();
  await fail(home, 'a');
  await waitFor('its record', async () => (await outcomes(home)).length === 1);
  await first.kill();
  const target = await startTarget(t, (response) => response.end());
  configure(home, target.url());
  await home.startDaemon();
  await waitFor('the alert', () => deliveriesTo(target).length === 1);
});

t.test('kill -9 in a loop while executions fail', async (t) => {
  const home = createHome(t);
  const target = await startTarget(t, (response) => response.end());
  configure(home, target.url());
  mkdirSync(home.paths.spool, { recursive: true, mode: 0o700 });
  const file = path.join(home.paths.spool, 'sh-1-k.ndjson');
  let count = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const daemon = await home.startDaemon();
    const before = deliveriesTo(target).length;
    for (let written = 0; written < 50 && deliveriesTo(target).length < before + 5; written++) {
      appendFileSync(file, `{"type":"execution_failed","execution":"x${count++}"}\n`);
      await delay(Math.random() * 10);
    }
    await waitFor('some alerts', () => deliveriesTo(target).length >= before + 5);
    await daemon.kill();
  }
  await home.startDaemon();
  await waitFor('all alerts', () => new Set(deliveriesTo(target).map(({ execution }) => execution)).size === count);
  await waitFor('all of it to be recorded', async () => {
    const found = await outcomes(home);
    return (
      found.filter((outcome) => outcome === 'pending').length === found.filter((outcome) => outcome === 'sent').length
    );
  });
  const deliveries = deliveriesTo(target);
  const ids = new Set(deliveries.map(({ id }) => id));
  t.equal(ids.size, count, 'one id for each, however often it was sent');
  t.ok(deliveries.length - count <= ROUNDS, `${deliveries.length - count} of ${count} were sent twice`);
});
