import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import type { Test } from 'tap';
import t from 'tap';
import { collectOutput } from '../helpers/output.js';
import type { ProcessIdentity } from '../../src/platform/processes.js';
import { bootId, identityOf, isStandingStill, readProcess } from '../../src/platform/processes.js';
import { createProcessGroup, findProcessGroup, markerOf } from '../../src/runner/group.js';
import { waitFor } from '../helpers/wait.js';

let runs = 0;

interface Started {
  child: ChildProcess;
  id: string;
  leader: ProcessIdentity;
  /** The numbers that the script prints, once there are this many. */
  printed: (count: number) => Promise<number[]>;
}

/** A session like that of a run; the test kills all of it. */
function start(t: Test, script: string): Started {
  const id = `group${process.pid}x${runs++}`;
  const child = spawn('sh', ['-c', script], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, PROGRESS_EXECUTION: id },
  });
  const output = collectOutput(child);
  const leader = identityOf(child.pid!)!;
  const group = createProcessGroup(leader, id);
  t.teardown(() => void group.signal('SIGKILL'));
  return {
    child,
    id,
    leader,
    printed: (count) =>
      waitFor('the numbers', () => {
        const numbers = output.stdout.split('\n').slice(0, -1).map(Number);
        return numbers.length >= count && numbers;
      }),
  };
}

const ended = ({ child }: Started) => waitFor('its end', () => child.exitCode !== null || child.signalCode !== null);

t.test('members are those of its session and group; a signal reaches all of them', async (t) => {
  const started = start(t, 'sleep 60 & echo $!; (sleep 60 & echo $!; wait) & echo $!; wait');
  const group = createProcessGroup(started.leader, started.id);
  const children = await started.printed(3);
  const expected = [started.leader.pid, ...children].sort();
  t.strictSame(
    group
      .members()
      .map(({ pid }) => pid)
      .sort(),
    expected,
  );
  t.strictSame(group.escaped(), []);
  t.ok(group.signal('SIGSTOP'));
  await waitFor('all to stand still', () => group.members().every(isStandingStill));
  t.ok(group.signal('SIGKILL'));
  await waitFor('all to be gone', () => group.members().length === 0);
  await ended(started);
  t.notOk(group.signal('SIGTERM'), 'no process is left');
});

t.test('background processes of an ended leader are still members', async (t) => {
  const started = start(t, 'sleep 60 & echo $!');
  const group = createProcessGroup(started.leader, started.id);
  const [left] = (await started.printed(1)) as [number];
  await ended(started);
  t.equal(readProcess(started.leader.pid), undefined);
  t.strictSame(
    group.members().map(({ pid }) => pid),
    [left],
  );
  t.ok(group.signal('SIGTERM'));
  await waitFor('it to be gone', () => readProcess(left) === undefined);
});

t.test('zombies are no members, and are not signalled', async (t) => {
  // perl does not reap its child, which has a session of its own
  const script = `exec perl -e '$| = 1; use POSIX; my $pid = fork; if (!$pid) { POSIX::setsid(); exit } print "$pid\\n"; sleep 60'`;
  const started = start(t, script);
  const [zombie] = (await started.printed(1)) as [number];
  await waitFor('a zombie', () => readProcess(zombie)?.state === 'Z');
  const group = createProcessGroup(identityOf(zombie)!, started.id);
  t.strictSame(group.members(), []);
  t.notOk(group.signal('SIGTERM'));
  t.strictSame(createProcessGroup(started.leader, started.id).escaped(), []);
});

t.test('a process that has reused the PID is never signalled', async (t) => {
  const stranger = start(t, 'echo $$; sleep 60 & wait');
  await stranger.printed(1);
  const { pid, start: ticks, boot } = stranger.leader;
  for (const [what, leader] of [
    ['younger', { pid, start: ticks - 1, boot }],
    ['older, as after a change of the clock', { pid, start: ticks + 1, boot }],
    ['of another start of the machine', { pid, start: ticks, boot: `${boot}x` }],
    ['unknown', { pid, start: 0, boot: '' }],
  ] as const) {
    const group = createProcessGroup(leader, 'otherrun');
    t.strictSame(group.members(), [], what);
    t.notOk(group.signal('SIGKILL'), what);
  }
  t.equal(readProcess(pid)?.state, 'S', 'it is well');
  for (const pid of [0, 1, -1])
    t.notOk(createProcessGroup({ pid, start: 0, boot: bootId() }, 'otherrun').signal('SIGTERM'));
});

t.test('a group of the same number without its leader counts only by the environment', async (t) => {
  const started = start(t, 'sleep 60 & echo $!');
  const [left] = (await started.printed(1)) as [number];
  await ended(started);
  const { leader, id } = started;
  t.strictSame(createProcessGroup(leader, 'otherrun').members(), []);
  t.notOk(createProcessGroup(leader, 'otherrun').signal('SIGKILL'));
  t.notOk(
    createProcessGroup({ ...leader, start: leader.start + 1_000_000 }, id).signal('SIGKILL'),
    'older than the run',
  );
  t.ok(readProcess(left));
});

t.test('a process that has left the group is found by its environment', async (t) => {
  const started = start(t, 'setsid sleep 60 & echo up; sleep 60 & wait');
  const group = createProcessGroup(started.leader, started.id);
  await waitFor('both', () => group.members().length === 2 && group.escaped().length === 1);
  const [escaped] = group.escaped() as [number];
  t.equal(readProcess(escaped)?.session, escaped);
  group.signal('SIGKILL');
  await waitFor('the group to be gone', () => group.members().length === 0);
  t.strictSame(group.escaped(), [escaped], 'it goes on');
  process.kill(escaped);
  await waitFor('its end', () => group.escaped().length === 0);
});

t.test('without a record the leader is found by the environment', async (t) => {
  const started = start(t, 'echo $$; sleep 60 & wait');
  await started.printed(1);
  t.strictSame(findProcessGroup(started.id)?.leader, started.leader);
  t.equal(findProcessGroup('no-such-run'), undefined);
  t.equal(markerOf('abc'), 'PROGRESS_EXECUTION=abc');
});
