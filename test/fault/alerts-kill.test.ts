/** Killed anywhere between an event and the record of its alert, the daemon sends it at least once, with one ID. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import type { Home } from '../helpers/daemon.js';
import { createHome } from '../helpers/daemon.js';
import { readAll } from '../helpers/journal.js';
import { shortOrLong } from '../helpers/long.js';
import { waitFor } from '../helpers/wait.js';

const ROUNDS = shortOrLong(3, 100);

interface Delivery {
  id: string;
  execution: string;
}

/** A target for webhooks on a port of its own; `answer` sends the responses. */
async function startTarget(t: Test, answer: (delivery: Delivery, response: ServerResponse) => unknown) {
  const deliveries: Delivery[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const alert = JSON.parse(body) as { id: string; execution: { id: string } };
      const one = { id: alert.id, execution: alert.execution.id };
      deliveries.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { deliveries, port };
}

function configure(home: Home, port: number): void {
  mkdirSync(path.dirname(home.paths.config), { recursive: true });
  const lines = [
    ...['alerts:', '  rate: 1000', 'rules:', '  - name: ops', '    when: { status: failed }', '    notify: ops'],
    ...['channels:', '  ops:', '    type: webhook', `    url: http://127.0.0.1:${port}/`],
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
  const { deliveries, port } = await startTarget(t, (_delivery, response) => (kill ? kill() : response.end()));
  configure(home, port);
  const first = await home.startDaemon();
  kill = () => process.kill(first.pid, 'SIGKILL');
  await fail(home, 'a').catch(() => undefined);
  await waitFor('the first attempt', () => deliveries.length === 1);
  await first.kill();
  t.strictSame(await outcomes(home), ['pending']);
  kill = undefined;
  const second = await home.startDaemon();
  await waitFor('the second attempt', async () => (await outcomes(home)).includes('sent'));
  t.equal(deliveries.length, 2);
  t.equal(deliveries[0]?.id, deliveries[1]?.id);
  await second.kill();
  const third = await home.startDaemon();
  await fail(home, 'b');
  await waitFor('what comes then', () => deliveries.some(({ execution }) => execution === 'b'));
  t.equal(deliveries.length, 3);
  await third.kill();
});

t.test('killed while the target is down: sends the alert when both are back', async (t) => {
  const home = createHome(t);
  configure(home, 1);
  const first = await home.startDaemon();
  await fail(home, 'a');
  await waitFor('its record', async () => (await outcomes(home)).length === 1);
  await first.kill();
  const { deliveries, port } = await startTarget(t, (_delivery, response) => response.end());
  configure(home, port);
  await home.startDaemon();
  await waitFor('the alert', () => deliveries.length === 1);
});

t.test('kill -9 in a loop while executions fail', async (t) => {
  const home = createHome(t);
  const { deliveries, port } = await startTarget(t, (_delivery, response) => response.end());
  configure(home, port);
  mkdirSync(home.paths.spool, { recursive: true, mode: 0o700 });
  const file = path.join(home.paths.spool, 'sh-1-k.ndjson');
  let count = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const daemon = await home.startDaemon();
    const before = deliveries.length;
    for (let written = 0; written < 50 && deliveries.length < before + 5; written++) {
      appendFileSync(file, `{"type":"execution_failed","execution":"x${count++}"}\n`);
      await delay(Math.random() * 10);
    }
    await waitFor('some alerts', () => deliveries.length >= before + 5);
    await daemon.kill();
  }
  await home.startDaemon();
  await waitFor('all alerts', () => new Set(deliveries.map(({ execution }) => execution)).size === count);
  await waitFor('all of it to be recorded', async () => {
    const found = await outcomes(home);
    return (
      found.filter((outcome) => outcome === 'pending').length === found.filter((outcome) => outcome === 'sent').length
    );
  });
  const ids = new Set(deliveries.map(({ id }) => id));
  t.equal(ids.size, count, 'one id for each, however often it was sent');
  t.ok(deliveries.length - count <= ROUNDS, `${deliveries.length - count} of ${count} were sent twice`);
});
