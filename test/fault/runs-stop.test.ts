/** Stopping: whatever a command does, it ends, and its history has the actor and the signals. */
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import type { ExecutionEvent } from '../../src/core/events/event.js';
import { isAlive, processesWith, readProcess, readProcesses } from '../../src/platform/processes.js';
import { isRunning } from '../helpers/daemon.js';
import { shortOrLong } from '../helpers/long.js';
import { WAIT_FOR_FILE, waitFor } from '../helpers/wait.js';
import type { RunHome } from '../helpers/runs.js';
import { createRunHome, endOf, outputOf, sh, signalsOf } from '../helpers/runs.js';

const BY = { by: 'a test' };

/** The PIDs that it printed. */
async function printedBy(home: RunHome, id: string, count: number): Promise<number[]> {
  return await waitFor('what it prints', async () => {
    const pids = ((await home.find(id))?.tail ?? []).map(Number);
    return pids.length >= count && pids;
  });
}

/** Checks that it was cancelled once, after a message that says how. */
function checkStopped(t: Test, events: ExecutionEvent[], took: RegExp): void {
  t.equal(endOf(t, events)?.type, 'execution_cancelled');
  t.equal(Object.is(events.at(-1), endOf(t, events)), true, 'nothing comes after it');
  t.match(outputOf(t, events, 'system').at(-1), took);
  t.match(events.at(-2), { type: 'output', data: { stream: 'system' } }, 'the last line of its log');
}

const isLeft = (pid: number) => isRunning(pid) && readProcess(pid)?.state !== 'Z';
const groupOf = (leader: number) => readProcesses().filter(({ group, state }) => group === leader && state !== 'Z');

interface Case {
  script: string;
  /** Number of PIDs that it prints before it is stopped. */
  prints: number;
  signals: string[];
  took: RegExp;
}

const OBEYED = /^stopped by SIGINT after .*, requested by a test$/;
const KILLED = /^SIGINT did not end it: killed by SIGKILL after .*, requested by a test$/;
const [INT, KILL] = ['SIGINT by a test', 'SIGKILL by a test'];

const CASES: Record<string, Case> = {
  'it obeys': { script: 'echo $$; exec sleep 1000', prints: 1, signals: [INT], took: OBEYED },
  'it obeys in its own way': {
    script: `trap 'sleep 0.1; exit 7' INT; echo $$; while :; do sleep 0.02; done`,
    prints: 1,
    signals: [INT],
    took: OBEYED,
  },
  'it ignores that': {
    script: `trap '' INT; echo $$; while :; do sleep 0.1; done`,
    prints: 1,
    signals: [INT, KILL],
    took: KILLED,
  },
  'it goes, and leaves a child that ignores that': {
    script: 'sleep 1000 & echo $!; wait',
    prints: 1,
    signals: [INT, KILL],
    took: KILLED,
  },
  'it goes, and leaves a child that nothing marks as its own': {
    script: 'env -i sleep 1000 & echo $!; wait',
    prints: 1,
    signals: [INT, KILL],
    took: KILLED,
  },
  'it starts more and more': {
    script: `trap '' INT; echo $$; while :; do sleep 1000 & sleep 0.01; done`,
    prints: 1,
    signals: [INT, KILL],
    took: KILLED,
  },
};

t.test('stops any command', async (t) => {
  const home = createRunHome(t);
  await home.startDaemon();
  for (const [what, { script, prints, signals, took }] of Object.entries(CASES)) {
    t.test(what, async (t) => {
      const id = await home.run(sh(script));
      const pids = await printedBy(home, id, prints);
      const { child } = await home.recordOf(id);
      await home.order(id, { action: 'stop', graceMs: signals.length > 1 ? 300 : 10_000, ...BY });
      await home.until(id, 'final');
      const events = await home.events(id);
      checkStopped(t, events, took);
      t.strictSame(signalsOf(events), signals);
      t.match(
        events.find(({ type, data }) => type === 'control' && data['action'] === 'stop'),
        { data: BY },
      );
      t.strictSame(pids.filter(isLeft), []);
      t.strictSame(groupOf(child.pid), []);
      await t.rejects(home.order(id, { action: 'stop' }), { code: 'bad_request', message: /has ended: cancelled/ });
    });
  }
});

