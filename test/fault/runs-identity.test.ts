/** Only processes of the run are signalled: not after a reboot, nor by a reused PID. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import type { ProcessIdentity } from '../../src/platform/processes.js';
import { identityOf, isAlive, readProcess } from '../../src/platform/processes.js';
import { claimRun, readRecord } from '../../src/runner/store.js';
import { waitFor } from '../helpers/wait.js';
import { isAble, isMissing } from '../helpers/needs.js';
import type { RunHome } from '../helpers/runs.js';
import { createRunHome, endOf, killHard } from '../helpers/runs.js';

interface Case {
  /** Contents of runner.json when the daemon starts. */
  record: (written: { runner: ProcessIdentity; source: string; child: ProcessIdentity }) => unknown;
  error: RegExp;
}

const KILLED = /^its runner was killed$/;
const GONE = /^its process ended without reporting the outcome$/;

/** A foreign process: leads a session and a group, like commands. */
function startInnocent(t: Test): ProcessIdentity {
  const innocent = spawn('sleep', ['1000'], { stdio: 'ignore', detached: true });
  t.teardown(() => innocent.kill('SIGKILL'));
  return identityOf(innocent.pid!)!;
}

/** A zombie whose parent does not reap it. */
async function startZombie(t: Test): Promise<ProcessIdentity> {
  const parent = spawn('sh', ['-c', 'setsid sh -c "echo \\$\\$; exec sleep 0.1" & exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.teardown(() => parent.kill('SIGKILL'));
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const identity = identityOf(Number(line.toString()))!;
  await waitFor('a zombie', () => readProcess(identity.pid)?.state === 'Z');
  return identity;
}

const NEXT_PID = '/proc/sys/kernel/ns_last_pid';

/** A process with that PID, in a new session and group. */
async function takeNumber(t: Test, pid: number): Promise<ProcessIdentity> {
  await waitFor('the number to be free', () => readProcess(pid) === undefined);
  for (let attempt = 0; attempt < 100; attempt++) {
    writeFileSync(NEXT_PID, String(pid - 1));
    const child = spawn('sleep', ['1000'], { stdio: 'ignore', detached: true });
    if (child.pid === pid) {
      t.teardown(() => child.kill('SIGKILL'));
      return identityOf(pid)!;
    }
    child.kill('SIGKILL');
  }
  throw new Error(`no process gets PID ${pid}`);
}

/** Signals in the log of strace; signal 0 only tests whether a process exists. */
function killsIn(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => /kill|pidfd_send_signal/.test(line) && !line.includes(', 0)'));
}

/** Malformed records, all in one home; the daemon that finds them is traced. */
async function find(t: Test, home: RunHome, cases: Record<string, Case>): Promise<void> {
  const first = await home.startDaemon();
  // one process plays the runner of each, another one the command: starting many would prove nothing more
  const [runner, child] = [startInnocent(t), startInnocent(t)];
  const runs = Object.entries(cases).map(([what, one]) => {
    const id = home.specify(['sleep', '1000']);
    const written = { runner, child, source: `run-${runner.pid}-${id}` };
    claimRun(home.paths, id, written);
    const started = JSON.stringify({ type: 'execution_started', execution: id, data: { kind: 'run' } });
    writeFileSync(path.join(home.paths.spool, `${written.source}.ndjson`), `${started}\n`, { mode: 0o600 });
    return { ...one, what, id, written };
  });
  for (const { id } of runs) await home.until(id, 'running');
  await first.kill();
  for (const one of [runner, child]) await killHard(one);
  for (const one of runs) {
    const record = await one.record(one.written);
    const text = typeof record === 'string' ? record : JSON.stringify(record);
    writeFileSync(path.join(home.paths.runs, one.id, 'runner.json'), text);
  }
  const log = path.join(home.directory, 'strace');
  const daemon = await home.startDaemon({
    wrapper: ['strace', '-f', '-qq', '-o', log, '-e', 'trace=kill,tkill,pidfd_send_signal'],
  });
  for (const { what, id, error: wanted } of runs) {
    // a harmless signal: a broken record might address all processes
    await home.order(id, { action: 'signal', signal: 'SIGCONT', by: 'test' }).catch(() => undefined);
    const { status, outcome: { error } = {} } = await home.until(id, 'final');
    t.match({ status, error }, { status: 'lost', error: wanted }, what);
    endOf(t, await home.events(id));
  }
  t.strictSame(killsIn(log), [], 'no process was signalled');
  t.ok(isAlive(identityOf(daemon.pid)!));
}

t.test('a record that refers to no process, or a foreign one, signals nothing', async (t) => {
  if (isMissing(t, 'strace', isAble('strace', '-qq', 'true'))) return;
  const home = createRunHome(t);
  const innocent = startInnocent(t);
  const zombie = await startZombie(t);
  const own = identityOf(process.pid)!;
  const init = identityOf(1)!;
  const earlier = ({ start, ...rest }: ProcessIdentity) => ({ ...rest, start: start - 1 });
  const child = (identity: object): Case => ({ record: (written) => ({ ...written, child: identity }), error: KILLED });
  const garbage = (record: unknown): Case => ({ record: () => record, error: GONE });
  await find(t, home, {
    'another boot': {
      record: ({ runner, source }) => ({
        source,
        runner: { ...runner, boot: 'another' },
        child: { ...innocent, boot: 'another' },
      }),
      error: /^the machine was started again$/,
    },
    'another boot, and both numbers are used again': {
      record: ({ source }) => ({
        source,
        runner: { ...own, boot: 'another' },
        child: { ...innocent, boot: 'another' },
      }),
      error: /^the machine was started again$/,
    },
    'a number that is used again': child(earlier(innocent)),
    'both numbers are used again': {
      record: ({ source }) => ({ source, runner: earlier(own), child: earlier(innocent) }),
      error: KILLED,
    },
    'a zombie': child(zombie),
    'a zombie as runner': { record: (written) => ({ ...written, runner: zombie }), error: KILLED },
    'pid 0': child({ ...innocent, pid: 0, start: 0 }),
    'pid 1': child(init),
    'pid -1': child({ ...innocent, pid: -1 }),
    'a group': child({ ...innocent, pid: -innocent.pid }),
    'no number': garbage({ runner: innocent, source: 'x', child: { ...innocent, pid: NaN } }),
    'half a number': garbage({ runner: innocent, source: 'x', child: { ...innocent, pid: innocent.pid + 0.5 } }),
    'a number beyond all': child({ ...innocent, pid: 2 ** 40 }),
    'no runner': garbage({ source: 'x' }),
    nothing: garbage(''),
    null: garbage(null),
    'a list': garbage([innocent]),
    'half of it': { record: (written) => JSON.stringify(written).slice(0, -20), error: GONE },
    'no text': garbage('\0\xff\0'.repeat(100)),
  });
  t.ok(isAlive(innocent));
});

t.test('a record that refers to the daemon itself does not make it kill itself', async (t) => {
  const home = createRunHome(t);
  await home.startDaemon();
  const id = await home.run(['sleep', '1000']);
  await home.until(id, 'running');
  const { runner, child, source } = await home.recordOf(id);
  const { pid } = await home.ask('status', {});
  process.kill(pid, 'SIGKILL');
  await killHard(runner);
  await killHard(child);
  // the shell of the daemon writes down the PID before it becomes the daemon
  const file = path.join(home.paths.runs, id, 'runner.json');
  const start = `$(sed 's/.*) //' /proc/$$/stat | cut -d ' ' -f 20)`;
  const own = `{\\"pid\\":$$,\\"start\\":${start},\\"boot\\":\\"${runner.boot}\\"}`;
  const text = `{\\"source\\":\\"${source}\\",\\"runner\\":{\\"pid\\":1,\\"start\\":0,\\"boot\\":\\"${runner.boot}\\"},\\"child\\":${own}}`;
  const daemon = await home.startDaemon({ wrapper: ['sh', '-c', `printf %s "${text}" > '${file}'; exec "$@"`, 'sh'] });
  t.equal(readRecord(home.paths, id)?.child?.pid, daemon.pid);
  await home.order(id, { action: 'kill', by: 'test' }).catch(() => undefined);
  t.equal((await home.until(id, 'final')).status, 'lost');
  t.equal((await home.ask('status', {})).pid, daemon.pid, 'it is still there');
});

t.test('a PID that the system has really reused', async (t) => {
  if (isMissing(t, 'strace', isAble('strace', '-qq', 'true'))) return;
  if (
    isMissing(
      t,
      'the right to choose process ids',
      isAble('sh', '-c', `read -r last <${NEXT_PID} && echo "$last" >${NEXT_PID}`),
    )
  )
    return;
  const home = createRunHome(t);
  const taken: ProcessIdentity[] = [];
  await find(t, home, {
    'given away': {
      async record(written) {
        taken.push(await takeNumber(t, written.child.pid));
        return written;
      },
      error: KILLED,
    },
  });
  t.ok(taken.every(isAlive));
});
