/** The runner is killed: what it had started stays visible and controllable, or is lost, and nothing runs twice. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import t from 'tap';
import type { ProcessIdentity } from '../../src/platform/processes.js';
import { isAlive, processesWith, readProcess } from '../../src/platform/processes.js';
import { readRecord } from '../../src/runner/store.js';
import { PROGRESS } from '../helpers/daemon.js';
import { WAIT_FOR_FILE, waitFor } from '../helpers/wait.js';
import { isAble, isMissing } from '../helpers/needs.js';
import { collectOutput } from '../helpers/output.js';
import type { RunHome } from '../helpers/runs.js';
import { createRunHome, endOf, killHard, outputOf, sh, signalsOf } from '../helpers/runs.js';

async function killRunner(home: RunHome, id: string): Promise<ProcessIdentity> {
  const { runner, child } = await home.recordOf(id);
  await killHard(runner);
  return child;
}

const orphanOf = async (home: RunHome, id: string) =>
  await waitFor('the orphan', async () => {
    const found = await home.find(id);
    return found?.orphaned && found;
  });

t.test(
  'a child that survives its runner is shown, stopped and paused by the daemon, and lost in the end',
  async (t) => {
    const home = createRunHome(t);
    const daemon = await home.startDaemon();
    const gate = home.gate('go');
    const left = await home.run(sh(WAIT_FOR_FILE, gate));
    const stopped = await home.run(sh(WAIT_FOR_FILE, gate));
    const paused = await home.run(sh(WAIT_FOR_FILE, gate));
    const kept = await home.run(sh(`trap '' INT; ${WAIT_FOR_FILE}`, gate));
    await home.until(paused, 'running');
    await home.order(paused, { action: 'pause', by: 'test' });
    await home.until(paused, 'paused');
    for (const id of [left, stopped, kept]) await home.until(id, 'running');
    const children = new Map<string, ProcessIdentity>();
    for (const id of [left, stopped, paused, kept]) children.set(id, await killRunner(home, id));
    for (const id of children.keys()) t.equal((await orphanOf(home, id)).status, id === paused ? 'paused' : 'running');
    const stateOf = (id: string) => readProcess(children.get(id)!.pid)?.state;
    const isStill = (id: string) => ['T', 'D'].includes(stateOf(id) ?? '');

    await home.order(stopped, { action: 'pause', by: 'test' });
    await home.until(stopped, 'paused');
    await waitFor('it to stand still', () => isStill(stopped));
    await home.order(stopped, { action: 'stop', by: 'test' });
    t.equal((await home.until(stopped, 'final')).status, 'lost');
    t.strictSame(signalsOf(await home.events(stopped)), ['SIGSTOP by test', 'SIGINT by test', 'SIGCONT by test']);

    t.ok(isStill(paused));
    await home.order(paused, { action: 'resume', by: 'test' });
    await home.until(paused, 'running');
    await waitFor('it to run', () => !isStill(paused));

    // the next daemon finds them, too, and records nothing twice
    await daemon.kill();
    await home.startDaemon();
    await home.order(kept, { action: 'stop', graceMs: 100, by: 'test' });
    t.equal((await home.until(kept, 'final')).status, 'lost');
    t.match(outputOf(t, await home.events(kept), 'system').at(-1), /^SIGINT did not end it: killed by SIGKILL after /);
    gate.open();
    for (const id of children.keys()) {
      const { status, outcome: { error } = {} } = await home.until(id, 'final');
      t.match({ status, error }, { status: 'lost', error: 'its runner was killed before it ended' });
      const events = await home.events(id);
      t.equal(endOf(t, events), events.at(-1), 'nothing comes after its end');
      t.equal(events.filter(({ type }) => type === 'execution_orphaned').length, 1);
      t.notOk(isAlive(children.get(id)!));
    }
    await t.rejects(home.order(left, { action: 'stop' }), { code: 'bad_request', message: /has ended: lost/ });
  },
);

t.test('a child that does not survive is lost at once, and the next run of its queue starts', async (t) => {
  const home = createRunHome(t);
  await home.startDaemon();
  const queued = async (argv: string[], more: object = {}) => {
    const id = home.specify(argv, { queue: 'q', ...more });
    await home.ask('emit', { event: { type: 'execution_queued', execution: id, data: { argv, queue: 'q' } } });
    return id;
  };
  const gate = home.gate('go');
  // one dies when it writes, one with its terminal
  const writes = await queued(sh('while :; do echo; sleep 0.01; done'));
  const terminal = await queued(sh(WAIT_FOR_FILE, gate), { pty: true });
  const survives = await queued(sh(WAIT_FOR_FILE, gate));
  const last = await queued(['true']);
  for (const id of [writes, terminal]) {
    await home.until(id, 'running');
    await killRunner(home, id);
    const { status, outcome: { error } = {} } = await home.until(id, 'final');
    t.match({ status, error }, { status: 'lost', error: /^its runner was killed/ });
    endOf(t, await home.events(id));
  }
  await home.until(survives, 'running');
  await killRunner(home, survives);
  await orphanOf(home, survives);
  t.equal((await home.find(last))?.status, 'queued', 'its slot is taken as long as something of it is left');
  gate.open();
  t.equal((await home.until(survives, 'final')).status, 'lost');
  t.equal((await home.until(last, 'final')).status, 'completed');
});

t.test('kill -9 of both, then a start', async (t) => {
  const home = createRunHome(t);
  const daemon = await home.startDaemon();
  const gate = home.gate('go');
  const survives = await home.run(sh(`echo kept; ${WAIT_FOR_FILE}`, gate));
  const dies = await home.run(sh('while :; do echo; sleep 0.01; done'));
  for (const id of [survives, dies]) await home.until(id, 'running');
  await home.hear(survives, 'kept');
  await daemon.kill();
  for (const id of [survives, dies]) await killRunner(home, id);
  await home.startDaemon();
  // at once, before any daemon has found it
  await home.order(survives, { action: 'signal', signal: 'SIGCONT', by: 'test' });
  t.equal((await orphanOf(home, survives)).status, 'running');
  t.equal((await home.until(dies, 'final')).status, 'lost');
  gate.open();
  t.equal((await home.until(survives, 'final')).status, 'lost');
  for (const id of [survives, dies]) endOf(t, await home.events(id));
});

/** The call at which it is killed during its start: system call, file, and count. */
const POINTS = {
  'before it claims the run': { calls: 'link,linkat', file: 'runner.json', count: 1 },
  'after that': { calls: 'open,openat', file: 'spool', count: 1 },
  'before it reports': { calls: 'write,pwrite64', file: 'spool', count: 1 },
  'before it starts the command': { calls: 'open,openat', file: 'pipe', count: 1 },
  'before it writes down the command': { calls: 'rename,renameat,renameat2', file: 'draft', count: 1 },
  'before it reports the command': { calls: 'write,pwrite64', file: 'spool', count: 2 },
} as const;

