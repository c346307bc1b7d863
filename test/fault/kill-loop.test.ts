/** kill -9 of the daemon in a loop, while producers resend unacknowledged events. */
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { createHome } from '../helpers/daemon.js';
import { configure, SMALL_SEGMENTS } from './helpers/config.js';
import { checkJournal, checkSource } from './helpers/journal-check.js';
import { shortOrLong } from '../helpers/long.js';
import { startResender } from './helpers/resender.js';
import { waitFor } from '../helpers/wait.js';

const ROUNDS = shortOrLong(4, 200);

t.test('no acknowledged event is lost and none exists twice, however often the daemon is killed', async (t) => {
  const home = createHome(t);
  configure(home, SMALL_SEGMENTS);
  const { socket } = home.paths;
  let daemon = await home.startDaemon();
  const resenders = ['quick', 'steady', 'bursts'].map((source, index) =>
    startResender({ socket, source, burst: [5, 40, 400][index]!, pauseMs: [1, 10, 60][index]! }),
  );
  for (let round = 0; round < ROUNDS; round++) {
    const before = resenders.map(({ acked }) => acked);
    await delay(20 + Math.random() * 400);
    await daemon.kill();
    t.ok(
      resenders.every(({ acked }, index) => acked >= before[index]!),
      `round ${round + 1} is over`,
    );
    daemon = await home.startDaemon();
  }
  await Promise.all(resenders.map((resender) => resender.finish()));
  const names = () => readdirSync(home.paths.journal);
  await waitFor('compression to take part', () => names().some((name) => name.endsWith('.gz')));
  await daemon.kill('SIGTERM');

  const events = checkJournal(t, home.paths.journal);
  for (const resender of resenders) checkSource(t, events, resender);
  t.ok(
    resenders.every(({ acked }) => acked > ROUNDS),
    'enough was written for this to mean something',
  );
  t.ok(names().filter((name) => /^\d+\.jsonl/.test(name)).length > ROUNDS / 2, 'rotation took part');
});
