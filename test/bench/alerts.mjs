// What rules cost whoever only writes, and what ten thousand alerts cost that nobody takes.
import { rmSync } from 'node:fs';
import { measureIngest } from './ingest.mjs';
import { megabytes, median, openClient, report, startDaemon, thousands, usageOf, waitFor } from './harness.mjs';

const EVENTS = Number(process.env.EVENTS ?? 300_000);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const RULES = 100;
const PENDING = 10_000;

/** As a configuration; `when` of the rule with that number. */
const rules = (when) =>
  `rules:\n${Array.from({ length: RULES }, (_, at) => `  - { name: r${at}, when: ${when(at)} }\n`).join('')}`;

const SETS = {
  'about ends, steps, questions and resources': rules(
    (at) =>
      [
        `{ status: failed, name: "job-${at}-*" }`,
        `{ step: "deploy-${at}" }`,
        `{ attention: waiting, label: { team: t${at} } }`,
        `{ resource: { cpu: ${at + 1}, for: 1m } }`,
      ][at % 4],
  ),
  'about output, none of this execution': rules((at) => `{ output: "error ${at}: .*", name: "job-${at}-*" }`),
  'about output of whatever execution': rules((at) => `{ output: "error ${at}: .*" }`),
};

/** Rates of all configurations, taken in turn, so that what else the machine does hits all of them. */
async function measureRules() {
  const rates = new Map([['none', []], ...Object.keys(SETS).map((name) => [name, []])]);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, found] of rates) {
      const { perSecond, home } = await measureIngest(EVENTS, SETS[name] ?? 'rules: []\n');
      rmSync(home, { recursive: true, force: true });
      found.push(perSecond);
    }
  }
  return new Map([...rates].map(([name, found]) => [name, median(found)]));
}

/** A target that refuses every connection; memory before anything fails, and with all of it waiting. */
async function measurePending() {
  const config = [
    ...['rules:', '  - { name: all, when: { status: failed }, notify: ops }'],
    ...['channels:', '  ops: { type: webhook, url: "http://127.0.0.1:9/" }', ''],
  ].join('\n');
  const daemon = await startDaemon({ config });
  const client = await openClient(daemon.socket);
  const before = usageOf(daemon.pid).rss;
  const batch = 500;
  for (let at = 0; at < PENDING; at += batch) {
    const lines = Array.from(
      { length: batch },
      (_, index) => `{"type":"execution_failed","execution":"x${at + index}"}\n`,
    );
    client.socket.write(lines.join(''));
    await client.request('status');
  }
  const pendingOf = async () => (await client.request('status')).alerts.channels[0]?.pending ?? 0;
  await waitFor('all of them to wait', async () => (await pendingOf()) === PENDING, 50);
  const { rss } = usageOf(daemon.pid);
  client.close();
  await daemon.stop();
  return { before, rss };
}

/** The same without a rule: what the executions themselves take. */
async function measureFailures() {
  const daemon = await startDaemon({ config: 'rules: []\n' });
  const client = await openClient(daemon.socket);
  const before = usageOf(daemon.pid).rss;
  for (let at = 0; at < PENDING; at++) client.socket.write(`{"type":"execution_failed","execution":"x${at}"}\n`);
  await waitFor('all of them', async () => (await client.request('status')).counters.events >= PENDING, 50);
  const { rss } = usageOf(daemon.pid);
  client.close();
  await daemon.stop();
  return { before, rss };
}

export async function main() {
  const rates = await measureRules();
  const none = rates.get('none');
  report(`no rules, ${thousands(EVENTS)} events`, `${thousands(none)}/s`);
  for (const [name, rate] of rates) {
    if (name === 'none') continue;
    report(`${RULES} rules ${name}`, `${thousands(rate)}/s`, `${(rate / none).toFixed(2)} of it; aim: 0.8`);
  }
  const failures = await measureFailures();
  report(
    `${thousands(PENDING)} executions that failed, without a rule`,
    megabytes(failures.rss),
    `${megabytes(failures.before)} before`,
  );
  const pending = await measurePending();
  report(
    `the same, with an alert of each for a dead target`,
    megabytes(pending.rss),
    `${megabytes(pending.before)} before`,
  );
}