/** Words before those of the runner. */
function killAt(
  { paths }: RunHome,
  id: string,
  { calls, file, count }: (typeof POINTS)[keyof typeof POINTS],
): string[] {
  const files = {
    'runner.json': path.join(paths.runs, id, 'runner.json'),
    pipe: path.join(paths.runs, id, 'pipe.0'),
    draft: path.join(paths.runs, id, 'runner.json.new'),
    spool: path.join(paths.spool, `run-$$-${id}.ndjson`),
  };
  // the runner has the PID of the shell, and strace is its child
  return [
    'sh',
    '-c',
    `exec strace -D -qq -o /dev/null -P "${files[file]}" -e trace=${calls} -e inject=${calls}:signal=KILL:when=${count} "$@"`,
    'sh',
  ];
}

/** Processes of the run, except the runner and its strace. */
function commandsOf(id: string): number[] {
  return processesWith(`PROGRESS_EXECUTION=${id}`).filter((pid) => readProcess(pid)?.state !== 'Z');
}

t.test('killed anywhere in its start, a runner leaves nothing invisible and nothing that runs twice', async (t) => {
  if (isMissing(t, 'strace', isAble('strace', '-qq', 'true'))) return;
  const home = createRunHome(t);
  await home.startDaemon();
  for (const [index, [where, point]] of Object.entries(POINTS).entries()) {
    await t.test(where, async (t) => {
      const gate = home.gate(`go${index}`);
      const id = home.specify(sh(`echo "$$" >> "$1.started"; ${WAIT_FOR_FILE}`, gate));
      const pid = home.launch(id, killAt(home, id, point));
      await waitFor('it to be killed', () => readProcess(pid) === undefined || readProcess(pid)?.state === 'Z');
      const left = commandsOf(id);
      t.comment(`${left.length} processes are left, the record is ${JSON.stringify(readRecord(home.paths, id))}`);
      t.equal(left.length > 0, where.endsWith('the command') && !where.includes('starts'), 'as far as it was to come');
      if (left.length > 0) {
        const orphan = await orphanOf(home, id);
        t.match(orphan, { status: 'running', process: { pid: left[0] } });
        await home.order(id, { action: 'stop', by: 'test' });
        t.equal((await home.until(id, 'final')).status, 'lost');
        t.strictSame(commandsOf(id), []);
      } else if (where.includes('reports') || where.includes('claims') || where === 'after that') {
        t.strictSame(await home.events(id), [], 'no event was recorded');
      } else {
        const { status, outcome: { error } = {} } = await home.until(id, 'final');
        t.match(
          { status, error },
          { status: 'cancelled', error: 'its runner was killed before it started the command' },
        );
      }
      gate.open();
    });
  }
});

t.test('the command reports that the runner was killed before it started the run', async (t) => {
  if (isMissing(t, 'strace', isAble('strace', '-qq', 'true'))) return;
  const home = createRunHome(t);
  const [first, second] = [['sh'], ['true']].map((argv) => home.specify(argv, { queue: 'q' })) as [string, string];
  const inject = ['-e', 'trace=link,linkat', '-e', 'inject=link,linkat:signal=KILL:when=1'];
  const strace = ['strace', '-f', '-qq', '-o', '/dev/null', ...inject];
  await home.startDaemon({ wrapper: [...strace, '-P', path.join(home.paths.runs, first, 'runner.json')] });
  for (const id of [first, second]) {
    await home.ask('emit', { event: { type: 'execution_queued', execution: id, data: { queue: 'q' } } });
  }
  const { status, outcome: { error } = {} } = await home.until(first, 'final');
  t.match({ status, error }, { status: 'failed', error: 'the runner did not start: ended by SIGKILL' });
  t.equal((await home.until(second, 'final')).status, 'completed', 'its slot is free');

  const cli = spawn(strace[0]!, [...strace.slice(1), PROGRESS, 'run', '--detach', 'true'], {
    env: home.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stderr = 'progress: the runner did not start: ended by SIGKILL\n';
  t.strictSame(await collectOutput(cli).ended, { status: 69, signal: null, stdout: '', stderr });
});
