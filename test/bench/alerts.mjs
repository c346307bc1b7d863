// Alerts: what rules cost a producer, and what ten thousand alerts cost that cannot be delivered.
import { measureIngest } from './ingest.mjs';
import { figure, mebibytes, median, openClient, sized, startDaemon, thousands, usageOf, waitFor } from './harness.mjs';

const EVENTS = sized(300_000, 20_000);
const ROUNDS = sized(3, 1);
const RULES = 100;
const PENDING = sized(10_000, 1_000);
const BATCH = 500;

/** A configuration; `when` gives the condition of the rule with that number. */
const rules = (when) =>
  `rules:\n${Array.from({ length: RULES }, (_, at) => `  - { name: r${at}, when: ${when(at)} }\n`).join('')}`;

const SETS = {
  'about ends, steps, questions, resources': rules(
    (at) =>
      [
        `{ status: failed, name: "job-${at}-*" }`,
        `{ step: "deploy-${at}" }`,
        `{ attention: waiting, label: { team: t${at} } }`,
        `{ resource: { cpu: ${at + 1}, for: 1m } }`,
      ][at % 4],
  ),
  'about output of other executions': rules((at) => `{ output: "error ${at}: .*", name: "job-${at}-*" }`),
  'about output of any execution': rules((at) => `{ output: "error ${at}: .*" }`),
};

const DEAD_TARGET = [
  ...['rules:', '  - { name: all, when: { status: failed }, notify: ops }'],
  ...['channels:', '  ops: { type: webhook, url: "http://127.0.0.1:9/" }', ''],
].join('\n');

/** Rates with each configuration, measured in turn, so that other load on the machine affects all of them. */
async function measureRules() {
  const rates = new Map([['none', []], ...Object.keys(SETS).map((name) => [name, []])]);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, found] of rates) {
      found.push((await measureIngest(EVENTS, SETS[name] ?? 'rules: []\n')).perSecond);
    }
  }
  return new Map([...rates].map(([name, found]) => [name, median(found)]));
}

/** Memory of a daemon before PENDING executions fail, and when `isDone` holds for its status. */
async function measureFailures(config, what, isDone) {
  const daemon = await startDaemon({ config });
  const client = await openClient(daemon.socket);
  const before = usageOf(daemon.pid).rss;
  for (let at = 0; at < PENDING; at += BATCH) {
    const ids = Array.from({ length: BATCH }, (_, index) => `x${at + index}`);
    client.socket.write(ids.map((id) => `{"type":"execution_failed","execution":"${id}"}\n`).join(''));
    await client.request('status');
  }
  await waitFor(what, async () => isDone(await client.request('status')), 50);
  const { rss } = usageOf(daemon.pid);
  client.close();
  await daemon.stop();
  return { rss, note: `${mebibytes(before).toFixed(0)} MiB before` };
}

export async function main() {
  const rates = await measureRules();
  const none = rates.get('none');
  figure(`no rules, ${thousands(EVENTS)} events`, none, '/s', { better: 'more' });
  for (const [name, rate] of rates) {
    if (name === 'none') continue;
    figure(`${RULES} rules ${name}`, rate, '/s', { better: 'more' });
    figure('  relative to no rules, ' + name, rate / none, 'x', { better: 'more', aim: 0.8 });
  }
  const failures = await measureFailures('rules: []\n', 'all failures', ({ counters }) => counters.events >= PENDING);
  const name = `memory, ${thousands(PENDING)} failed executions`;
  figure(`${name}, no rule`, mebibytes(failures.rss), 'MiB', { better: 'less', note: failures.note });
  const arePending = ({ alerts }) => alerts.channels[0]?.pending === PENDING;
  const pending = await measureFailures(DEAD_TARGET, 'all alerts to be pending', arePending);
  figure(`${name}, all alerts pending`, mebibytes(pending.rss), 'MiB', { better: 'less', note: pending.note });
}