t.test('a stop at an unusual time', async (t) => {
  const home = createRunHome(t);
  const daemon = await home.startDaemon();
  const gate = home.gate('go');
  const stop = { action: 'stop', ...BY } as const;

  t.test('while the run is paused', async (t) => {
    const id = await home.run(sh(WAIT_FOR_FILE, gate));
    await home.until(id, 'running');
    await home.order(id, { action: 'pause', ...BY });
    await home.until(id, 'paused');
    await home.order(id, stop);
    await home.until(id, 'final');
    const events = await home.events(id);
    checkStopped(t, events, OBEYED);
    t.strictSame(signalsOf(events), ['SIGSTOP by a test', INT, 'SIGCONT by a test']);
  });

  t.test('while the run ends', async (t) => {
    const own = home.gate('own');
    const ids = await Promise.all(Array.from({ length: shortOrLong(3, 20) }, () => home.run(sh(WAIT_FOR_FILE, own))));
    await Promise.all(ids.map((id) => home.until(id, 'running')));
    own.open();
    for (const id of ids) {
      await delay(5);
      await home.order(id, stop).catch((error: unknown) => t.match(error, { message: /has ended: completed/ }));
    }
    for (const id of ids) {
      const { status } = await home.until(id, 'final');
      t.ok(status === 'completed' || status === 'cancelled', status);
      endOf(t, await home.events(id));
    }
  });

  t.test('a second stop sends no second SIGINT, and a kill ends the grace time', async (t) => {
    const id = await home.run(sh(`trap '' INT; ${WAIT_FOR_FILE}`, gate));
    await home.until(id, 'running');
    await home.order(id, { ...stop, graceMs: 20_000 });
    await home.order(id, { ...stop, by: 'another' });
    await waitFor('the first signal', async () => signalsOf(await home.events(id)).length > 0);
    t.equal((await home.find(id))?.status, 'running');
    await home.order(id, { action: 'kill', by: 'a third' });
    await home.until(id, 'final');
    const events = await home.events(id);
    checkStopped(t, events, /^SIGINT did not end it: killed by SIGKILL after .*, requested by a third$/);
    t.equal(events.filter(({ type, data }) => type === 'control' && data['action'] !== 'signal').length, 3);
    t.strictSame(signalsOf(events), [INT, 'SIGKILL by a third'], 'one interruption');
  });

  t.test('while the run starts', async (t) => {
    for (let round = 0; round < shortOrLong(2, 20); round++) {
      const id = home.specify(sh(`trap 'exit 0' INT; ${WAIT_FOR_FILE}`, gate));
      home.launch(id);
      await home.order(id, stop);
      t.equal((await home.until(id, 'final')).status, 'cancelled');
      endOf(t, await home.events(id));
      t.strictSame(processesWith(`PROGRESS_EXECUTION=${id}`).filter(isLeft), []);
    }
  });

  t.test('while the run is queued', async (t) => {
    await home.ask('emit', { event: { type: 'queue_changed', data: { name: 'closed', paused: true } } });
    const id = home.specify(['true'], { queue: 'closed' });
    await home.ask('emit', { event: { type: 'execution_queued', execution: id, data: { queue: 'closed' } } });
    await home.order(id, stop);
    t.equal((await home.until(id, 'final')).status, 'cancelled');
    const events = await home.events(id);
    t.strictSame(
      events.map(({ type }) => type),
      ['execution_queued', 'control', 'execution_cancelled'],
    );
  });

  t.test('a process that has left the group continues, and is reported', async (t) => {
    const id = await home.run(sh('(setsid sleep 1000 & echo $!) ; exec sleep 1000'));
    const [escaped] = await printedBy(home, id, 1);
    await home.order(id, stop);
    await home.until(id, 'final');
    const events = await home.events(id);
    checkStopped(t, events, OBEYED);
    t.match(
      events.find(({ type }) => type === 'log'),
      {
        data: {
          level: 'warning',
          message: `1 process of this run is still running: ${escaped}; outside of its group: ${escaped}`,
        },
      },
    );
    t.ok(isRunning(escaped!));
  });

  t.test('the daemon is killed during a stop', async (t) => {
    const id = await home.run(sh(`trap '' INT; ${WAIT_FOR_FILE}`, gate));
    await home.until(id, 'running');
    await home.order(id, { ...stop, graceMs: 1_000 });
    await waitFor('the first signal', async () => signalsOf(await home.events(id)).length > 0);
    await daemon.kill();
    const { runner, child } = await home.recordOf(id);
    t.ok(isAlive(child), 'it is still to be killed');
    await waitFor('its end', () => !isAlive(runner));
    t.notOk(isAlive(child));
    await home.startDaemon();
    await home.until(id, 'final');
    const events = await home.events(id);
    checkStopped(t, events, KILLED);
    t.strictSame(signalsOf(events), [INT, KILL]);
  });
});
